"""The words for status: conditions are merged, summarised and compared here. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from fairlead.api.reasons import Reason
from fairlead.api.status import ConditionStatus, Truth

SUMMARIES = ("Ready", "Reconciling", "Stalled")  # they only repeat a part's own words
NOT_ANNOUNCED = {  # said elsewhere
    Reason.PENDING,
    Reason.STARTING,
    Reason.FIXED_REPLICAS,
    Reason.KEYS_CREATED,
}
RECOVERIES = {Reason.IMAGE_READY}  # worth an Event only after a failure
CHANGES = {Reason.ROLLING_OUT}  # worth an Event only after something else: what is new rolls out


@dataclass(frozen=True)
class Condition:
    """One fact; without a generation it is about the one just looked at."""

    type: str
    truth: Truth
    reason: str
    message: str = ""
    observed_generation: int | None = None


def true(type_: str, reason: Reason, message: str = "") -> Condition:
    return Condition(type_, Truth.TRUE, reason, message)


def false(type_: str, reason: str, message: str = "") -> Condition:
    return Condition(type_, Truth.FALSE, reason, message)


def unknown(type_: str, reason: str, message: str = "") -> Condition:
    return Condition(type_, Truth.UNKNOWN, reason, message)


def summarise(parts: Sequence[Condition], *, stalled: bool) -> list[Condition]:
    """Return ``Ready`` and kstatus' two abnormal conditions, in front of ``parts``.

    ``Ready`` repeats the first part that is false, else the first unknown one, else the last.
    ``Reconciling`` and ``Stalled`` exist only while true (kstatus: cli-utils/pkg/kstatus).
    """
    speaker = _speaker(parts)
    ready = Condition("Ready", speaker.truth, speaker.reason, speaker.message)
    if ready.truth is Truth.TRUE:
        return [ready, *parts]
    abnormal = Condition(
        "Stalled" if stalled else "Reconciling", Truth.TRUE, ready.reason, ready.message
    )
    return [ready, abnormal, *parts]


def _speaker(parts: Sequence[Condition]) -> Condition:
    for truth in (Truth.FALSE, Truth.UNKNOWN):
        for part in parts:
            if part.truth is truth:
                return part
    return parts[-1]


def merge(
    old: Iterable[ConditionStatus], new: Iterable[Condition], generation: int, now: datetime
) -> tuple[ConditionStatus, ...]:
    """Return ``new`` for the wire; the transition time is kept while the status does not change.

    ``new`` is the whole set: a condition left out disappears.
    """
    before = {condition.type: condition for condition in old}
    return tuple(_on_wire(condition, before, generation, now) for condition in new)


def _on_wire(
    new: Condition, before: dict[str, ConditionStatus], generation: int, now: datetime
) -> ConditionStatus:
    old = before.get(new.type)
    unchanged = old is not None and old.status is new.truth
    return ConditionStatus(
        type=new.type,
        status=new.truth,
        reason=new.reason,
        message=new.message,
        observed_generation=new.observed_generation or generation,
        last_transition_time=old.last_transition_time if old and unchanged else now,
    )


def transitions(
    old: Iterable[ConditionStatus], new: Sequence[ConditionStatus]
) -> list[ConditionStatus]:
    """Return what became new: exactly this becomes an Event.

    These are the parts whose status or reason changed, and ``Ready`` where it says what no part
    says. A part that only waits for the one before it, or repeats the spec, has nothing to tell,
    and one cause is told once, by the first part that names it.
    """
    before = {condition.type: (condition.status, condition.reason) for condition in old}
    failed = {type_ for type_, (status, _) in before.items() if status is Truth.FALSE}
    told = {condition.reason for condition in new if condition.type not in SUMMARIES}
    changed = [
        condition
        for condition in new
        if condition.reason not in NOT_ANNOUNCED
        and (condition.reason not in RECOVERIES or condition.type in failed)
        and (condition.reason not in CHANGES or condition.type in before)
        and before.get(condition.type) != (condition.status, condition.reason)
        and (
            condition.type not in SUMMARIES
            or (condition.type == "Ready" and condition.reason not in told)
        )
    ]
    first = {condition.reason: condition for condition in reversed(changed)}
    return [condition for condition in changed if first[condition.reason] is condition]
