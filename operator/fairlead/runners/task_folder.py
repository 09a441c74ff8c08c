"""What the local runner keeps on disk: one folder for each attempt at a task.

``<state>/tasks/<task id>/<attempt>/``. A folder counts from the moment its card is written, which
is last; it goes by being renamed into ``<state>/trash``, so that none is ever half gone. All of
this may be slow and belongs into a thread.
"""

import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import structlog
from pydantic import Field, ValidationError

from fairlead import log_address
from fairlead.api.wire import StatusWire
from fairlead.contract import (
    FILES_FOLDER,
    REQUEST_FILE,
    RESULT_FILE,
    WORK_FOLDER,
    Task,
    TaskPhase,
    TaskResult,
    TaskState,
)
from fairlead.redact import redacted_log
from fairlead.runners.attempt_log import read_log
from fairlead.runners.handed_files import UnsafeFileError, write_files
from fairlead.runners.outcome import failed, left_result
from fairlead.runners.process import session_of
from fairlead.runners.regular_file import read_start, write_whole
from fairlead.runners.retention import EndedAttempt, RetentionLimits, superfluous
from fairlead.runners.survivors import end_survivors

logger = structlog.get_logger("fairlead")
TASK_FILE = "task.json"  # the card: what the folder is about
MAX_CARD_BYTES = 4096
TASK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
BUILD = rf"^([a-z0-9-]+/[a-z0-9-]+/{log_address.BUILD})?$"
ATTEMPT = re.compile(r"[1-9][0-9]{0,8}")


class Card(StatusWire):
    """What an attempt's folder is about; fields of a newer operator are ignored."""

    id: Annotated[str, Field(max_length=200)]
    attempt: Annotated[int, Field(ge=1)]
    program: Annotated[str, Field(max_length=64)] = ""
    build: Annotated[str, Field(max_length=256, pattern=BUILD)] = ""


