"""Wait for an object of the cluster, and tell what it says meanwhile."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fairlead.api.refs import Manifest, Ref
from fairlead.azureml.exceptions import WebserviceException
from fairlead.azureml.objects import Objects
from fairlead.azureml.status import is_failed, is_ready, is_seen, mapping, words

POLL_S = 1.0  # seconds between two looks
UNSEEN_S = 120.0  # an operator that is there has looked by then
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

    Raises ``FailedError`` as soon as one cannot, ``TooLateError``, and ``WebserviceException``
    where one is gone.
    """
    begin, told = time.monotonic(), dict[str, str]()
    while True:
        found = [_there(objects, ref) for ref in refs]
        for one in found:
            _tell_new(one, told, tell)
        failed = next((one for one in found if is_failed(one)), None)
        if failed is not None:
            raise FailedError(failed)
        if all(map(is_ready, found)) and _agree(found):
            return found
        _check_time(found, time.monotonic() - begin, timeout_s)
        time.sleep(POLL_S)


def await_seen(objects: Objects, ref: Ref) -> Manifest:
    """Return the object once its status is about its newest spec. Raises as ``await_ready``."""
    begin = time.monotonic()
    while True:
        found = _there(objects, ref)
        if is_seen(found):
            return found
        _check_time([found], time.monotonic() - begin, None)
        time.sleep(POLL_S)


def _agree(found: Sequence[Manifest]) -> bool:
    """Whether the service serves what its image is now: of a new one it learns a little later."""
    of = {one["kind"]: mapping(one.get("status")) for one in found}
    digest = of.get("InferenceImage", {}).get("imageDigest")
    active = mapping(of.get("Webservice", {}).get("revision")).get("active")
    return not (digest and active) or str(active).endswith(str(digest))


def _there(objects: Objects, ref: Ref) -> Manifest:
    found = objects.get(ref)
    if found is None:
        raise WebserviceException(
            f"{ref.plural} '{ref.name}' is gone from namespace '{ref.namespace}'."
        )
    return found


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
