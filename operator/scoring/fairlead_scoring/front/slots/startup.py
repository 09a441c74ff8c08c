"""A start that failed: what the front itself can tell, and where the record is left."""

import logging
from pathlib import Path

from fairlead_scoring.front.slots.process import End
from fairlead_scoring.front.slots.progress import Progress
from fairlead_scoring.slot.logs import NAME
from fairlead_scoring.slot.record import Failure, Record, fit

logger = logging.getLogger(NAME)


class StartFailedError(Exception):
    """A slot cannot start, and starting it again would not help; the record says why."""

    def __init__(self, record: Record) -> None:
        super().__init__(record["message"])
        self.record = record


def death(end: End, progress: Progress) -> Failure:
    """The process ended before the script was ready, and could not say why itself."""
    exception = "ProcessKilled" if end.code < 0 else "ProcessExited"
    return Failure(
        progress.stage,
        "OutOfMemory" if end.out_of_memory else exception,
        f"The process that runs {progress.script} {end.words} during {progress.doing}.",
    )


def interruption(progress: Progress, seconds: float) -> Failure:
    """We were told to stop before the script was ready: by a start-up probe, most likely."""
    return Failure(
        progress.stage,
        "InitInterrupted",
        f"The service was told to stop after {seconds:.0f} s; {progress.script} was still in "
        f"{progress.doing}.",
        progress.location,
    )


def leave_record(record: Record, path: Path) -> None:
    """Write the record where the kubelet, and so the operator, reads it."""
    try:
        path.write_bytes(fit(record))
    except OSError as error:  # outside Kubernetes nobody mounts it; the log has said it all
        logger.info("The start-up record was not written: %s", error)
