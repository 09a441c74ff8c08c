"""How a piece of work stands, and what follows: wait for it, take its result, try it again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import ValidationError

from fairlead.api.conditions import false, unknown
from fairlead.api.objects import InferenceImage, Model
from fairlead.api.reasons import Reason
from fairlead.api.status import CommonStatus, FailureClass, FailureStatus
from fairlead.contract import LANES, RESULTS, Owner, Task, TaskFailure, TaskPhase, TaskState
from fairlead.decide.decision import StageResult
from fairlead.retry import backoff_s

FIRST_RETRY_S = 5.0  # seconds
MAX_RETRY_S = 300.0
MAX_EXACT_POSITION = 10
ROUND_POSITIONS = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
KNOWN_REASONS = frozenset(Reason)  # a status may hold one of a newer version
UNREADABLE = TaskFailure(
    reason=Reason.TASK_CRASHED,
    class_=FailureClass.INFRASTRUCTURE,
    message="The task has ended, and its result cannot be read.",
    remedy="It is tried again by itself.",
    retryable=True,
)


@dataclass(frozen=True)
class TaskProgress:
    """``task`` is what the runner should do now; None once there is a result or no hope."""

    task: Task | None = None
    state: TaskState | None = None
    result: Mapping[str, object] | None = None
    failure: TaskFailure | None = None
    retry_at: datetime | None = None
    log_uri: str | None = None
    new_position: int = 0
    """The place in line that ``task`` would get, where the runner does not know it yet."""

    @property
    def identifier(self) -> str:
        return self.task.id if self.task else self.state.id if self.state else ""

    @property
    def repeated(self) -> bool:
        """An attempt runs that follows one that failed."""
        return self.state is not None and self.state.attempt > 1

    @property
    def position(self) -> int:
        """The place in line of a task that waits for a slot, 1 for the next; 0 of any other."""
        if self.state is None or (self.task and self.task.attempt > self.state.attempt):
            return self.new_position
        return (self.state.position or 1) if self.state.phase is TaskPhase.QUEUED else 0

    def with_position(self, new_tasks: Mapping[str, int]) -> "TaskProgress":
        """The same, knowing where a task that the runner does not know yet would stand in line."""
        place = new_tasks.get(self.task.program, 0) if self.task else 0
        return replace(self, new_position=place)

    def requeue_after(self, now: datetime, otherwise: float) -> float:
        """Seconds until the next try; the runner itself wakes us when something ends."""
        return max((self.retry_at - now).total_seconds(), 0.0) if self.retry_at else otherwise

    @property
    def stalled(self) -> bool:
        """Nothing more is tried until somebody changes something."""
        return self.failure is not None and not self.failure.retryable


def task_progress(
    identifier: str,
    task: Callable[[int], Task],
    states: Mapping[str, TaskState],
    since: datetime,
    now: datetime,
) -> TaskProgress:
    """Return how the work called ``identifier`` stands at ``now``.

    ``task`` makes the task for an attempt. A failure from before ``since`` (when the object that
    wants it was made) says nothing about today: whoever deletes and makes again is served again.
    """
    state = states.get(identifier)
    if state is None:
        return TaskProgress(task=task(1))
    if state.phase in (TaskPhase.QUEUED, TaskPhase.RUNNING):
        return TaskProgress(task=task(state.attempt), state=state, failure=state.failure)
    if state.phase is TaskPhase.SUCCEEDED and _readable(task(state.attempt), state):
        return TaskProgress(state=state, result=state.result)
    if state.phase is TaskPhase.SUCCEEDED:
        return _failed(state, UNREADABLE, task, now)
    if state.phase is TaskPhase.INTERRUPTED or state.failure is None or _older(state, since):
        return TaskProgress(task=task(state.attempt + 1), state=state)
    return _failed(state, state.failure, task, now)


def owner_of(wants: Model | InferenceImage) -> Owner:
    """The object that a task is for, as a Job of the task names it."""
    return Owner(wants.kind.kind, wants.name, wants.uid)


def left_over(identifier: str, states: Mapping[str, TaskState]) -> tuple[str, ...]:
    """The task, where its result is still there although the status holds it already.

    An operator ended between the two. It must not be news again when the same work is wanted one
    day: what was true then need not be true any more.
    """
    state = states.get(identifier)
    return (identifier,) if state and state.phase is TaskPhase.SUCCEEDED else ()


def _readable(task: Task, state: TaskState) -> bool:
    """The result is one of this program, and not of another version of it."""
    try:
        RESULTS[task.program].model_validate(state.result or {})
    except ValidationError:
        return False
    return True


def _failed(
    state: TaskState, failure: TaskFailure, task: Callable[[int], Task], now: datetime
) -> TaskProgress:
    if not failure.retryable:
        return TaskProgress(state=state, failure=failure)
    backoff = backoff_s(state.attempt - 1, FIRST_RETRY_S, MAX_RETRY_S)
    delay_s = max(backoff, _lasted_s(state, failure))
    retry_at = (state.finished_at or now) + timedelta(seconds=delay_s)
    if now < retry_at:
        return TaskProgress(state=state, failure=failure, retry_at=retry_at)
    return TaskProgress(task=task(state.attempt + 1), state=state, failure=failure)


def _lasted_s(state: TaskState, failure: TaskFailure) -> float:
    """How long an attempt that ran out of time had run: it waits as long before the next one."""
    if failure.reason is not Reason.TASK_TIMED_OUT or not (state.started_at and state.finished_at):
        return 0.0
    return (state.finished_at - state.started_at).total_seconds()


def pending(
    type_: str,
    progress: TaskProgress,
    status: CommonStatus,
    reason: Reason,
    message: str,
    now: datetime,
) -> StageResult:
    """Return the stage of a stage whose work has no result (yet).

    While a failed attempt is repeated its failure stays in sight.
    """
    if progress.failure is not None:
        failure = failure_status(progress, progress.failure, status.failure, now)
        return StageResult(false(type_, failure.reason, failure.message), failure, progress.stalled)
    if progress.repeated and status.failure is not None and status.failure.reason in KNOWN_REASONS:
        again = status.failure.model_copy(update={"next_retry_at": None})
        return StageResult(false(type_, again.reason, again.message), again)
    if progress.position and progress.task:
        words = f"{message} {queued_words(progress.task.program, progress.position)}"
        return StageResult(unknown(type_, Reason.QUEUED, words))
    return StageResult(unknown(type_, reason, message))


def queued_words(program: str, position: int) -> str:
    """What a task waits for. Long lines are told in round numbers: a status that changed with each
    step of a thousand tasks would be written a million times."""
    exact = position <= MAX_EXACT_POSITION
    others = position - 1 if exact else max(n for n in ROUND_POSITIONS if n < position)
    before = f"{'' if exact else 'more than '}{others} other{'s' if others != 1 else ''}"
    setting = f"FAIRLEAD_{LANES[program].upper()}"
    first = "It is the next to begin" if position == 1 else f"It waits behind {before}"
    return f"{first}: at most {setting} run at the same time, and namespaces take turns."


def failure_status(
    progress: TaskProgress, failure: TaskFailure, known: FailureStatus | None, now: datetime
) -> FailureStatus:
    """Return the failure as status shows it; ``since`` is kept while the reason stays the same."""
    since = known.since if known and known.reason == failure.reason else None
    ended = progress.state.finished_at if progress.state else None
    return FailureStatus(
        reason=failure.reason,
        class_=failure.class_,
        message=failure.message,
        remedy=failure.remedy,
        location=failure.location,
        log_tail=failure.log_tail,
        since=since or ended or now,
        next_retry_at=progress.retry_at,
        log_uri=progress.log_uri,
    )


def _older(state: TaskState, since: datetime) -> bool:
    return state.finished_at is not None and state.finished_at < since
