"""What is written about an object after a reconcile, whatever came of it: the status, whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fairlead.api.conditions import SUMMARIES, Condition, merge, unknown
from fairlead.api.inferenceimage import InferenceImageStatus
from fairlead.api.meta import INFERENCE_IMAGE, MODEL, WEBSERVICE
from fairlead.api.model import ModelStatus
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.api.status import CommonStatus, FailureStatus, Truth, read_status
from fairlead.api.webservice import State, WebserviceStatus
from fairlead.decide.decision import (
    EXPOSED,
    FRONT_READY,
    IMAGE_STAGES,
    KEYS_READY,
    MODEL_STAGES,
    ON_RESYNC_S,
    REQUEUE_SLOW_S,
    SETTLED,
    WEBSERVICE_STAGES,
    Decision,
)
from fairlead.decide.refusal import Refusal, refusal
from fairlead.errors import OperatorError, StalledError, WaitingError
from fairlead.retry import backoff_s

WHOLE: Mapping[str, tuple[type[CommonStatus], Sequence[str]]] = {
    MODEL.kind: (ModelStatus, MODEL_STAGES),
    INFERENCE_IMAGE.kind: (InferenceImageStatus, IMAGE_STAGES),
    WEBSERVICE.kind: (WebserviceStatus, WEBSERVICE_STAGES),
}
"""The status and the part conditions of each kind."""
EXTRAS = (FRONT_READY, EXPOSED, KEYS_READY, SETTLED)
"""Those that a Webservice has only where there is something to say."""
COMMON_FIELDS = ("conditions", "failure", "observedGeneration")


@dataclass(frozen=True)
class StatusUpdate:
    """``fields``: the kind's own part of the status, on the wire; the rest is common."""

    fields: Manifest
    conditions: tuple[Condition, ...]
    failure: FailureStatus | None
    requeue_after: float = ON_RESYNC_S
    changes: tuple[str, ...] = ()
    blocked: bool = False
    taken: tuple[str, ...] = ()
    """The tasks whose results are in it: once it is written they are not needed any more."""
    deferred: bool = False
    """It was not written: the next reconcile, a moment later, knows more."""

    @property
    def ready(self) -> Condition:
        return next(condition for condition in self.conditions if condition.type == "Ready")

    def status(self, old: CommonStatus, generation: int, now: datetime) -> CommonStatus:
        """The common part, with the transition times of what did not change."""
        return CommonStatus(
            observed_generation=generation,
            conditions=merge(old.conditions, self.conditions, generation, now),
            failure=self.failure,
        )

    def with_news(self, news: Condition | None) -> "StatusUpdate":
        """The same with what came of an action: it takes the place of the condition of its type."""
        if news is None:
            return self
        others = (condition for condition in self.conditions if condition.type != news.type)
        changes = (*self.changes, news.message) if news.message else self.changes
        return replace(self, conditions=(*others, news), changes=changes)

    def note(self, reason: str, message: str) -> str:
        """What an Event says: the message, and the remedy where it is this failure's."""
        if self.failure and self.failure.reason == reason and self.failure.remedy:
            return f"{self.failure.message} Remedy: {self.failure.remedy}"
        return message or reason


def last_common_status(status: Manifest) -> CommonStatus:
    """The common part of a status as it was written last; empty where it cannot be read."""
    return read_status(CommonStatus, status)


def last_status_update(body: Manifest) -> StatusUpdate:
    """What was said last: it stands while nothing newer can be known.

    What cannot be read of it is said to be unknown, so that no condition is ever missing.
    """
    type_, parts = WHOLE.get(str(body.get("kind")), (CommonStatus, ()))
    status = read_status(type_, body.get("status"))
    told = {
        c.type: Condition(c.type, c.status, c.reason, c.message, c.observed_generation)
        for c in status.conditions
    }
    untold = {part: unknown(part, Reason.PENDING, "Not known yet.") for part in ("Ready", *parts)}
    whole = {**untold, **told}
    conditions = tuple(whole[name] for name in (*SUMMARIES, *parts, *EXTRAS) if name in whole)
    return StatusUpdate(_own(status.to_wire()), conditions, status.failure)


def status_update(decision: Decision[CommonStatus]) -> StatusUpdate:
    """What a decision says, if everything it wants can be done."""
    return StatusUpdate(
        _own(decision.status.to_wire()),
        tuple(decision.conditions),
        decision.failure,
        decision.due_in_s,
        decision.changes,
        taken=decision.taken,
    )


def blocked(
    update: StatusUpdate, error: OperatorError, attempt: int, now: datetime
) -> StatusUpdate:
    """The same status update, after the API refused to show or to do what it needs.

    ``attempt`` counts from 0. What serves is not hidden: only the summaries change.
    """
    stalled, why = isinstance(error, StalledError), refusal(error)
    wait = max(error.retry_after, REQUEUE_SLOW_S if stalled else backoff_s(attempt))
    ready = Condition("Ready", Truth.FALSE, why.reason, why.message)
    abnormal = replace(ready, type="Stalled" if stalled else "Reconciling", truth=Truth.TRUE)
    parts = (condition for condition in update.conditions if condition.type not in SUMMARIES)
    return replace(
        update,
        fields=_with_final_state(update) if stalled else update.fields,
        conditions=(ready, abnormal, *parts),
        failure=_failure(why, update.failure, now, None if stalled else wait),
        requeue_after=wait,
        changes=(),
        blocked=True,
    )


def tried_again(update: StatusUpdate, error: OperatorError, attempt: int) -> StatusUpdate:
    """The same status update, after the API refused something that the object can do without."""
    wait = max(error.retry_after, backoff_s(attempt))
    return replace(update, requeue_after=wait, changes=(), blocked=True)


def _with_final_state(update: StatusUpdate) -> Manifest:
    """A Webservice that goes no further is Healthy if it serves at an address, else Failed."""
    if "state" not in update.fields:
        return update.fields
    available = any(c.type == "Available" and c.truth is Truth.TRUE for c in update.conditions)
    serves = available and "scoringUri" in update.fields
    return {**update.fields, "state": str(State.HEALTHY if serves else State.FAILED)}


def failed_internally(
    update: StatusUpdate, error: Exception, attempt: int, now: datetime
) -> StatusUpdate:
    """The same status update, after a bug of the operator ended a reconcile."""
    message = (
        f"The operator met an error of its own ({type(error).__name__}); its log has the traceback."
    )
    wait = backoff_s(attempt)
    blocking = WaitingError(Reason.INTERNAL_ERROR, message, wait)
    return blocked(update, blocking, attempt, now)


def _failure(
    why: Refusal, known: FailureStatus | None, now: datetime, wait: float | None
) -> FailureStatus:
    return FailureStatus(
        reason=why.reason,
        class_=why.class_,
        message=why.message,
        remedy=why.remedy,
        since=known.since if known and known.reason == why.reason else now,
        next_retry_at=now + timedelta(seconds=wait) if wait is not None else None,
    )


def _own(status: Manifest) -> Manifest:
    return {key: value for key, value in status.items() if key not in COMMON_FIELDS}
