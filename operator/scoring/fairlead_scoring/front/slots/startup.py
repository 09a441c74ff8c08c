"""The start of a slot: its progress, for the log, and the record of a start that fails."""

import asyncio
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

from fairlead_scoring.front.slots.interpreter import USERS_PYTHON
from fairlead_scoring.front.slots.process_exit import ProcessExit
from fairlead_scoring.slot.console import LOGGER_NAME
from fairlead_scoring.slot.layout import Layout
from fairlead_scoring.slot.record import Failure, Record, fit, make_record
from fairlead_scoring.slot.trace import Location
from fairlead_scoring.slot.wire import FrameHead

logger = logging.getLogger(LOGGER_NAME)
START_FAILED_EXIT_CODE = 3  # as the reference server's
STAGES = {"import": "its import", "init": "init()"}


class StartFailedError(Exception):
    """A slot cannot start, and another attempt would fail, too; the record says why."""

    def __init__(self, record: Record) -> None:
        super().__init__(record["message"])
        self.record = record


class SpawnError(OSError):
    """A process cannot be started at all; the record says which, and why."""

    def __init__(self, record: Record) -> None:
        super().__init__(record["message"])
        self.record = record


@dataclass
class StartProgress:
    """What the slot reported last. ``since`` is when the stage began, in seconds of any clock."""

    script: str
    since: float = 0.0
    stage: str = "import"
    location: Location | None = None
    python: str | None = None
    """Its version, as soon as the slot has said so."""

    @property
    def stage_name(self) -> str:
        return STAGES[self.stage]

    def update(self, head: FrameHead, now: float) -> None:
        """Process a ``stage`` or ``progress`` frame of the slot."""
        if head["stage"] != self.stage:
            self.since = now
        self.stage, self.python = head["stage"], head.get("python", self.python)
        self.location = head.get("location")

    def report(self, now: float) -> str:
        """Return the log line for a start that takes long."""
        where = ", now at {file}:{line} ({code})".format(**self.location) if self.location else ""
        return (
            f"{self.script} has been in {self.stage_name} for {now - self.since:.0f} s{where}. The "
            "service is not ready before init() returns."
        )


class SlotStartup:
    """Waits for ``init()``; the log reports the progress every ``report_interval_s`` seconds."""

    FRAMES = ("stage", "progress", "failed", "ready")

    def __init__(self, layout: Layout, report_interval_s: float) -> None:
        self._layout = layout
        self._report_interval_s = report_interval_s
        self._started_at = time.monotonic()
        self._progress = StartProgress(layout.script_name, self._started_at)
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[FrameHead] = self._loop.create_future()
        self._timer = self._loop.call_later(report_interval_s, self._report)

    async def ready(self) -> FrameHead:
        """Wait for ``init()``, however long. Raise ``StartFailedError`` if it does not return."""
        try:
            return await self._ready
        finally:
            self._timer.cancel()

    def receive(self, head: FrameHead) -> None:
        """Process a frame of the starting slot."""
        if self._ready.done():
            return
        if head["type"] == "failed":
            self._ready.set_exception(StartFailedError(head["record"]))
        elif head["type"] == "ready":
            logger.info("%s has started in %.1f s", self._layout.script_name, self.elapsed_s)
            logger.setLevel(min(head["log_level"], logging.ERROR))  # errors are always logged
            self._ready.set_result(head)
        else:
            self._update(head)

    def process_exited(self, end: ProcessExit) -> None:
        """If the slot was not ready yet, its start has failed."""
        if self._ready.done():
            return
        failure = exit_failure(end, self._progress)
        logger.error("%s", failure.message)
        self._ready.set_exception(StartFailedError(self._record(failure)))

    def interruption(self) -> Record:
        """Return the record of a service that is stopped while ``init()`` still runs."""
        return self._record(interruption_failure(self._progress, self.elapsed_s))

    def spawn_failure(self, error: OSError) -> Record:
        """Return the record of a process that the system does not start."""
        self._timer.cancel()
        reason = os.strerror(error.errno) if error.errno else str(error)
        message = f"No process can be started for {self._layout.script_name}: {USERS_PYTHON}: "
        return self._record(Failure("import", type(error).__name__, f"{message}{reason}."))

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._started_at

    def _update(self, head: FrameHead) -> None:
        stage = self._progress.stage
        self._progress.update(head, time.monotonic())
        if self._progress.stage != stage:
            self._timer.cancel()
            self._timer = self._loop.call_later(self._report_interval_s, self._report)

    def _report(self) -> None:
        logger.info("%s", self._progress.report(time.monotonic()))
        self._timer = self._loop.call_later(self._report_interval_s, self._report)

    def _record(self, failure: Failure) -> Record:
        return make_record(failure, self._layout.models, self.elapsed_s, self._progress.python)


def exit_failure(end: ProcessExit, progress: StartProgress) -> Failure:
    """The process exited before the script was ready, and could not report why itself."""
    exception = "ProcessKilled" if end.code < 0 else "ProcessExited"
    return Failure(
        progress.stage,
        "OutOfMemory" if end.out_of_memory else exception,
        f"The process that runs {progress.script} {end.description} during {progress.stage_name}.",
    )


def interruption_failure(progress: StartProgress, seconds: float) -> Failure:
    """The front was told to stop before the script was ready, most likely by a start-up probe."""
    return Failure(
        progress.stage,
        "InitInterrupted",
        f"The service was told to stop after {seconds:.0f} s; {progress.script} was still in "
        f"{progress.stage_name}.",
        progress.location,
    )


def warn_of_missing_models(layout: Layout) -> None:
    """Say that there are no models where the script is told to find them."""
    if layout.model_dir and not layout.model_dir.exists():
        logger.warning(
            "AZUREML_MODEL_DIR is %s, which does not exist: the script finds no model there.",
            layout.model_dir,
        )


def write_record(record: Record, path: Path) -> None:
    """Write the record where the kubelet, and so the operator, reads it."""
    try:
        path.write_bytes(fit(record))
    except OSError as error:  # the file exists in Kubernetes only; the log has the same content
        logger.info("The start-up record was not written: %s", error)
