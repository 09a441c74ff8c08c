"""A new key for a service: written into its Secret, and awaited at every replica."""

import base64
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

import urllib3
from urllib3.exceptions import HTTPError

from fairlead.api.meta import GROUP
from fairlead.api.reasons import Reason
from fairlead.api.refs import Ref
from fairlead.local.errors import LocalError, refusal
from fairlead.remote.client import Client
from fairlead.remote.keys import MAX_KEY_CHARS, PRIMARY, SECONDARY, secret_ref
from fairlead.remote.pods import is_ready, scoring_pods
from fairlead.remote.port_forward import PortForward
from fairlead.remote.state import mapping
from fairlead.remote.targets import Target
from fairlead.remote.waiting import timed_out
from fairlead.remote.which import Which

ROTATED = f"{GROUP}/rotated"  # annotation of pods
KEY_BYTES = 32
MIN_KEY_CHARS = 16
PERIOD_S = 3.0
ASK_TIMEOUT_S = 10.0
SCORING_PORT = 5001
NEEDS_KEY = "/swagger.json"  # asks for a key, and runs nothing


def new_key(given: str | None) -> str:
    """The one that was given, or a random one. Raises ``LocalError``."""
    if given is None:
        return secrets.token_urlsafe(KEY_BYTES)
    key = given.strip()
    fits = MIN_KEY_CHARS <= len(key) <= MAX_KEY_CHARS and key.isascii() and key.isprintable()
    if fits and " " not in key:
        return key
    message = f"A key has {MIN_KEY_CHARS} to {MAX_KEY_CHARS} printable ASCII characters, no blank."
    raise refusal(Reason.INVALID_SPEC, message, "Give another one, or none: then one is made.")


def write_key(client: Client, target: Target, which: Which, key: str) -> None:
    """Whoever may write it need not be one who may read it. Raises ``LocalError``."""
    name = PRIMARY if which is Which.PRIMARY else SECONDARY
    encoded = base64.b64encode(key.encode()).decode()
    client.merge(secret_ref(target), {"data": {name: encoded}})
    with suppress(LocalError):  # without that right it takes a minute or two
        _have_kubelets_look(client, target)


def _have_kubelets_look(client: Client, target: Target) -> None:
    """A kubelet mounts a Secret's newest content when something of the pod changes."""
    patch = {"metadata": {"annotations": {ROTATED: str(int(time.time()))}}}
    for pod in _ready(client, target):
        client.merge(Ref("v1", "pods", target.namespace, pod), patch)


def await_key(
    client: Client, target: Target, key: str, timeout_s: float, tell: Callable[[int, int], None]
) -> None:
    """Until every replica that is ready takes the key; ``tell`` is told how many of how many do.

    Raises ``LocalError``.
    """
    deadline = time.monotonic() + timeout_s
    taken = set[str]()
    while True:
        pods = _ready(client, target)
        for pod in pods:
            if pod not in taken and _takes(client, target, pod, key):
                taken.add(pod)
        count = len(taken & set(pods))
        tell(count, len(pods))
        if count == len(pods):
            return
        if time.monotonic() >= deadline:
            message = (
                f"{count} of {len(pods)} replicas of '{target.name}' take the new key after "
                f"{timeout_s:g} s."
            )
            remedy = (
                "The kubelet brings it to the others within minutes: "
                f"`fairlead keys {target.name}` shows it."
            )
            raise timed_out(message, remedy)
        time.sleep(PERIOD_S)


def _ready(client: Client, target: Target) -> list[str]:
    ready = filter(is_ready, scoring_pods(client, target))
    return [str(mapping(pod["metadata"])["name"]) for pod in ready]


def _takes(client: Client, target: Target, pod: str, key: str) -> bool:
    """Whether one replica takes the key; one that is leaving does not answer. Raises
    ``LocalError`` where this person may not ask."""
    try:
        with PortForward(client.access, target.namespace, pod, SCORING_PORT) as forward:
            return _answered(f"http://127.0.0.1:{forward.port}{NEEDS_KEY}", key)
    except LocalError as error:
        if error.finding.reason == Reason.FORBIDDEN:
            raise
        return False


def _answered(address: str, key: str) -> bool:
    headers = {"Authorization": f"Bearer {key}"}
    try:
        with urllib3.PoolManager() as pool:
            answer = pool.request(
                "GET", address, headers=headers, timeout=ASK_TIMEOUT_S, retries=False
            )
    except (HTTPError, OSError):
        return False
    return answer.status != HTTPStatus.UNAUTHORIZED
