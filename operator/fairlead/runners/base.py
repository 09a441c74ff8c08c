"""What every runner does for the operator: start tasks, say how they stand, end them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from fairlead.contract import Task, TaskPhase, TaskState


class Runner(Protocol):
    """Runs what is wanted and nothing else."""

    def states(self, namespace: str) -> Mapping[str, TaskState]:
        """The known tasks of a namespace by id, as of now; of others there may be some, too."""
        ...

    def phases(self) -> Iterable[TaskPhase]:
        """The phase of each known task, of all namespaces."""
        ...

    def positions_of_new(self, namespace: str) -> Mapping[str, int]:
        """The place in line that a new task of each program would get: 0 if it would begin at
        once."""
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
