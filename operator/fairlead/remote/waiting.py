"""Wait until objects are ready, or cannot get so; what they say meanwhile is told."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairlead.api.failure_class import FailureClass
from fairlead.api.meta import INFERENCE_IMAGE, MODEL, WEBSERVICE
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.local.errors import LocalError, refusal
from fairlead.remote.answers import not_found
from fairlead.remote.client import Client
from fairlead.remote.state import (
    State,
    Verdict,
    failed,
    failure_fields,
    mapping,
    mappings,
    name_in,
    state_of,
)
from fairlead.remote.targets import Target

PERIOD_S = 1.0
SETTLE_S = 2.0  # ready in two looks: what depends on it may not have seen it yet
UNSEEN_S = 30.0  # an operator that is there has looked by then
MAX_OUTAGE_S = 60.0  # of the API server
Tell = Callable[[str], None]


@dataclass
class Look:
    """What was seen of several objects at one moment."""

    states: Sequence[State]
    manifests: Sequence[Manifest]

    @property
    def failed(self) -> State | None:
        """The one that cannot get ready; of several, the one that the others wait for.

        What a service says counts once it is about what its image is now.
        """
        for state, manifest in zip(self.states, self.manifests, strict=True):
            if state.verdict is Verdict.FAILED and self._is_about_now(manifest, "target"):
                return state
        return None

    @property
    def ready(self) -> bool:
        return all(
            state.verdict is Verdict.READY and self._is_about_now(manifest, "active")
            for state, manifest in zip(self.states, self.manifests, strict=True)
        )

    def _is_about_now(self, service: Manifest, revision: str) -> bool:
        """Whether a service serves (active), or rolls out (target), what its image is now."""
        name = mapping(mapping(service.get("spec")).get("imageRef")).get("name")
        if service.get("kind") != WEBSERVICE.kind or not name:
            return True
        for state, manifest in zip(self.states, self.manifests, strict=True):
            own = mapping(manifest.get("metadata")).get("name")
            if (state.kind, own) == (INFERENCE_IMAGE.kind, name):
                digest = mapping(manifest.get("status")).get("imageDigest")
                known = mapping(mapping(service.get("status")).get("revision")).get(revision)
                agrees = not digest or str(known or "").endswith(str(digest))
                return state.verdict is Verdict.READY and agrees
        return True


def needed(client: Client, target: Target) -> list[Target]:
    """``target`` and what it is made of, in the order in which they get ready: models, image,
    service. What is not there is left to the operator to tell."""
    found, todo = [target], [target]
    while todo:
        manifest = client.get(todo.pop().ref)
        more = [one for one in references(target.namespace, manifest or {}) if one not in found]
        found += more
        todo += more
    order = [MODEL, INFERENCE_IMAGE, WEBSERVICE]
    return sorted(found, key=lambda one: (order.index(one.kind), one.name))


def references(namespace: str, manifest: Mapping[str, Any]) -> list[Target]:
    spec = mapping(manifest.get("spec"))
    image = mapping(spec.get("imageRef")).get("name")
    models = [one.get("name") for one in mappings(spec.get("models"))]
    if manifest.get("kind") == WEBSERVICE.kind:
        return [Target(INFERENCE_IMAGE, namespace, name_in(image))] if name_in(image) else []
    if manifest.get("kind") == INFERENCE_IMAGE.kind:
        return [Target(MODEL, namespace, one) for one in map(name_in, models) if one]
    return []


class Watcher:
    """Looks once a second, and tells what has become new. A short outage is waited through."""

    def __init__(
        self,
        client: Client,
        tell: Tell,
        seen: Callable[[Look], None] = lambda _: None,
        *,
        doubt_s: float = 0.0,
    ) -> None:
        """``doubt_s``: how long a failure must be seen: right after something was applied it may
        be that of before."""
        self._client, self._tell, self._on_look, self._doubt_s = client, tell, seen, doubt_s
        self._told = dict[tuple[str, str], tuple[str, ...]]()
        self._retried = set[tuple[str, str, str]]()

    def ready(
        self, targets: Sequence[Target], timeout_s: float, named: Sequence[Target] | None = None
    ) -> Look:
        """Raises ``LocalError``: one cannot get ready (its own finding), one of ``named`` is not
        there, or time is up. ``named``: all, if not given; whether the others are needed still is
        the operator's to tell."""
        begun = time.monotonic()
        deadline, since, failing = begun + timeout_s, None, None
        while True:
            look = self._look(targets, targets if named is None else named, deadline)
            found = look.failed
            failing = (failing or time.monotonic()) if found else None
            if found and failing and time.monotonic() - failing >= self._doubt_s:
                raise failed(found)
            since = (since or time.monotonic()) if look.ready else None
            alone = len(targets) == 1
            if since and (alone or time.monotonic() - since >= SETTLE_S):
                return look
            self._unseen(look, time.monotonic() - begun)
            if time.monotonic() >= deadline:
                raise late(look, timeout_s)
            time.sleep(PERIOD_S)

    def gone(self, targets: Sequence[Target], timeout_s: float) -> None:
        """Raises ``LocalError``: time is up."""
        deadline = time.monotonic() + timeout_s
        while True:
            there = [one for one in targets if self._client.get(one.ref) is not None]
            if not there:
                return
            if time.monotonic() >= deadline:
                what = f"{there[0].words} is there still after {timeout_s:g} s"
                raise timed_out(f"{what}.", f"See: fairlead describe {there[0].spoken}.")
            time.sleep(PERIOD_S)

    def _look(self, targets: Sequence[Target], named: Sequence[Target], deadline: float) -> Look:
        manifests = list[Manifest]()
        for target in targets:
            one = self._get(target, deadline)
            if one is None and target in named:
                raise not_found(target.words)
            manifests += [one] if one is not None else []
        look = Look([state_of(one) for one in manifests], manifests)
        found = look.failed  # is raised, with all that it says
        for state in look.states:
            if state is not found:
                self._tell_new(state)
        self._on_look(look)
        return look

    def _get(self, target: Target, deadline: float) -> Manifest | None:
        end = min(deadline, time.monotonic() + MAX_OUTAGE_S)
        while True:
            try:
                return self._client.get(target.ref)
            except LocalError as error:
                passes = error.finding.reason in (Reason.API_UNREACHABLE, Reason.API_UNAVAILABLE)
                if not passes or time.monotonic() >= end:
                    raise
                self._once("api", "api", error.finding.message)
                time.sleep(PERIOD_S)

    def _tell_new(self, state: State) -> None:
        ready = state.ready
        said = (ready.truth, ready.reason, ready.message)
        place = (state.kind, state.name)
        if state.observed >= state.generation and self._told.get(place) != said:
            self._told[place] = said
            what = f": {ready.message}" if ready.message else ""
            self._tell(f"{state.kind} '{state.name}': {ready.reason}{what}")
        found = failure_fields(state.failure)
        if found and state.verdict is Verdict.WAITING and state.observed >= state.generation:
            remedy = f" {found['remedy']}" if found.get("remedy") else ""
            again = f" It is tried again at {found['nextRetryAt']}." * ("nextRetryAt" in found)
            self._once(state.kind, state.name, f"{found['message']}{remedy}{again}")

    def _unseen(self, look: Look, passed_s: float) -> None:
        for state in look.states:
            if passed_s >= UNSEEN_S and state.observed < state.generation:
                words = (
                    f"Warning: the operator has not looked at {state.kind} '{state.name}' for "
                    f"{UNSEEN_S:g} s: `fairlead doctor` tells whether it runs."
                )
                self._once(state.kind, state.name, words)

    def _once(self, kind: str, name: str, words: str) -> None:
        if (kind, name, words) not in self._retried:
            self._retried.add((kind, name, words))
            self._tell(words)


def late(look: Look, timeout_s: float) -> LocalError:
    """What is not ready yet, as it says itself."""
    left = next((one for one in look.states if one.verdict is not Verdict.READY), None)
    if left is None:
        return timed_out(f"The service does not serve its new image after {timeout_s:g} s.", "")
    spoken = left.name if left.kind == WEBSERVICE.kind else f"{left.kind}/{left.name}"
    if left.observed < left.generation:
        message = f"{left.kind} '{left.name}': no operator has looked at it in {timeout_s:g} s."
        remedy = "See whether it runs, and for this namespace: fairlead doctor."
        return refusal(Reason.OPERATOR_ABSENT, message, remedy, FailureClass.INFRASTRUCTURE)
    ready = left.ready
    message = f"{left.kind} '{left.name}' is not ready after {timeout_s:g} s: {ready.reason}."
    more = f" {ready.message}" if ready.message else ""
    return timed_out(message + more, f"It goes on: fairlead wait {spoken} --timeout 3600.")


def timed_out(message: str, remedy: str) -> LocalError:
    return refusal(Reason.TIMED_OUT, message, remedy, FailureClass.INFRASTRUCTURE)
