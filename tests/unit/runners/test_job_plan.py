"""What is done about Jobs, as a function of what there is and what is wanted."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.contract import Owner, TaskFailure, TaskPhase, TaskState
from fairlead.job_evidence import JobEvidence
from fairlead.runners.job.plan import (
    TAKEN_KEPT_S,
    Create,
    End,
    Expire,
    Join,
    KeepLog,
    Release,
    View,
    key_of,
    plan,
)
from tests.unit.job_objects import condition, draft_of, job_of
from tests.unit.objects import NOW
from tests.unit.tasks_of import OWNER, ingest_task

TASK = ingest_task("https://models.example.com/m.pkl")
KEY = (TASK.namespace, TASK.id)
OTHER = Owner("Model", "other", "uid-of-another")
WANTED = {OWNER.uid: frozenset({KEY})}
LET_GO: dict[str, frozenset[tuple[str, str]]] = {OWNER.uid: frozenset()}
COMPLETE, FAILED = condition("Complete"), condition("Failed", "BackoffLimitExceeded")
Seen = tuple[JobEvidence, TaskState]


def seen(phase: TaskPhase, *conditions: Any, attempt: int = 1, **more: Any) -> Seen:
    task = ingest_task("https://models.example.com/m.pkl", attempt=attempt)
    job = job_of(task, *conditions, suspend=phase is TaskPhase.QUEUED, **more)
    return JobEvidence(job), TaskState(TASK.id, attempt, phase)


def view(*jobs: Seen, **more: Any) -> View:
    return View(jobs=jobs, **more)


def test_what_is_wanted_and_not_there_is_created() -> None:
    draft = draft_of(TASK)
    assert plan(view(drafts={KEY: draft}, wanted=WANTED)) == [Create(draft)]


def test_what_is_there_is_joined_and_waits_for_its_turn() -> None:
    waiting, draft = seen(TaskPhase.QUEUED), draft_of(TASK)
    assert plan(view(waiting, drafts={KEY: draft}, wanted=WANTED)) == []
    turn = view(waiting, drafts={KEY: draft}, wanted=WANTED, turns={KEY})
    assert plan(turn) == [Release(waiting[0], draft)]


def test_a_job_that_waits_with_another_request_is_made_anew() -> None:
    waiting = seen(TaskPhase.QUEUED)
    other = draft_of(ingest_task("https://models.example.com/other.pkl"))
    made = view(waiting, drafts={KEY: other}, wanted=WANTED, turns={KEY})
    assert plan(made) == [End(waiting[0])]


def test_a_name_that_is_not_free_yet_is_waited_for() -> None:
    leaving = seen(TaskPhase.RUNNING, deletionTimestamp="2026-11-26T10:00:00Z")
    assert plan(view(leaving, drafts={KEY: draft_of(TASK)}, wanted=WANTED)) == []


def test_who_wants_it_too_becomes_an_owner() -> None:
    running = seen(TaskPhase.RUNNING)
    both = {**WANTED, OTHER.uid: frozenset({KEY})}
    owners = {OWNER.uid: OWNER, OTHER.uid: OTHER}
    assert plan(view(running, wanted=both, owners=owners)) == [Join(running[0], (OTHER,))]


def test_what_nobody_wants_any_more_is_ended() -> None:
    for phase in (TaskPhase.QUEUED, TaskPhase.RUNNING):
        running = seen(phase)
        assert plan(view(running, wanted=LET_GO)) == [End(running[0])]


def test_nothing_is_ended_before_its_owner_has_spoken() -> None:
    assert plan(view(seen(TaskPhase.RUNNING))) == []


def test_it_goes_on_for_the_other_one_who_wants_it() -> None:
    references = [{"uid": OWNER.uid}, {"uid": OTHER.uid}]
    running = seen(TaskPhase.RUNNING, ownerReferences=references)
    assert plan(view(running, wanted={**LET_GO, OTHER.uid: frozenset({KEY})})) == []
    assert plan(view(running, wanted=LET_GO)) == []  # the other one has not spoken yet
    assert plan(view(running, wanted={**LET_GO, OTHER.uid: frozenset()})) == [End(running[0])]


def test_another_namespace_has_no_say() -> None:
    forged = seen(TaskPhase.RUNNING, namespace="elsewhere")
    draft = draft_of(TASK)
    assert Create(draft) in plan(view(forged, drafts={KEY: draft}, wanted=WANTED))


def test_what_is_over_is_removed_by_kubernetes_and_not_before_it_was_taken() -> None:
    done, failed = seen(TaskPhase.SUCCEEDED, COMPLETE), seen(TaskPhase.FAILED, FAILED)
    for over in (done, failed):
        assert plan(view(over, wanted=LET_GO, kept_s=7)) == [Expire(over[0], 7)]
    taken = view(done, wanted=LET_GO, forgotten={done[0].uid})
    assert plan(taken) == [Expire(done[0], TAKEN_KEPT_S, taken=True)]


def test_the_same_work_wanted_again_is_done_afresh() -> None:
    job = job_of(TASK, COMPLETE)
    job["metadata"]["annotations"] = {
        **job["metadata"]["annotations"],
        "fairlead.dev/task-taken": "true",
    }
    job["spec"]["ttlSecondsAfterFinished"] = 1
    done = (JobEvidence(job), TaskState(TASK.id, 1, TaskPhase.SUCCEEDED))
    assert plan(view(done, drafts={KEY: draft_of(TASK)}, wanted=WANTED)) == [End(done[0])]


def test_a_result_may_be_taken_before_the_job_controller_has_seen_the_end() -> None:
    done = seen(TaskPhase.SUCCEEDED)
    taken = view(done, wanted=LET_GO, forgotten={done[0].uid}, now=NOW)
    assert plan(taken) == [Expire(done[0], TAKEN_KEPT_S, taken=True)]


@pytest.mark.parametrize(("seconds", "ends"), [(1, False), (59, False), (61, True)])
def test_a_pod_that_injected_containers_keep_alive_is_ended_in_the_end(
    seconds: int, *, ends: bool
) -> None:
    job = job_of(TASK)
    job["metadata"]["annotations"] = {
        **job["metadata"]["annotations"],
        "fairlead.dev/task-taken": "true",
    }
    job["spec"]["ttlSecondsAfterFinished"] = 1
    ended_at = NOW - timedelta(seconds=seconds)
    state = TaskState(TASK.id, 1, TaskPhase.SUCCEEDED, finished_at=ended_at)
    done = (JobEvidence(job), state)
    assert plan(view(done, wanted=LET_GO, now=NOW)) == ([End(done[0])] if ends else [])


def test_the_next_attempt_is_another_job_and_the_last_one_stays() -> None:
    failed = seen(TaskPhase.FAILED, FAILED)
    again = draft_of(ingest_task("https://models.example.com/m.pkl", attempt=2))
    assert plan(view(failed, drafts={KEY: again}, wanted=WANTED)) == [
        Create(again),
        Expire(failed[0], 86_400),
    ]


PHASES = st.sampled_from(
    [TaskPhase.QUEUED, TaskPhase.RUNNING, TaskPhase.SUCCEEDED, TaskPhase.FAILED]
)
UIDS = st.sampled_from([OWNER.uid, OTHER.uid])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(PHASES, st.integers(1, 3), st.booleans()), max_size=3),
    st.dictionaries(UIDS, st.sampled_from([frozenset[Any](), frozenset({KEY})])),
    st.booleans(),
    st.booleans(),
)
def test_whatever_there_is(
    attempts: list[tuple[TaskPhase, int, bool]],
    wanted: dict[str, frozenset[Any]],
    with_draft: bool,  # noqa: FBT001
    has_turn: bool,  # noqa: FBT001
) -> None:
    """One that runs is never suspended, nothing that is over is ended unless it was taken, and
    nothing that somebody wants, or may want, is ended while it runs."""
    jobs = []
    for phase, attempt, finished in attempts:
        over = phase in (TaskPhase.SUCCEEDED, TaskPhase.FAILED) and finished
        jobs.append(seen(phase, *((COMPLETE,) if over else ()), attempt=attempt))
    drafts = {KEY: draft_of(TASK)} if with_draft else {}
    turns = {KEY} if has_turn else set[Any]()
    actions = plan(view(*jobs, drafts=drafts, wanted=wanted, turns=turns))
    for action in actions:
        if isinstance(action, Release):
            assert action.job.suspended
            assert key_of(action.job) in turns
        if isinstance(action, End):
            assert not action.job.finished
            waits_wrongly = action.job.suspended and with_draft
            assert wanted.get(OWNER.uid) == frozenset() or waits_wrongly


RETRYABLE = {"reason": "TaskInterrupted", "class": "Infrastructure", "message": "."}


@pytest.mark.parametrize(
    ("marked", "failure", "minutes", "kept"),
    [
        ("to-keep", None, 0, True),
        ("to-keep", {**RETRYABLE, "retryable": False}, 0, True),
        ("to-keep", {**RETRYABLE, "retryable": True}, 0, False),
        ("to-keep", None, 11, False),
        ("kept", None, 0, False),
        ("", None, 0, False),
    ],
)
def test_the_log_is_kept_before_the_job_may_go(
    marked: str, failure: dict[str, Any] | None, minutes: int, *, kept: bool
) -> None:
    """Where its registry is not the operator's: of the last attempt, for as long as it can be."""
    phase = TaskPhase.FAILED if failure else TaskPhase.SUCCEEDED
    job, state = seen(phase, COMPLETE)
    job.job["metadata"]["annotations"]["fairlead.dev/task-log"] = marked
    said = TaskFailure.model_validate(failure) if failure else None
    state = replace(state, finished_at=NOW - timedelta(minutes=minutes), failure=said)
    taken = view((job, state), wanted=WANTED, forgotten={job.uid}, now=NOW)
    [action] = plan(taken)
    assert action == (KeepLog(job) if kept else Expire(job, TAKEN_KEPT_S, taken=True))


def test_a_log_is_not_kept_of_what_still_runs() -> None:
    job, state = seen(TaskPhase.RUNNING)
    job.job["metadata"]["annotations"]["fairlead.dev/task-log"] = "to-keep"
    assert plan(view((job, state), wanted=WANTED, now=NOW)) == []
