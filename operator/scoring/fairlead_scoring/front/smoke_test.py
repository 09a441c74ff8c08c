"""The smoke test of an image: import, ``init()`` and ``run()`` of a sample, and no service.

The script is started as a service starts it: by the same settings, in a slot of the same kind. What
fails is left as the record of a failed start; ``stage`` is ``run`` where it was ``run()``. That
nothing did is left, too: an exit code says little of a process that was told to end.
"""

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from fairlead_scoring.front.config.settings import Settings
from fairlead_scoring.front.config.values import SettingsError
from fairlead_scoring.front.slots.in_flight import Outcome
from fairlead_scoring.front.slots.orphans import children
from fairlead_scoring.front.slots.slot import Slot
from fairlead_scoring.front.slots.startup import SpawnError, StartFailedError
from fairlead_scoring.slot.console import LOGGER_NAME
from fairlead_scoring.slot.record import Failure, Record, make_record
from fairlead_scoring.slot.wire import FrameHead

logger = logging.getLogger(LOGGER_NAME)
TIMEOUT_S = 310.0  # where the order names none: v1's budget of init()
LAST_WORDS_S = 1.0  # that a slot has to tell where run() was, or how its process ended
MIN_ERROR_STATUS = 400
MAX_ANSWER_CHARS = 300  # of an answer that a message quotes


@dataclass(frozen=True)
class SmokeTest:
    """``sample`` is the body of a request, or ``file`` holds it: a path below the app root. With
    neither ``run()`` is not called."""

    sample: bytes | None = None
    timeout_s: float = TIMEOUT_S
    file: str | None = None

    def body(self, app_root: Path) -> bytes | None:
        """Raise ``OSError`` if the file cannot be read."""
        return self.sample if self.file is None else (app_root / self.file).read_bytes()


def read_order(path: Path, option: str = "--smoke-test") -> SmokeTest:
    """Return what the file asks for, which ``option`` names. Raise ``SettingsError`` if it is
    none."""
    try:
        order = json.loads(path.read_bytes())
        sample = order.get("sample")
        return SmokeTest(
            None if sample is None else str(sample).encode("utf-8", "surrogatepass"),
            float(order.get("timeoutSeconds") or TIMEOUT_S),
            order.get("sampleFile"),
        )
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        what = option.strip("-").replace("-", " ")
        said = f"{option} cannot be used: {path} is no order for a {what} ({error})."
        raise SettingsError(said) from error


def write_passed(result: Mapping[str, object], path: Path) -> None:
    """Leave the result where the kubelet, and so the operator, reads it."""
    try:
        path.write_text(json.dumps({"ok": result}))
    except OSError as error:  # the file exists in Kubernetes only; the log has the same content
        logger.info("The result was not written: %s", error)


async def run_smoke_test(settings: Settings, order: SmokeTest) -> Record | None:
    """Return the record of what failed; None if nothing did."""
    reaping = asyncio.create_task(children.reap_for_ever())
    try:
        slot = await Slot.spawn(replace(settings, reports_failures=True))
        try:
            return await _tested(slot, settings, order)
        finally:
            await slot.stop(0.0)
    except SpawnError as error:
        return error.record
    finally:
        reaping.cancel()


async def _tested(slot: Slot, settings: Settings, order: SmokeTest) -> Record | None:
    ready = False
    try:
        async with asyncio.timeout(order.timeout_s):
            await slot.ready()
            ready = True
            sample = order.body(settings.layout.app_root)
            return None if sample is None else await _scored(slot, settings, sample)
    except StartFailedError as error:
        return error.record
    except TimeoutError:
        if not ready:
            return slot.interruption()
        said = f"run() had not returned {slot.start_s:.0f} s after the start."
        return _record(Failure("run", "RunTimedOut", said), settings, slot)
    except OSError as error:  # TimeoutError is one, too
        said = f"The sample {order.file} cannot be read: {error.strerror or error}."
        return _record(Failure("run", "SampleUnreadable", said), settings, slot)


async def _scored(slot: Slot, settings: Settings, sample: bytes) -> Record | None:
    answer, began = SampleAnswer(), time.monotonic()
    slot.send(_request(sample), sample, answer)
    failure = await answer.failure
    if answer.outcome is not None:
        with suppress(TimeoutError):  # of a process that has died it is known how, a moment later
            await asyncio.wait_for(asyncio.shield(slot.exited), LAST_WORDS_S)
        return _record(_ended(answer.outcome, slot, settings), settings, slot)
    if slot.run_failure is not None:
        return slot.run_failure
    if failure is not None:
        return _record(failure, settings, slot)
    logger.info("run() has answered the sample in %.2f s", time.monotonic() - began)
    return None


class SampleAnswer:
    """An ``AnswerListener``: ``failure`` is set when the whole answer is there, to what is wrong
    with it; ``outcome`` is why there is none."""

    def __init__(self) -> None:
        self.failure: asyncio.Future[Failure | None] = asyncio.get_running_loop().create_future()
        self.outcome: Outcome | None = None

    def on_answer(self, head: FrameHead, body: bytes) -> None:
        if head["status"] >= MIN_ERROR_STATUS:
            said = body[:MAX_ANSWER_CHARS].decode(errors="replace")
            what = f"run() answered with status {head['status']}: {said}"
            self._set(Failure("run", "AnsweredWithError", what))
        elif not head["more"]:
            self._set(None)

    def on_failure(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self._set(None)

    def on_chunk(self, body: bytes, *, more: bool) -> None:  # noqa: ARG002 - the listener's signature
        if not more:
            self._set(None)

    def on_abort(self) -> None:
        self._set(Failure("run", "AnswerBrokenOff", "run() broke off its answer."))

    def _set(self, failure: Failure | None) -> None:
        if not self.failure.done():
            self.failure.set_result(failure)


def _request(sample: bytes) -> FrameHead:
    """The head of the request that a client would send."""
    headers = [
        ("host", "localhost"),
        ("content-type", "application/json"),
        ("content-length", str(len(sample))),
    ]
    return {
        "id": "smoke-test",
        "method": "POST",
        "path": "/score",
        "query": "",
        "version": "1.1",
        "headers": headers,
        "client": None,
        "scheme": "http",
    }


def _ended(outcome: Outcome, slot: Slot, settings: Settings) -> Failure:
    """No answer: ``run()`` took too long, or its process has ended."""
    if outcome is Outcome.TIMEOUT:
        limit = f"{settings.scoring_timeout_ms} ms (SCORING_TIMEOUT_MS)"
        at = slot.run_failure["location"] if slot.run_failure else None
        return Failure("run", "RunTimedOut", f"run() had not returned after {limit}.", at)
    names = {Outcome.OUT_OF_MEMORY: "OutOfMemory", Outcome.EXITED: "ProcessExited"}
    how = slot.exit_description or "ended"
    said = f"The process that runs {settings.layout.script_name} {how} during run()."
    return Failure("run", names.get(outcome, "ProcessKilled"), said)


def _record(failure: Failure, settings: Settings, slot: Slot) -> Record:
    return make_record(failure, settings.layout.models, slot.start_s)
