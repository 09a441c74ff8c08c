"""What the local runner keeps on disk: one folder for each attempt at a task."""

import json
import shutil
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import (
    FILES_FOLDER,
    LOG_FILE,
    REQUEST_FILE,
    RESULT_FILE,
    WORK_FOLDER,
    Task,
    TaskFailure,
    TaskPhase,
    TaskResult,
    TaskState,
)
from fairlead.redact import redacted
from fairlead.runners.process import end_leftover

TASK_FILE = "task.json"  # id, attempt, build: what the folder is about
MAX_TASK_FOLDERS = 200  # of tasks that ended
LOG_TAIL_CHARS = 2000  # characters of the log that a crash shows


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
            result = TaskResult.model_validate_json((self.folder / RESULT_FILE).read_bytes())
        except (FileNotFoundError, ValidationError):
            return replace(state, phase=TaskPhase.FAILED, failure=self._crash())
        if result.failure is not None:
            return replace(state, phase=TaskPhase.FAILED, failure=result.failure)
        return replace(state, phase=TaskPhase.SUCCEEDED, result=result.ok)

    def _crash(self) -> TaskFailure:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return TaskFailure(
            reason=Reason.TASK_CRASHED,
            class_=FailureClass.UNKNOWN,
            message="The task ended without a result; the end of its log is below.",
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
        """Make the folder of a new attempt, with the request and the files in it."""
        folder = self._root / task.id / str(task.attempt)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        card = {"id": task.id, "attempt": task.attempt, "build": task.build}
        (folder / TASK_FILE).write_text(json.dumps(card))
        (folder / REQUEST_FILE).write_text(task.request.model_dump_json(by_alias=True))
        for name, content in task.files.items():
            path = folder / FILES_FOLDER / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
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


def _of_build(card: Path, build: str) -> bool:
    return bool(_read_card(card.parent).get("build") == build)


def _read_card(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / TASK_FILE).read_text()))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}  # the operator died while it wrote the folder: nothing was started from it
