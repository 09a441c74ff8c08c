"""What all task programs share: read the request, work, keep the log, write the result.

A program is one function from its request to its result::

    def ingest(request: IngestRequest, task: TaskContext) -> IngestResult: ...

    if __name__ == "__main__":
        sys.exit(run(IngestRequest, ingest))

It says no by raising ``TaskFailedError``; a ``RegistryError``, a ``SourceError`` and a full disk
are told here, for all programs alike. Where the request names a log it is kept in the registry,
while the task runs and however it ends, at last after the result is written: what has been done is
not lost to a registry that is slow to take a log. Exit codes: 0 done, 1 the result is a failure, 73
(``EX_CANTCREAT``) the disk had no room for the result, 70 (``EX_SOFTWARE``) a crash: the traceback
is in the log and there is no result.
"""

import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import TypeVar

from pydantic import BaseModel

from fairlead.api.wire import StatusWire, Wire
from fairlead.contract import (
    EXIT_NO_SPACE,
    REQUEST_FILE,
    RESULT_FILE,
    WORK_FOLDER,
    LogTarget,
    TaskResult,
)
from fairlead.registry.client import Registry
from fairlead.registry.errors import RegistryError
from fairlead.settings import Settings
from fairlead.sources.base import SourceError
from fairlead.tasks import begin_to_collect
from fairlead.tasks.failures import CANCELLED, DISK_FULL, TaskFailedError, failure_of
from fairlead.tasks.log_keeper import LogKeeper
from fairlead.tasks.task_log import TaskLog

DONE, FAILED, CRASHED = 0, 1, 70
Request = TypeVar("Request", bound=Wire)
Result = TypeVar("Result", bound=StatusWire)


class TaskCancelledError(BaseException):
    """SIGTERM: nobody wants the task any more. No ``Exception``: no handler may swallow it."""


@dataclass(frozen=True)
class TaskContext:
    """What a program works with."""

    folder: Path
    settings: Settings
    registry: Registry
    log: TaskLog

    @property
    def work(self) -> Path:
        """A folder for what is needed only while the task runs."""
        return self.folder / WORK_FOLDER


def run(kind: type[Request], program: Callable[[Request, TaskContext], Result]) -> int:
    """Run ``program`` on the folder that the command line names; return the exit code."""
    log = TaskLog(sys.stdout)
    begin_to_collect()
    with _CrashTold(log):
        folder = Path(sys.argv[1])
        (folder / RESULT_FILE).unlink(missing_ok=True)
        signal.signal(signal.SIGTERM, _cancel)
        result = _run(kind, program, folder, log)
    return DONE if result.failure is None else FAILED


def _run(
    kind: type[Request],
    program: Callable[[Request, TaskContext], Result],
    folder: Path,
    log: TaskLog,
) -> TaskResult:
    settings = Settings()
    request = kind.model_validate_json((folder / REQUEST_FILE).read_bytes())
    with ExitStack() as ending:
        registry = ending.enter_context(Registry(settings))
        context = TaskContext(folder, settings, registry, log)
        keeper = LogKeeper(settings, log, _targets(request)).begin()
        ending.callback(keeper.finish)
        ending.enter_context(_CrashTold(log))  # before the log is kept
        with _WorkFolder(folder / WORK_FOLDER):
            result = _result(lambda: program(request, context), log)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what is done is told
        keeper.registry = None if result.failure == CANCELLED else registry
        _write(folder / RESULT_FILE, result)
        return result


def _result(work: Callable[[], StatusWire], log: TaskLog) -> TaskResult:
    try:
        return TaskResult(ok=work().to_wire())
    except (TaskFailedError, RegistryError, SourceError, OSError) as error:
        failure = failure_of(error)
        if failure is None:
            raise
    except TaskCancelledError:
        failure = CANCELLED
    log.write(f"{failure.reason}: {failure.message}")
    if failure.remedy:
        log.write(f"Remedy: {failure.remedy}")
    return TaskResult(failure=failure)


def _cancel(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  (signal's own signature)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: the log is still to be kept
    raise TaskCancelledError


def _targets(request: Wire) -> list[LogTarget]:
    """Where a request says that the log is to be kept."""
    found = (getattr(request, name, None) for name in ("log", "shared_log"))
    return [target for target in found if isinstance(target, LogTarget)]


def _write(path: Path, result: BaseModel) -> None:
    """Write ``result.json`` whole or not at all."""
    draft = path.with_suffix(".tmp")
    with draft.open("w") as file:
        file.write(result.model_dump_json(by_alias=True, exclude_none=True))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


class _WorkFolder:
    """An empty folder, gone with all that is in it however the task ends."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        shutil.rmtree(self._path, ignore_errors=True)  # of a run that was killed
        self._path.mkdir()

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)


class _CrashTold:
    """Tells an exception that nobody expected to the log, and ends the program with ``CRASHED``, or
    with ``EXIT_NO_SPACE`` where it was a full disk."""

    def __init__(self, log: TaskLog) -> None:
        self._log = log

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception):
            self._log.phase("crash")
            self._log.write("".join(traceback.format_exception(error)))
            full = isinstance(error, OSError) and error.errno in DISK_FULL
            raise SystemExit(EXIT_NO_SPACE if full else CRASHED) from error
