"""Debug mode of a service of the cluster: switched on and off, its pod, its debugger."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairlead.api.meta import INFERENCE_IMAGE
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.images.layout import PORT
from fairlead.local.answers import NoAnswerError, ask
from fairlead.local.errors import LocalError, refusal
from fairlead.remote.client import Client
from fairlead.remote.pods import containers, scoring_pods
from fairlead.remote.port_forward import PortForward
from fairlead.remote.state import Verdict, failed, mapping, mappings, state_of
from fairlead.remote.targets import Target

SWITCH = {"name": "FAIRLEAD_DEBUG", "value": "true"}
LOOK_S = 1.0  # seconds between two looks
LISTEN_S = 60.0  # how long a pod that has begun is waited for, until its debugger listens
UNTOLD_S = 5.0  # the same of a runtime that does not tell
SLOTS = "/-/slots"


def image_of(service: Manifest, target: Target) -> Target | None:
    """The InferenceImage that it serves; None where it serves an image by name."""
    name = mapping(mapping(service.get("spec")).get("imageRef")).get("name")
    return Target(INFERENCE_IMAGE, target.namespace, str(name)) if name else None


def is_on(manifest: Manifest) -> bool:
    """Whether ``spec.debug`` of an object is on."""
    debug = mapping(manifest.get("spec")).get("debug")
    return isinstance(debug, Mapping) and debug.get("enabled", True) is True


def switch_on(client: Client, target: Target, debug: Mapping[str, Any]) -> None:
    """Set ``spec.debug`` of an object. Raises ``LocalError``."""
    client.merge(target.ref, {"spec": {"debug": {"enabled": True, **debug}}})


def switch_off(client: Client, target: Target) -> bool:
    """Take ``spec.debug`` away; False where it was off. Raises ``LocalError``."""
    found = client.get(target.ref)
    if found is None or mapping(found.get("spec")).get("debug") is None:
        return False
    client.merge(target.ref, {"spec": {"debug": None}})
    return True


def debug_pod(client: Client, target: Target, digest: str, timeout_s: float) -> str:
    """Wait until a pod in debug mode runs; return its name. ``digest``: of the image that it is to
    run, where that is known. Raises ``LocalError``: it cannot, or time is up."""
    deadline = time.monotonic() + timeout_s
    while True:
        for pod in reversed(scoring_pods(client, target)):
            if runs_in_debug_mode(pod, digest):
                return str(pod["metadata"]["name"])
        service = client.get(target.ref)
        state = state_of(service) if service else None
        if state and state.verdict is Verdict.FAILED:
            raise failed(state)
        if time.monotonic() >= deadline:
            raise refusal(
                Reason.SERVICE_NOT_RUNNING,
                f"No pod of '{target.name}' runs in debug mode after {timeout_s:g} s.",
                f"See why: fairlead describe {target.name}.",
            )
        time.sleep(LOOK_S)


def runs_in_debug_mode(pod: Manifest, digest: str) -> bool:
    """Whether its container has started, with the switch and the image that are wanted."""
    metadata, status = mapping(pod.get("metadata")), mapping(pod.get("status"))
    running = any(
        mapping(one.get("state")).get("running") is not None
        for one in mappings(status.get("containerStatuses"))
    )
    return (
        running
        and not metadata.get("deletionTimestamp")
        and any(
            SWITCH in mappings(one.get("env")) and str(one.get("image", "")).endswith(digest)
            for one in containers(pod)
        )
    )


class DebuggedPod:
    """Asks the runtime of a pod, through the API server, whether a debugger is attached."""

    def __init__(self, client: Client, target: Target, pod: str) -> None:
        self._client, self._target, self._pod = client, target, pod

    def state(self) -> "DebuggerState":
        """Nothing is told where it does not answer, as a pod does that has just begun. Raises
        ``LocalError``: it is gone."""
        with PortForward(self._client.access, self._target.namespace, self._pod, PORT) as forward:
            try:
                return said(ask(forward.port, "GET", SLOTS).body)
            except NoAnswerError:
                return DebuggerState()

    def listens(self) -> bool:
        """Wait until a debugger can attach; False where it is not told in time. The port itself is
        not tried: whoever connects there takes the debugger's one session. Raises ``LocalError``:
        the pod is gone."""
        begun, told = time.monotonic(), DebuggerState()
        while not (told.listening or told.attached):
            untold = told.attached is not None and told.listening is None
            if time.monotonic() - begun >= (UNTOLD_S if untold else LISTEN_S):
                return False
            told = self.state()
            time.sleep(0.0 if told.listening or told.attached else LOOK_S)
        return True


@dataclass(frozen=True)
class DebuggerState:
    """What `/-/slots` says of the debugger; None: nothing."""

    attached: bool | None = None
    listening: bool | None = None
    """Runtimes before this program's may not tell."""
    edited: bool = False
    """The script is loaded from what `fairlead edit` has put there."""


def said(body: bytes) -> DebuggerState:
    """What an answer of `/-/slots` says; it may be a stranger's."""
    try:
        debugger = mapping(mapping(json.loads(body)).get("debugger"))
    except ValueError:
        return DebuggerState()
    attached, listening = (debugger.get(name) for name in ("attached", "listening"))
    return DebuggerState(
        attached if isinstance(attached, bool) else None,
        listening if isinstance(listening, bool) else None,
        edited=debugger.get("edited") is True,
    )


def not_one_of_ours(target: Target) -> LocalError:
    """Debug mode is of services."""
    return refusal(
        Reason.KIND_UNKNOWN,
        f"{target.words} cannot be debugged: a debugger attaches to a service.",
        "Name the Webservice that serves it.",
    )
