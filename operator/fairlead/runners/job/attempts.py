"""Actions on Jobs, carried out side by side; what the API refuses is told and tried again."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic

import structlog

from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.api.status import FailureClass
from fairlead.cluster import Cluster
from fairlead.contract import TaskFailure
from fairlead.errors import OperatorError
from fairlead.retry import backoff_s
from fairlead.runners.job.act import act
from fairlead.runners.job.plan import Action, Create, Release

logger = structlog.get_logger("fairlead")
AT_ONCE = 8
WATCH_DELAY_S = 5.0  # until the watch has told what was created
KNOWN_REASONS = frozenset(Reason)
Name = tuple[type[Action], str, str]
"""What is done, to which Job: one action that is refused holds up no other."""


@dataclass(frozen=True)
class Pause:
    """Until when a Job is left alone, after how many refusals in a row, and why."""

    until: float
    refusals: int = 0
    failure: TaskFailure | None = None


class Attempts:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._pauses: dict[Name, Pause] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)

    def failure(self, namespace: str, name: str) -> TaskFailure | None:
        """Why a Job could not be made, or not be released; None where it could."""
        pauses = (self._pauses.get((kind, namespace, name)) for kind in (Create, Release))
        return next((pause.failure for pause in pauses if pause and pause.failure), None)

    @property
    def pending(self) -> bool:
        """The watch may not have told yet what came of one."""
        return bool(self._pauses)

    async def carry_out(self, actions: Iterable[Action]) -> list[Manifest]:
        """Carry out what is due, and return the Jobs that were patched."""
        now = monotonic()
        due = [one for one in actions if self._pause(one).until <= now]
        answers = await asyncio.gather(*map(self._carry_out, due))
        self._pauses = {
            name: pause
            for name, pause in self._pauses.items()
            if pause.failure is not None or pause.until > now
        }
        return [answer for answer in answers if isinstance(answer, dict)]

    async def _carry_out(self, action: Action) -> Manifest | bool:
        name, refusals = _name(action), self._pause(action).refusals
        try:
            async with self._slots:
                answer = await act(action, self._cluster)
        except OperatorError as error:
            wait = max(error.retry_after, backoff_s(refusals))
            logger.warning("job not changed", job="/".join(name[1:]), why=str(error))
            told = _refused(error) if isinstance(action, Create | Release) else None
            self._pauses[name] = Pause(monotonic() + wait, refusals + 1, told)
            return False
        self._note(action, answer)
        return answer

    def _note(self, action: Action, answer: Manifest | bool) -> None:  # noqa: FBT001
        name, refusals = _name(action), self._pause(action).refusals
        if not isinstance(action, Create):
            self._pauses.pop(name, None)
            return
        told = _NAME_TAKEN if answer is False and refusals else None  # the watch may be behind once
        self._pauses[name] = Pause(monotonic() + WATCH_DELAY_S, refusals + (not answer), told)

    def _pause(self, action: Action) -> Pause:
        return self._pauses.get(_name(action), Pause(0.0))


def _name(action: Action) -> Name:
    made = action.draft if isinstance(action, Create) else action.job
    return type(action), made.namespace, made.name


def _refused(error: OperatorError) -> TaskFailure:
    known = error.reason in KNOWN_REASONS
    return TaskFailure(
        reason=Reason(error.reason) if known else Reason.REJECTED,
        class_=FailureClass.INFRASTRUCTURE,
        message=f"The Job of the task cannot be made. {error}",
        remedy="See whether a quota or a policy of the namespace refuses Jobs or ConfigMaps, or "
        "whether the operator lacks a right. It is tried again by itself.",
        retryable=True,
    )


_NAME_TAKEN = TaskFailure(
    reason=Reason.NAME_TAKEN,
    class_=FailureClass.INFRASTRUCTURE,
    message="A Job of the name that the task needs exists, and is not one of Fairlead's.",
    remedy="Remove it, or whatever makes it. It is tried again by itself.",
    retryable=True,
)
