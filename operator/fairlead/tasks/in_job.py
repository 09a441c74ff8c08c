"""``python -m fairlead.tasks.in_job DIGEST``: run a task in the container of its Job.

What is mounted is checked (the request by the digest in the arguments, the user's ConfigMap file by
file) and put into the folder that the program expects. The program runs as a child, so that it can
be given its time and no more, with time left to keep its log; it is a fork, so that what both need
is imported once. Its result becomes the termination message. Exit codes are the program's own;
where it leaves no result nothing is written, and the kubelet takes the end of the log instead.
"""

import gc
import hashlib
import os
import runpy
import signal
import sys
import time
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import (
    FILES_FOLDER,
    LANES,
    MAX_RESULT_BYTES,
    REQUEST_FILE,
    RESULT_FILE,
    TaskFailure,
    TaskResult,
    read_result,
    timed_out,
)
from fairlead.job_request import (
    CARD_KEY,
    REQUEST_FOLDER,
    REQUEST_KEY,
    SOURCE_FOLDER,
    TERMINATION_LOG,
    WORK_FOLDER,
    JobCard,
    request_digest,
)
from fairlead.task_message import written_message
from fairlead.tasks import begin_to_collect
from fairlead.tasks.failures import TaskFailedError
from fairlead.tasks.fork import Fork
from fairlead.tasks.log_keeper import KEEP_LOG_TIMEOUT_S
from fairlead.tasks.program import DONE, FAILED

END_TIMEOUT_S = KEEP_LOG_TIMEOUT_S + 10.0  # to end by itself, with its log kept
POLL_S = 0.02
SIGNALLED = 128  # added to the signal's number, as shells do
MAX_FILE_BYTES = 2 * 1024 * 1024  # a ConfigMap holds one MiB in all

Program = Callable[[str, Path], NoReturn]


@dataclass(frozen=True)
class Places:
    """Where things are mounted."""

    request: Path = Path(REQUEST_FOLDER)
    source: Path = Path(SOURCE_FOLDER)
    work: Path = Path(WORK_FOLDER)
    message: Path = Path(TERMINATION_LOG)


@dataclass(frozen=True)
class Ended:
    """How the program ended: its exit code (below 0: the signal), and whether by itself."""

    code: int
    in_time: bool


def run_program(program: str, folder: Path) -> NoReturn:
    """Run one of our programs on the folder of its request, as ``python -m`` does."""
    if program not in LANES:
        raise ValueError(f"no program of ours: {program!r}")
    gc.disable()  # until it runs
    sys.argv[1:] = [str(folder)]
    runpy.run_module(f"fairlead.tasks.{program}", run_name="__main__", alter_sys=True)
    raise SystemExit(DONE)


def main(digest: str, places: Places, program: Program = run_program) -> int:
    """Run the task, write its termination message and return the exit code."""
    signal.signal(signal.SIGTERM, _leave)
    begin_to_collect()
    folder = places.work / "task"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        card = _prepared(digest, folder, places)
    except TaskFailedError as error:
        return _told(TaskResult(failure=error.failure), places)
    ended = _run(program, card, folder)
    result = _result(card.program, folder / RESULT_FILE)
    failure = result.failure if result else None
    if not ended.in_time and (
        result is None or (failure and failure.reason is Reason.TASK_INTERRUPTED)
    ):
        result = TaskResult(failure=timed_out(card.program, card.timeout_s))
    if result is None:
        return ended.code if ended.code >= 0 else SIGNALLED - ended.code
    return _told(result, places)


def _prepared(digest: str, folder: Path, places: Places) -> JobCard:
    """The folder of the task, with everything in it that is mounted. Raises ``TaskFailedError``."""
    data = {name: content.decode() for name, content in _files(places.request).items()}
    if request_digest(data) != digest:
        raise TaskFailedError(_FOREIGN_REQUEST)
    card = JobCard.model_validate_json(data[CARD_KEY])
    (folder / REQUEST_FILE).write_text(data[REQUEST_KEY])
    read = b64decode if card.base64 else str.encode
    files = {path: read(data[key]) for path, key in card.files.items()}
    if card.source is not None:
        files |= _source(card.source, places.source)
    for name, content in files.items():
        path = folder / FILES_FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return card


def _source(wanted: dict[str, str], folder: Path) -> dict[str, bytes]:
    """The user's files, if they are those that the task is about."""
    found = _files(folder)
    if {name: hashlib.sha256(found[name]).hexdigest() for name in found} != wanted:
        raise TaskFailedError(_SOURCE_CHANGED)
    return found


def _files(folder: Path) -> dict[str, bytes]:
    """What a mounted ConfigMap holds; the kubelet's own links begin with two dots."""
    if not folder.is_dir():
        return {}
    paths = [path for path in folder.iterdir() if not path.name.startswith("..")]
    return {path.name: _content(path) for path in paths if path.is_file()}


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES)


def _run(program: Program, card: JobCard, folder: Path) -> Ended:
    """Run the program to its end, or for as long as it is given."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # for whom it is, is known then
    process = Fork(partial(_apart, program, card.program, folder))

    def forward(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  (signal's signature)
        _signal(process, signal.SIGTERM)

    _move_apart(process.pid)  # both do, for either may be the first
    signal.signal(signal.SIGTERM, forward)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    if _ends(process, card.timeout_s):
        return Ended(process.code or 0, in_time=True)
    for number in (signal.SIGTERM, signal.SIGKILL):
        _signal(process, number)
        if _ends(process, END_TIMEOUT_S):
            break
    return Ended(process.code or 0, in_time=False)


def _apart(program: Program, name: str, folder: Path) -> NoReturn:
    _move_apart(0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    program(name, folder)


def _move_apart(pid: int) -> None:
    """Give a process a group of its own, which is ended as a whole."""
    with suppress(ProcessLookupError, PermissionError):  # it has ended; it has one
        os.setpgid(pid, pid)


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  (signal's own signature)
    """There is no program yet that could say more. A container's first process that did not ask for
    SIGTERM would not even get it."""
    raise SystemExit(SIGNALLED + number)


def _ends(process: Fork, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while process.code is None and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return process.code is not None


def _signal(process: Fork, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _result(program: str, path: Path) -> TaskResult | None:
    try:
        with path.open("rb") as file:
            return read_result(program, file.read(MAX_RESULT_BYTES + 1))
    except (OSError, ValueError):
        return None


def _told(result: TaskResult, places: Places) -> int:
    places.message.write_bytes(written_message(result))
    return DONE if result.failure is None else FAILED


_FOREIGN_REQUEST = TaskFailure(
    reason=Reason.NAME_TAKEN,
    class_=FailureClass.INFRASTRUCTURE,
    message="The ConfigMap with the request of this task is not the one that was made for it.",
    remedy="See who made the ConfigMap that has the name of the Job, and remove it. It is tried "
    "again.",
    retryable=True,
)
_SOURCE_CHANGED = TaskFailure(
    reason=Reason.SOURCE_CHANGED,
    class_=FailureClass.DEPENDENCY,
    message="The ConfigMap of the source changed, or was removed, while the task began.",
    remedy="Nothing to do: what is in it now is taken.",
    retryable=True,
)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Places()))