class TaskFolders:
    """All attempts below the state folder."""

    def __init__(self, state: Path) -> None:
        self.root = state / "tasks"
        self._trash = state / "trash"
        self._renaming = threading.Lock()  # a sweep never takes a folder that is being prepared

    def folder_of(self, identifier: str, attempt: int) -> Path:
        return self.root / identifier / str(attempt)

    def prepare(self, task: Task) -> Path:
        """Make the folder of a new attempt, with the request and the files in it.

        Raises ``UnsafeFileError`` and ``OSError``; then nothing is left of it.
        """
        if not TASK_ID.fullmatch(task.id):
            raise UnsafeFileError(task.id, "is no name for the folder of a task")
        folder = self.folder_of(task.id, task.attempt)
        with self._renaming:
            thrown = self._throw_away(folder)
            folder.mkdir(parents=True, mode=0o700)
        _remove(thrown)
        try:
            (folder / REQUEST_FILE).write_text(task.request.model_dump_json(by_alias=True))
            write_files(task.files, folder / FILES_FOLDER)
            card = Card(id=task.id, attempt=task.attempt, program=task.program, build=task.build)
            write_whole(folder / TASK_FILE, card.to_wire())
        except (OSError, UnsafeFileError):
            _remove(folder)
            raise
        return folder

    def tidy(self, folder: Path) -> None:
        """Drop what was handed over and what was in the making, once the task has ended."""
        for name in (FILES_FOLDER, WORK_FOLDER):
            _remove(folder / name)

    def forget(self, state: TaskState) -> None:
        """Drop a result that was taken, so that no later operator takes it for news."""
        try:
            (self.folder_of(state.id, state.attempt) / RESULT_FILE).unlink(missing_ok=True)
        except OSError as error:  # it is taken once more after a restart, which does no harm
            logger.warning("result of a task not removed", task=state.id, why=str(error))

    def log_of(self, build: str, max_bytes: int) -> str:
        """The log of a build (``<namespace>/<name>/<build id>``), redacted: its last ``max_bytes``
        at most."""
        found = [(folder, card) for folder in self._attempts() if (card := read_card(folder))]
        folders = [folder for folder, card in found if card.build == build]
        logs = (read_log(folder, max_bytes) for folder in sorted(folders, key=_card_time))
        text = b"".join(logs)[-max_bytes:].decode(errors="replace")
        return redacted_log(text)

    def recover(self) -> list[TaskState]:
        """End what an earlier operator left running, and return how each task stood.

        What cannot be read is as good as gone. Raises ``OSError`` where the state folder itself
        cannot be read.
        """
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        _remove(self._trash)
        newest = {folder.parent.name: folder for folder in self._attempts()}.values()
        sessions = {session for folder in newest if (session := session_of(folder)) is not None}
        ended = end_survivors(self.root, sessions)
        if ended:
            logger.warning("tasks of an earlier operator ended", processes=ended)
        return [state for folder in newest if (state := self._recovered(folder))]

    def sweep(self, limits: RetentionLimits, is_busy: Callable[[str, int], bool]) -> int:
        """Remove ended attempts beyond the limits; return how many. Logs of builds stay readable
        from the registry. ``is_busy`` tells of a task and attempt whether it may still run."""
        ended = [_measured(f) for f in self._attempts() if not is_busy(f.parent.name, int(f.name))]
        removed = superfluous(ended, limits, time.time())
        for attempt in removed:
            with self._renaming:
                busy = is_busy(attempt.task, int(attempt.folder.name))
                thrown = None if busy else self._throw_away(attempt.folder)
            _remove(thrown)
            with self._renaming, suppress(OSError):  # as long as there are other attempts
                attempt.folder.parent.rmdir()
        return len(removed)

    def _recovered(self, folder: Path) -> TaskState | None:
        card = read_card(folder)
        if card is None:
            return None
        self.tidy(folder)
        state = TaskState(card.id, card.attempt, TaskPhase.INTERRUPTED, card.build)
        result = left_result(folder, card.program)
        if not isinstance(result, TaskResult):
            return state
        state = replace(state, finished_at=_time_of(folder / RESULT_FILE))
        if result.failure is not None:
            return failed(state, result.failure)
        return replace(state, phase=TaskPhase.SUCCEEDED, result=result.ok)

    def _attempts(self) -> Iterator[Path]:
        """The folders of all attempts, of each task the oldest first, and nothing else."""
        for task in _folders_in(self.root, TASK_ID):
            yield from sorted(_folders_in(task, ATTEMPT), key=lambda attempt: int(attempt.name))

    def _throw_away(self, folder: Path) -> Path | None:
        """Rename a folder into the trash, and return where it is now, if it is there at all."""
        try:
            self._trash.mkdir(exist_ok=True, mode=0o700)
            return folder.rename(self._trash / uuid4().hex)
        except FileNotFoundError:
            return None
        except OSError:  # a full disk: then it goes where it is
            return folder


def read_card(folder: Path) -> Card | None:
    """What a folder says it is about; None where it says nothing, or something else than its name:
    the operator died while it wrote the folder, and nothing was started from it."""
    try:
        card = Card.model_validate_json(read_start(folder / TASK_FILE, MAX_CARD_BYTES))
    except (OSError, ValidationError):
        return None
    return card if (card.id, str(card.attempt)) == (folder.parent.name, folder.name) else None


def _folders_in(folder: Path, names: re.Pattern[str]) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [
                Path(entry.path)
                for entry in entries
                if names.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
            ]
    except OSError as error:
        logger.warning("folder of tasks not readable", folder=str(folder), why=str(error))
        return []


def _measured(folder: Path) -> EndedAttempt:
    sizes = (_size_of(Path(top) / name) for top, _, names in os.walk(folder) for name in names)
    return EndedAttempt(folder, folder.parent.name, _seconds_of(folder), sum(sizes))


def _size_of(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _seconds_of(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


def _card_time(folder: Path) -> float:
    return _seconds_of(folder / TASK_FILE)


def _time_of(path: Path) -> datetime:
    return datetime.fromtimestamp(_seconds_of(path), UTC)


def _remove(folder: Path | None) -> None:
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
