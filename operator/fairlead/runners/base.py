"""What every runner does for the operator: start tasks, say how they stand, end them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from fairlead.api.wire import Wire
from fairlead.contract import TaskFailure


class TaskPhase(StrEnum):
    QUEUED = "Queued"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    INTERRUPTED = "Interrupted"  # the operator went away meanwhile; never adopted, started again


@dataclass(frozen=True)
class Task:
    """One piece of work. ``id`` names the work by its content: equal ids are the same work, and a
    higher ``attempt`` is the same work tried again."""

    id: str
    program: str
    attempt: int
    request: Wire
    timeout: float
    files: Mapping[str, bytes] = field(default_factory=dict)
    build: str = ""
    """``<namespace>/<name>/<build id>`` of the InferenceImage whose log this is, else empty."""


@dataclass(frozen=True)
class TaskState:
    """How one task stands, or how its latest attempt ended. Times are UTC."""

    id: str
    attempt: int
    phase: TaskPhase
    build: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    result: Mapping[str, object] | None = None
    failure: TaskFailure | None = None


class Runner(Protocol):
    """Runs what is wanted and nothing else."""

    def states(self) -> Mapping[str, TaskState]:
        """Every known task by id, as of now."""
        ...

    def want(self, owner: str, tasks: Iterable[Task]) -> None:
        """``owner`` (an object's uid) wants exactly these: start what is new, end what nobody wants
        any more. Starting is idempotent: a task whose id and attempt are known is left alone."""
        ...

    def forget(self, identifiers: Iterable[str]) -> None:
        """Their results have been taken: unless somebody else wants them, they are no news any
        more, and the same work would be done afresh. Logs stay."""
        ...

    def on_change(self, listener: Callable[[frozenset[str]], None]) -> None:
        """Call ``listener`` with the uids of those who want a task whenever it starts or ends."""
        ...
