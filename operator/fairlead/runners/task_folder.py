"""What the local runner keeps on disk: one folder for each attempt at a task."""

import json
import re
import shutil
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fairlead.api.fields import folder_and_file
from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import (
    FILES_FOLDER,
    LOG_FILE,
    MAX_RESULT_BYTES,
    REQUEST_FILE,
    RESULT_FILE,
    WORK_FOLDER,
    Task,
    TaskFailure,
    TaskPhase,
    TaskState,
    read_result,
)
from fairlead.redact import redacted
from fairlead.runners.process import end_leftover

TASK_FILE = "task.json"  # id, attempt, build: what the folder is about
MAX_TASK_FOLDERS = 200  # of tasks that ended
TASK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
MAX_NAME_BYTES = 255  # of one part of a path, as file systems have it
MAX_SHOWN_CHARS = 100  # characters of a name that a message shows
LOG_TAIL_CHARS = 2000  # characters of the log that a crash shows


class UnsafeFileError(ValueError):
    """A file that must not, or cannot, be written under its name."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{ascii(name)[:MAX_SHOWN_CHARS]} {why}")


@dataclass(frozen=True)
class Attempt:
    """One attempt's folder."""

    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / LOG_FILE

    def tidy(self) -> None:
        """Drop what was handed over and what was in the making, once the task has ended."""
        for folder in (FILES_FOLDER, WORK_FOLDER):
            shutil.rmtree(self.folder / folder, ignore_errors=True)

    def outcome(self, state: TaskState) -> TaskState:
        """Return ``state`` as its result file ends it; without one the program crashed."""
        try:
            with (self.folder / RESULT_FILE).open("rb") as file:
                content = file.read(MAX_RESULT_BYTES + 1)
            result = read_result(str(_read_card(self.folder).get("program", "")), content)
        except (FileNotFoundError, ValueError):
            return replace(state, phase=TaskPhase.FAILED, failure=self._crash())
        if result.failure is not None:
            return replace(state, phase=TaskPhase.FAILED, failure=result.failure)
        return replace(state, phase=TaskPhase.SUCCEEDED, result=result.ok)

    def _crash(self) -> TaskFailure:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return TaskFailure(
            reason=Reason.TASK_CRASHED,
            class_=FailureClass.UNKNOWN,
            message="The task ended without a readable result; the end of its log is below.",
            remedy="It is tried again. If that does not help, report it with the log.",
            log_tail=redacted(text, LOG_TAIL_CHARS),
            retryable=True,
        )


class TaskFolders:
    """All attempts below one folder: ``<root>/<task id>/<attempt>/``."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True, mode=0o700)

    def prepare(self, task: Task) -> Attempt:
        """Make the folder of a new attempt, with the request and the files in it.

        Raises ``UnsafeFileError`` before anything is written, and ``OSError``.
        """
        if not TASK_ID.fullmatch(task.id):
            raise UnsafeFileError(task.id, "is no name for the folder of a task")
        folder = self._root / task.id / str(task.attempt)
        refuse_unsafe(task.files, folder / FILES_FOLDER)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        card = {"id": task.id, "attempt": task.attempt, "build": task.build}
        card["program"] = task.program
        (folder / TASK_FILE).write_text(json.dumps(card))
        (folder / REQUEST_FILE).write_text(task.request.model_dump_json(by_alias=True))
        for name, content in task.files.items():
            _write_new(folder / FILES_FOLDER / name, name, content)
        return Attempt(folder)

    def recover(self) -> list[TaskState]:
        """End what an earlier operator left running, and return how each task stood."""
        cards = [(folder, _read_card(folder)) for folder in self._newest()]
        return [self._recovered(folder, card) for folder, card in cards if card]

    def logs_of(self, build: str) -> list[Path]:
        """The logs that belong to a build, oldest first."""
        cards = [card for card in self._root.glob(f"*/*/{TASK_FILE}") if _of_build(card, build)]
        ordered = sorted(cards, key=lambda card: card.stat().st_mtime)
        return [card.parent / LOG_FILE for card in ordered if (card.parent / LOG_FILE).exists()]

    def forget(self, state: TaskState) -> None:
        """Drop a result that was taken, so that no later operator takes it for news."""
        (self._root / state.id / str(state.attempt) / RESULT_FILE).unlink(missing_ok=True)

    def sweep(self, busy: Collection[str]) -> set[str]:
        """Remove the oldest tasks beyond ``MAX_TASK_FOLDERS``, no ``busy`` one; return their ids.

        Their logs stay readable from the registry.
        """
        idle = [task for task in self._root.iterdir() if task.name not in busy]
        oldest = sorted(idle, key=lambda task: task.stat().st_mtime)[:-MAX_TASK_FOLDERS]
        for task in oldest:
            shutil.rmtree(task, ignore_errors=True)
        return {task.name for task in oldest}

    def _recovered(self, folder: Path, card: dict[str, Any]) -> TaskState:
        state = TaskState(card["id"], card["attempt"], TaskPhase.INTERRUPTED, card["build"])
        end_leftover(folder)
        Attempt(folder).tidy()
        if not (folder / RESULT_FILE).exists():
            return state
        finished = datetime.fromtimestamp((folder / RESULT_FILE).stat().st_mtime, UTC)
        return replace(Attempt(folder).outcome(state), finished_at=finished)

    def _newest(self) -> list[Path]:
        tasks = [task for task in self._root.iterdir() if task.is_dir()]
        attempts = [[a for a in task.iterdir() if a.name.isdigit()] for task in tasks]
        return [max(folders, key=lambda a: int(a.name)) for folders in attempts if folders]


def refuse_unsafe(names: Collection[str], folder: Path) -> None:
    """Raise ``UnsafeFileError`` unless each name is a path to a file below ``folder``.

    The schema refuses such names before; whoever hands files over, none is written elsewhere.
    """
    for name in names:
        parts = name.split("/")
        if not (name.isprintable() and all(parts)) or {".", ".."} & set(parts):
            raise UnsafeFileError(name, "has no relative path for a name")
        if any(len(part.encode()) > MAX_NAME_BYTES for part in parts):
            raise UnsafeFileError(name, f"has a part of more than {MAX_NAME_BYTES} bytes")
        if not (folder / name).resolve().is_relative_to(folder.resolve()):
            raise UnsafeFileError(name, "lies outside of the folder of the task")
    both = folder_and_file(names)
    if both is not None:
        raise UnsafeFileError(both, "is, in another name, a folder")


def _write_new(path: Path, name: str, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError as error:  # some file systems make no difference between "A" and "a"
        raise UnsafeFileError(name, "has the name of another one here") from error


def _of_build(card: Path, build: str) -> bool:
    return bool(_read_card(card.parent).get("build") == build)


def _read_card(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / TASK_FILE).read_text()))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}  # the operator died while it wrote the folder: nothing was started from it
