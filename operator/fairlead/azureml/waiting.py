"""Wait for an object of the cluster, and tell what it says meanwhile."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest, Ref
from fairlead.azureml.exceptions import WebserviceException
from fairlead.azureml.objects import Objects
from fairlead.azureml.status import is_ready, is_seen, words
from fairlead.local.errors import LocalError
from fairlead.remote.state import Verdict, state_of
from fairlead.remote.waiting import Look

POLL_S = 1.0  # seconds between two looks
UNSEEN_S = 120.0  # an operator that is there has looked by then
FAIL_DOUBT_S = 4.0  # right after something was applied a failure may be that of before
FORMER_S = 120.0  # a failure of a former image is over by then, once the new image is there
MAX_OUTAGE_S = 60.0  # of the API server
Tell = Callable[[str], None]


class TooLateError(WebserviceException):
    """Time is up; what was begun goes on."""


class FailedError(WebserviceException):
    """``manifest`` is the object that cannot get ready."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        super().__init__(words(manifest))
        self.manifest = manifest


def silent(_: str) -> None:
    """Tell nobody."""


def await_ready(
    objects: Objects, refs: Sequence[Ref], tell: Tell = silent, timeout_s: float | None = None
) -> list[Manifest]:
    """Return them once all are ready; in the order in which they get so.

    Raises ``FailedError`` once one surely cannot, ``TooLateError``, and ``WebserviceException``
    where one is gone, or the API server for long.
    """
    begin, told, failures = time.monotonic(), dict[str, str](), _Failures()
    end = None if timeout_s is None else begin + timeout_s
    while True:
        found = [_there(objects, ref, tell, end) for ref in refs]
        for one in found:
            _tell_new(one, told, tell)
        look = Look([state_of(one) for one in found], found)
        failures.check(look)
        if look.ready:
            return found
        _check_time(found, time.monotonic() - begin, timeout_s)
        time.sleep(POLL_S)


def await_seen(objects: Objects, ref: Ref) -> Manifest:
    """Return the object once its status is about its newest spec. Raises as ``await_ready``."""
    begin = time.monotonic()
    while True:
        found = _there(objects, ref, silent, None)
        if is_seen(found):
            return found
        _check_time([found], time.monotonic() - begin, None)
        time.sleep(POLL_S)


class _Failures:
    """What has failed, and since when: what is said may be about what was there before."""

    def __init__(self) -> None:
        self._known: tuple[str, float] | None = None
        self._since = 0.0

    def check(self, look: Look) -> None:
        """Raise ``FailedError`` for what has been seen for long enough."""
        manifest, doubt_s = _failed(look)
        now, known = time.monotonic(), None if manifest is None else (manifest["kind"], doubt_s)
        if known != self._known:
            self._known, self._since = known, now
        if manifest is not None and now - self._since >= doubt_s:
            raise FailedError(manifest)


def _failed(look: Look) -> tuple[Manifest | None, float]:
    """What cannot get ready, and for how many seconds that must be seen to be believed."""
    failed = look.failed
    stopped = [state for state in look.states if state.verdict is Verdict.FAILED]
    rest = [state for state in look.states if state.verdict is not Verdict.READY]
    if failed is None and stopped and stopped == rest:  # it does not say which image it is about
        return look.manifests[look.states.index(stopped[0])], FORMER_S
    return (None if failed is None else look.manifests[look.states.index(failed)]), FAIL_DOUBT_S


def _there(objects: Objects, ref: Ref, tell: Tell, end: float | None) -> Manifest:
    found = _read(objects, ref, tell, end)
    if found is None:
        raise WebserviceException(
            f"{ref.plural} '{ref.name}' is gone from namespace '{ref.namespace}'."
        )
    return found


def _read(objects: Objects, ref: Ref, tell: Tell, end: float | None) -> Manifest | None:
    """A short outage of the API server is waited through, and told once."""
    last, told = time.monotonic() + MAX_OUTAGE_S, False
    while True:
        try:
            return objects.get(ref)
        except WebserviceException as error:
            now = time.monotonic()
            if not _passes(error) or now >= last or (end is not None and now >= end):
                raise
            if not told:
                tell(error.message)
            told = True
            time.sleep(POLL_S)


def _passes(error: WebserviceException) -> bool:
    cause = error.inner_exception
    passing = (Reason.API_UNREACHABLE, Reason.API_UNAVAILABLE)
    return isinstance(cause, LocalError) and cause.finding.reason in passing


def _tell_new(one: Manifest, told: dict[str, str], tell: Tell) -> None:
    said = words(one)
    if told.get(one["kind"]) != said:
        told[one["kind"]] = said
        tell(said)


def _check_time(found: Sequence[Manifest], passed_s: float, timeout_s: float | None) -> None:
    left = next((one for one in found if not is_ready(one)), found[-1])
    if timeout_s is not None and passed_s >= timeout_s:
        raise TooLateError(words(left))
    if passed_s >= UNSEEN_S and not is_seen(left):
        raise WebserviceException(
            f"No operator has looked at {left['kind']} '{left['metadata']['name']}' in "
            f"{UNSEEN_S:.0f} seconds: see whether Fairlead runs in this cluster, and for the "
            f"namespace '{left['metadata']['namespace']}'."
        )
