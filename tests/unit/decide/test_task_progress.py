from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.status import CommonStatus, FailureClass, Truth
from fairlead.api.wire import Wire
from fairlead.contract import Task, TaskFailure, TaskPhase, TaskState
from fairlead.decide.task_progress import (
    FIRST_RETRY_S,
    MAX_RETRY_S,
    TaskProgress,
    pending,
    task_progress,
)
from fairlead.retry import backoff_s
from tests.unit.objects import NOW, THEN

ENDED = NOW - timedelta(seconds=30)


DIGEST = f"sha256:{'1' * 64}"
VERSION = {
    "version": 1,
    "modelName": "m",
    "digest": DIGEST,
    "sizeBytes": 1,
    "files": 1,
    "source": "configmap/m",
    "artifact": "localhost:5000/demo/m:1",
    "layer": DIGEST,
    "path": "m.pkl",
    "registeredAt": "2026-11-22T09:00:00Z",
}
RESULT: dict[str, object] = {"version": 1, "versions": [VERSION]}


def task(attempt: int) -> Task:
    return Task("work", "ingest", attempt, Wire(), 1.0, namespace="demo")


def at(state: TaskState | None, now: datetime = NOW) -> TaskProgress:
    return task_progress("work", task, {"work": state} if state else {}, THEN, now)


def failure(*, retryable: bool) -> TaskFailure:
    return TaskFailure(
        reason=Reason.REGISTRY_UNREACHABLE,
        class_=FailureClass.NETWORK,
        message="down",
        retryable=retryable,
    )


def failed(attempt: int, *, retryable: bool, finished: datetime = ENDED) -> TaskState:
    return TaskState(
        "work",
        attempt,
        TaskPhase.FAILED,
        finished_at=finished,
        failure=failure(retryable=retryable),
    )


def test_what_was_never_tried_is_tried() -> None:
    assert at(None).task == task(1)


@pytest.mark.parametrize("phase", [TaskPhase.QUEUED, TaskPhase.RUNNING])
def test_what_runs_is_still_wanted(phase: TaskPhase) -> None:
    assert at(TaskState("work", 3, phase)).task == task(3)


def test_what_succeeded_is_not_wanted_any_more() -> None:
    work = at(TaskState("work", 1, TaskPhase.SUCCEEDED, result=RESULT))
    assert (work.task, work.result) == (None, RESULT)


@pytest.mark.parametrize("result", [None, {}, {**RESULT, "version": 7}])
def test_a_result_that_cannot_be_read_is_tried_for_again(result: dict[str, object] | None) -> None:
    state = TaskState("work", 1, TaskPhase.SUCCEEDED, finished_at=NOW, result=result)
    work = at(state)
    assert (work.task, work.result, work.stalled) == (None, None, False)
    assert work.failure
    assert work.failure.reason is Reason.TASK_CRASHED
    assert at(state, NOW + timedelta(seconds=6)).task == task(2)


def test_what_the_operators_death_interrupted_is_started_again_at_once() -> None:
    assert at(TaskState("work", 1, TaskPhase.INTERRUPTED)).task == task(2)


def test_a_users_mistake_is_not_repeated() -> None:
    work = at(failed(1, retryable=False))
    assert (work.task, work.stalled, work.retry_at) == (None, True, None)


def test_an_outage_is_waited_out_and_says_when_it_tries_next() -> None:
    work = at(failed(3, retryable=True, finished=NOW - timedelta(seconds=5)))
    assert (work.task, work.stalled) == (None, False)
    assert work.retry_at == NOW + timedelta(seconds=15)
    assert work.requeue_after(NOW, 60.0) == 15


def test_an_outage_is_tried_again_when_its_time_has_come() -> None:
    work = at(failed(1, retryable=True))
    assert work.task == task(2)
    assert work.failure  # and stays in sight meanwhile


def test_a_failure_from_before_the_object_was_made_says_nothing_about_today() -> None:
    old = failed(1, retryable=False, finished=THEN - timedelta(seconds=1))
    assert at(old).task == task(2)


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 5), (2, 10), (7, 300), (5000, 300)])
def test_the_waits_grow_up_to_five_minutes(attempt: int, seconds: float) -> None:
    assert backoff_s(attempt - 1, FIRST_RETRY_S, MAX_RETRY_S) == seconds


def test_what_ran_out_of_time_waits_for_as_long_as_it_ran() -> None:
    """Else a build that never ends would take its slot for nearly all of the time."""
    told = failure(retryable=True).model_copy(update={"reason": Reason.TASK_TIMED_OUT})
    began, ended = NOW - timedelta(hours=1, minutes=10), NOW - timedelta(minutes=10)
    state = replace(failed(1, retryable=True, finished=ended), failure=told, started_at=began)
    assert at(state).retry_at == NOW + timedelta(minutes=50)


@pytest.mark.parametrize(
    ("position", "words"),
    [
        (1, "It is the next to begin"),
        (2, "It waits behind 1 other"),
        (10, "It waits behind 9 others"),
        (11, "It waits behind more than 10 others"),
        (500, "It waits behind more than 200 others"),
        (501, "It waits behind more than 500 others"),
        (10**6, "It waits behind more than 5000 others"),
    ],
)
def test_who_waits_is_told_how_many_are_before_it(position: int, words: str) -> None:
    queued = TaskState("work", 1, TaskPhase.QUEUED, position=position)
    stage = pending("Stored", at(queued), CommonStatus(), Reason.INGESTING, "Fetching.", NOW)
    assert (stage.condition.truth, stage.condition.reason) == (Truth.UNKNOWN, Reason.QUEUED)
    assert stage.condition.message == (
        f"Fetching. {words}: at most FAIRLEAD_INGESTS_AT_ONCE run at the same time, and "
        "namespaces take turns."
    )


@pytest.mark.parametrize("state", [None, TaskState("work", 1, TaskPhase.INTERRUPTED)])
@pytest.mark.parametrize(("place", "reason"), [(0, Reason.INGESTING), (3, Reason.QUEUED)])
def test_what_will_have_to_wait_is_never_said_to_be_at_work(
    state: TaskState | None, place: int, reason: Reason
) -> None:
    progress = at(state).with_position({"ingest": place})
    stage = pending("Stored", progress, CommonStatus(), Reason.INGESTING, "Fetching.", NOW)
    assert stage.condition.reason == reason


def test_what_runs_does_not_wait_though_a_new_task_would() -> None:
    progress = at(TaskState("work", 1, TaskPhase.RUNNING)).with_position({"ingest": 3})
    stage = pending("Stored", progress, CommonStatus(), Reason.INGESTING, "Fetching.", NOW)
    assert stage.condition.reason == Reason.INGESTING
