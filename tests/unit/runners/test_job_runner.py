"""Tasks as Jobs, over a cluster in memory: made once, joined, released in turn, read, ended."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from fairlead.api.meta import TASK_LOG
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest, Ref
from fairlead.contract import (
    AssembleResult,
    Owner,
    SmokeResult,
    Task,
    TaskFailure,
    TaskPhase,
    TaskResult,
    TaskState,
)
from fairlead.errors import OperatorError, StalledError, WaitingError
from fairlead.job_evidence import job_name
from fairlead.job_request import MAX_REQUEST_BYTES
from fairlead.runners.job import attempts, events, runner
from fairlead.runners.job import plan as job_plan
from fairlead.runners.job.plan import Action, View, plan
from fairlead.runners.job.runner import JobRunner
from fairlead.settings import Settings
from tests.unit.fake_cluster import FakeCluster
from tests.unit.job_objects import condition, ended, pod_of, told
from tests.unit.tasks_of import OWNER, assemble_task, ingest_task, smoke_task

DEADLINE_S = 60.0
OTHER = Owner("InferenceImage", "other", "uid-of-another")
OK = AssembleResult(digest=f"sha256:{'ab' * 32}", size_bytes=7, seconds=1.0).to_wire()
TASK = assemble_task({"score.py": b"def init(): ...\n"})
QUOTA = 'Error creating: pods "x" is forbidden: exceeded quota: small'


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "ACTIVE_TICK_S", 0.05)
    monkeypatch.setattr(runner, "SETTLE_S", 0.0)
    monkeypatch.setattr(runner, "REPAIR_DELAY_S", 0.05)
    monkeypatch.setattr(events, "EVENTS_EVERY", timedelta(0))
    monkeypatch.setattr(attempts, "WATCH_DELAY_S", 0.2)
    monkeypatch.setattr(attempts, "backoff_s", lambda _: 0.1)
    monkeypatch.setattr(job_plan, "KEEP_LOG_WITHIN", timedelta(days=36_500))  # tasks end long ago


class Here:
    """The runner, its cluster, and what Kubernetes does with Jobs."""

    def __init__(self, cluster: FakeCluster, jobs: JobRunner) -> None:
        self.cluster, self.jobs = cluster, jobs
        self.told: list[frozenset[str]] = []
        jobs.on_change(self.told.append)

    def job(self, task: Task) -> Manifest | None:
        name = job_name(task.program, task.id, task.attempt)
        return self.cluster.find("jobs", task.apart or task.namespace, name)

    def there(self, task: Task) -> Manifest:
        job = self.job(task)
        assert job is not None
        return job

    def released(self, task: Task) -> bool:
        job = self.job(task)
        return job is not None and job["spec"]["suspend"] is False

    def state(self, task: Task) -> TaskState | None:
        return self.jobs.states(task.namespace).get(task.id)

    def phase(self, task: Task) -> TaskPhase | None:
        state = self.state(task)
        return state.phase if state else None

    def reason(self, task: Task) -> Reason | None:
        state = self.state(task)
        return state.failure.reason if state and state.failure else None

    def begin(self, task: Task, container: Manifest | None = None) -> None:
        """The Job controller starts it and makes its pod."""
        self.update(task)
        running = {"running": {"startedAt": "2026-11-26T10:00:03Z"}}
        pod = pod_of(container or running, task=task)
        pod["metadata"]["ownerReferences"][0]["uid"] = self.there(task)["metadata"]["uid"]
        self.cluster.put(pod)

    def update(self, task: Task, *conditions: Manifest) -> None:
        start = (datetime.now(UTC) - timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
        status = {"startTime": start, "conditions": list(conditions)}
        self.cluster.put({**self.there(task), "status": status})

    def refuse_pods(self, task: Task) -> None:
        """The Job controller starts it, and may make no pod."""
        self.update(task)
        head = {"apiVersion": "v1", "kind": "Event", "type": "Warning"}
        metadata = {"name": f"{task.id}-event", "namespace": task.namespace}
        about = {"uid": self.there(task)["metadata"]["uid"]}
        said = {"reason": "FailedCreate", "message": QUOTA, "involvedObject": about}
        self.cluster.put({**head, "metadata": metadata, **said})

    def finish(self, task: Task, result: TaskResult) -> None:
        self.begin(task, ended(0 if result.ok else 1, told(result)))
        self.update(task, condition("Complete" if result.ok else "Failed"))

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not holds():
                await asyncio.sleep(0.005)  # poll


@asynccontextmanager
async def running(cluster: FakeCluster | None = None, **settings: Any) -> AsyncIterator[Here]:
    chosen = Settings(runner="job", task_image="tasks", **settings)
    there = cluster or FakeCluster()
    async with JobRunner(chosen, there) as jobs:
        yield Here(there, jobs)


def failed(*, retryable: bool = True) -> TaskResult:
    said = {"reason": "RegistryDenied", "class": "Auth", "message": "No.", "retryable": retryable}
    return TaskResult(failure=TaskFailure.model_validate(said))


def of(name: str, namespace: str = "demo") -> Task:
    owner = Owner("Model", name, f"uid-of-{namespace}-{name}")
    task = ingest_task("https://m.example.com/m", name=name, namespace=namespace, owner=owner)
    return replace(task, id=f"ingest-{namespace}-{name}")


def uid(task: Task) -> str:
    assert task.owner
    return task.owner.uid


async def test_a_task_becomes_a_job_with_its_request_and_its_result_is_read() -> None:
    async with running() as here:
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: here.released(TASK))
        job = here.there(TASK)
        request = here.cluster.find("configmaps", "demo", job["metadata"]["name"])
        assert request
        assert request["metadata"]["ownerReferences"][0]["uid"] == job["metadata"]["uid"]
        here.begin(TASK)
        await here.until(lambda: here.phase(TASK) is TaskPhase.RUNNING)
        here.finish(TASK, TaskResult(ok=OK))
        await here.until(lambda: here.phase(TASK) is TaskPhase.SUCCEEDED)
        state = here.state(TASK)
        assert state
        assert state.result == OK
        assert here.told[-1] == {OWNER.uid}


async def test_the_request_is_there_before_the_job_runs() -> None:
    async with running() as here:
        no = StalledError(Reason.FORBIDDEN, "no")
        here.cluster.refusals["create", "configmaps"] = [no] * 1000  # until it has been seen
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: here.reason(TASK) is Reason.FORBIDDEN)
        assert not here.released(TASK)
        here.cluster.refusals.clear()
        await here.until(lambda: here.released(TASK))
        await here.until(lambda: here.reason(TASK) is None)


async def test_it_is_released_as_soon_as_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "WATCH_DELAY_S", 600.0)
    async with running() as here:
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: here.released(TASK))


async def test_what_cannot_be_released_holds_no_slot() -> None:
    refused, other = of("a"), of("b")
    async with running(namespace_tasks_at_once=1) as here:
        no_room = StalledError(Reason.FORBIDDEN, "exceeded quota: count/configmaps")
        here.cluster.refusals["create", "configmaps"] = [no_room]
        here.jobs.want(uid(refused), [refused])
        await here.until(lambda: here.reason(refused) is Reason.FORBIDDEN)
        here.jobs.want(uid(other), [other])
        await here.until(lambda: here.released(other) or here.released(refused))
        for task in (other, refused):
            if here.released(task):
                here.begin(task)
                here.finish(task, TaskResult(ok=OK))
        await here.until(lambda: here.released(other) and here.released(refused))


async def test_two_who_want_the_same_share_one_job_which_belongs_to_both() -> None:
    async with running() as here:
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: here.released(TASK))
        here.begin(TASK)
        here.jobs.want(OTHER.uid, [replace(TASK, owner=OTHER)])

        def owners() -> set[str]:
            return {one["uid"] for one in here.there(TASK)["metadata"]["ownerReferences"]}

        await here.until(lambda: owners() == {OWNER.uid, OTHER.uid})
        here.jobs.want(OWNER.uid, [])
        here.finish(TASK, TaskResult(ok=OK))
        await here.until(lambda: here.phase(TASK) is TaskPhase.SUCCEEDED)
        assert here.cluster.requests["delete", "jobs"] == 0
        assert here.cluster.requests["create", "jobs"] == 1


async def test_after_a_restart_jobs_are_found_and_joined_never_doubled() -> None:
    cluster = FakeCluster()
    async with running(cluster) as here:
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: here.released(TASK))
        here.begin(TASK)
    async with running(cluster) as here:
        assert here.phase(TASK) is TaskPhase.RUNNING  # known before anybody asks
        here.jobs.want(OWNER.uid, [TASK])
        here.finish(TASK, TaskResult(ok=OK))
        await here.until(lambda: here.phase(TASK) is TaskPhase.SUCCEEDED)
        assert here.told[-1] == {OWNER.uid}
        assert cluster.requests["create", "jobs"] == 1
        assert cluster.requests["delete", "jobs"] == 0


async def test_a_job_that_was_made_and_not_released_is_released_by_the_next_operator() -> None:
    cluster = FakeCluster()
    cluster.refusals["create", "configmaps"] = [StalledError(Reason.FORBIDDEN, "no")] * 1000
    async with running(cluster) as here:
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: here.reason(TASK) is Reason.FORBIDDEN)
    cluster.refusals.clear()
    async with running(cluster) as here:
        assert here.phase(TASK) is TaskPhase.QUEUED
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: here.released(TASK))
        assert cluster.requests["create", "jobs"] == 1


async def test_a_namespace_has_its_share_and_the_others_wait_with_a_position() -> None:
    first, second, third = of("a"), of("b"), of("c")
    async with running(namespace_tasks_at_once=1) as here:
        for task in (first, second, third):
            here.jobs.want(uid(task), [task])
            await here.until(partial(here.job, task))
        await here.until(lambda: here.released(first))
        here.begin(first)
        await here.until(lambda: here.state(third) and here.state(third).position == 2)  # type: ignore[union-attr]
        elsewhere = of("x", namespace="other")
        assert here.jobs.positions_of_new("other")["ingest"] == 0
        assert here.jobs.positions_of_new("demo")["ingest"] == 3
        here.jobs.want(uid(elsewhere), [elsewhere])
        await here.until(lambda: here.released(elsewhere))
        assert not here.released(second)
        here.finish(first, TaskResult(ok=OK))
        await here.until(lambda: here.released(second))
        assert not here.released(third)
        assert here.there(first)["spec"]["suspend"] is False


async def test_after_a_restart_what_runs_still_counts() -> None:
    cluster, first, second = FakeCluster(), of("a"), of("b")
    async with running(cluster, namespace_tasks_at_once=1) as here:
        here.jobs.want(uid(first), [first])
        await here.until(lambda: here.released(first))
        here.begin(first)
    async with running(cluster, namespace_tasks_at_once=1) as here:
        here.jobs.want(uid(second), [second])
        await here.until(lambda: here.state(second) and here.state(second).position == 1)  # type: ignore[union-attr]
        assert not here.released(second)
        here.finish(first, TaskResult(ok=OK))
        await here.until(lambda: here.released(second))


async def test_what_cannot_begin_is_told_and_holds_no_slot() -> None:
    first, second, elsewhere = of("a"), of("b"), of("c", namespace="other")
    async with running(ingests_at_once=1) as here:
        here.jobs.want(uid(first), [first])
        await here.until(lambda: here.released(first))
        here.refuse_pods(first)
        await here.until(lambda: here.reason(first) is Reason.POD_REFUSED)
        assert here.phase(first) is TaskPhase.RUNNING
        for task in (second, elsewhere):
            here.jobs.want(uid(task), [task])
        await here.until(lambda: here.released(elsewhere))
        here.finish(elsewhere, failed())
        await here.until(lambda: here.phase(elsewhere) is TaskPhase.FAILED)
        assert not here.released(second)  # into the same quota
        here.begin(first)  # there is room again
        await here.until(lambda: here.reason(first) is None)
        here.finish(first, TaskResult(ok=OK))
        await here.until(lambda: here.released(second))


async def test_what_nobody_wants_any_more_is_ended() -> None:
    async with running() as here:
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: here.released(TASK))
        here.begin(TASK)
        await here.until(lambda: here.phase(TASK) is TaskPhase.RUNNING)
        here.jobs.want(OWNER.uid, [])
        await here.until(lambda: here.job(TASK) is None)


async def test_what_is_let_go_at_once_is_ended_too() -> None:
    async with running() as here:
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: here.cluster.requests["create", "jobs"])
        here.jobs.want(OWNER.uid, [])
        await here.until(lambda: here.job(TASK) is None)


async def test_after_a_restart_nothing_is_ended_before_its_owner_has_spoken() -> None:
    cluster = FakeCluster()
    async with running(cluster) as here:
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: here.released(TASK))
        here.begin(TASK)
    async with running(cluster) as here:
        other = of("b")
        here.jobs.want(uid(other), [other])
        await here.until(lambda: here.released(other))
        assert here.job(TASK)
        here.jobs.want(OWNER.uid, [])
        await here.until(lambda: here.job(TASK) is None)


async def test_a_result_that_was_taken_is_no_news_for_the_next_operator() -> None:
    cluster = FakeCluster()
    async with running(cluster) as here:
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: here.released(TASK))
        here.finish(TASK, TaskResult(ok=OK))
        await here.until(lambda: here.phase(TASK) is TaskPhase.SUCCEEDED)
        here.jobs.want(OWNER.uid, [])
        here.jobs.forget([TASK.id])
        assert here.state(TASK) is None
        await here.until(lambda: here.there(TASK)["spec"].get("ttlSecondsAfterFinished") == 600)
    async with running(cluster) as here:
        assert here.state(TASK) is None
        here.jobs.want(OWNER.uid, [TASK])  # the same work, wanted again
        await here.until(lambda: cluster.requests["create", "jobs"] == 2)
        await here.until(lambda: here.released(TASK))


async def test_a_result_stays_until_it_was_taken() -> None:
    async with running() as here:
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: here.released(TASK))
        here.finish(TASK, TaskResult(ok=OK))
        await here.until(lambda: here.phase(TASK) is TaskPhase.SUCCEEDED)
        here.jobs.want(OWNER.uid, [])
        await here.until(lambda: here.there(TASK)["spec"].get("ttlSecondsAfterFinished") == 86_400)
        assert here.phase(TASK) is TaskPhase.SUCCEEDED


async def test_another_attempt_is_another_job_and_the_log_of_the_first_stays() -> None:
    again = assemble_task(TASK.files, attempt=2)
    async with running() as here:
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: here.released(TASK))
        here.finish(TASK, failed())
        await here.until(lambda: here.reason(TASK) is Reason.REGISTRY_DENIED)
        here.jobs.want(OWNER.uid, [again])
        await here.until(lambda: here.released(again))
        await here.until(lambda: here.phase(again) is TaskPhase.RUNNING)
        state = here.state(again)
        assert state
        assert state.attempt == 2
        assert here.job(TASK)


async def test_a_failure_is_still_known_after_a_restart() -> None:
    cluster = FakeCluster()
    async with running(cluster) as here:
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: here.released(TASK))
        here.finish(TASK, failed(retryable=False))
        await here.until(lambda: here.phase(TASK) is TaskPhase.FAILED)
    async with running(cluster) as here:
        state = here.state(TASK)
        assert state
        assert state.failure
        assert not state.failure.retryable


async def test_a_job_that_somebody_deleted_is_made_again() -> None:
    async with running() as here:
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: here.released(TASK))
        here.begin(TASK)
        await here.until(lambda: here.phase(TASK) is TaskPhase.RUNNING)
        here.told.clear()
        here.cluster.remove("jobs", "demo", here.there(TASK)["metadata"]["name"])
        await here.until(lambda: {OWNER.uid} in here.told)  # which wakes its reconcile
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: here.released(TASK))


async def test_a_namespace_that_refuses_jobs_is_told_and_holds_up_no_other() -> None:
    refused, other = of("a"), of("b", namespace="other")
    async with running() as here:
        no = StalledError(Reason.FORBIDDEN, "quota")
        here.cluster.refusals["create", "jobs"] = [no] * 1000  # until it has been seen
        here.jobs.want(uid(refused), [refused])
        await here.until(lambda: here.reason(refused) is Reason.FORBIDDEN)
        state = here.state(refused)
        assert state
        assert state.phase is TaskPhase.QUEUED
        here.cluster.refusals.clear()
        here.jobs.want(uid(other), [other])
        await here.until(lambda: here.released(other))
        await here.until(lambda: here.released(refused))
        await here.until(lambda: here.reason(refused) is None)


async def test_a_strangers_job_of_the_same_name_is_left_alone() -> None:
    cluster = FakeCluster()
    name = job_name(TASK.program, TASK.id, TASK.attempt)
    theirs = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "demo"},
    }
    cluster.put({**theirs, "spec": {}})
    async with running(cluster) as here:
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: here.reason(TASK) is Reason.NAME_TAKEN)
        assert here.there(TASK)["spec"] == {}
        cluster.remove("jobs", "demo", name)
        await here.until(lambda: here.released(TASK))


async def test_a_job_in_another_namespace_says_nothing_of_this_task() -> None:
    """Ids of shared environments can be guessed; whoever may write Jobs elsewhere forges none."""
    async with running() as here:
        theirs = replace(TASK, namespace="theirs", owner=OTHER)
        here.jobs.want(OTHER.uid, [theirs])
        await here.until(lambda: here.released(theirs))
        here.finish(theirs, TaskResult(ok=OK))
        await here.until(lambda: here.phase(theirs) is TaskPhase.SUCCEEDED)
        assert here.state(TASK) is None
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: here.released(TASK))


async def test_what_no_request_can_hold_is_refused_with_its_size() -> None:
    async with running() as here:
        task = replace(TASK, files={"big": b"x" * MAX_REQUEST_BYTES})
        with pytest.raises(StalledError, match="1,000,") as refused:
            here.jobs.want(OWNER.uid, [task])
        assert refused.value.reason == Reason.SOURCE_TOO_LARGE


async def test_the_log_of_a_build_is_that_of_its_pods_redacted() -> None:
    async with running() as here:
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: here.released(TASK))
        assert await here.jobs.log_of(TASK.build, 1000) == ""
        here.begin(TASK)
        pod = f"{here.there(TASK)['metadata']['name']}-abcde"
        here.cluster.logs[pod] = "at work, password=hunter2\n"
        text = ""
        async with asyncio.timeout(DEADLINE_S):
            while "at work" not in text:  # until the watch has told of the pod
                await asyncio.sleep(0.005)  # poll
                text = await here.jobs.log_of(TASK.build, 1000)
        assert "hunter2" not in text
        assert await here.jobs.log_of("demo/other/1-1", 1000) == ""


async def test_a_job_elsewhere_that_names_this_build_is_not_its_log() -> None:
    async with running() as here:
        theirs = replace(TASK, namespace="theirs", owner=OTHER)
        here.jobs.want(OTHER.uid, [theirs])
        await here.until(lambda: here.released(theirs))
        here.begin(theirs)
        here.cluster.logs[f"{here.there(theirs)['metadata']['name']}-abcde"] = "forged"
        here.finish(theirs, TaskResult(ok=OK))
        await here.until(lambda: here.phase(theirs) is TaskPhase.SUCCEEDED)
        assert await here.jobs.log_of(TASK.build, 1000) == ""


async def test_a_bug_is_logged_and_does_not_end_the_runner(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bugs = [ZeroDivisionError("a bug")]

    def broken(view: View) -> list[Action]:
        if bugs:
            raise bugs.pop()
        return plan(view)

    monkeypatch.setattr(runner, "plan", broken)
    async with running() as here:
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: here.released(TASK))
    assert "a bug" in capsys.readouterr().out


async def test_an_operator_that_may_not_list_jobs_says_so_and_does_not_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runner, "SYNC_TIMEOUT_S", 0.1)
    cluster = FakeCluster()
    cluster.refusals["list", "jobs"] = [StalledError(Reason.FORBIDDEN, "no")] * 100
    with pytest.raises(OperatorError, match="could not be listed"):
        async with running(cluster):
            pass
    assert cluster.requests["list", "jobs"] >= 1


async def test_nothing_is_written_while_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running() as here:
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: here.released(TASK))
        here.begin(TASK)
        await here.until(lambda: here.phase(TASK) is TaskPhase.RUNNING)
        before = here.cluster.requests.copy()
        looks = list[View]()

        def counted(view: View) -> list[Action]:
            looks.append(view)
            return plan(view)

        monkeypatch.setattr(runner, "plan", counted)
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: len(looks) > 3)
        assert here.cluster.requests == before


class HangingCluster(FakeCluster):
    """After so many writes the operator hears nothing any more: it was killed before the answer."""

    def __init__(self, writes: int) -> None:
        super().__init__()
        self.left, self.hung = writes, False

    async def create(self, manifest: Manifest) -> bool:
        answer = await super().create(manifest)
        await self._answered()
        return answer

    async def merge(self, ref: Ref, patch: Manifest) -> Manifest | None:
        answer = await super().merge(ref, patch)
        await self._answered()
        return answer

    async def _answered(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.hung = True
            await asyncio.Event().wait()


def step(here: Here) -> bool:
    """What owner, Job controller and kubelet do next; whether there is nothing left to do."""
    job = here.job(TASK)
    if job and job["metadata"]["annotations"].get("fairlead.dev/task-taken"):
        return True
    if here.phase(TASK) is TaskPhase.SUCCEEDED:
        here.jobs.want(OWNER.uid, [])
        here.jobs.forget([TASK.id])
    elif here.released(TASK) and not here.there(TASK).get("status", {}).get("conditions"):
        here.finish(TASK, TaskResult(ok=OK))
    return False


@pytest.mark.parametrize("writes", range(1, 6))
async def test_killed_after_any_of_its_writes_the_next_operator_finishes(writes: int) -> None:
    cluster = HangingCluster(writes)
    async with running(cluster) as here:
        here.jobs.want(OWNER.uid, [TASK])
        await here.until(lambda: step(here) or cluster.hung)
    async with running(cluster) as here:
        if here.phase(TASK) is not TaskPhase.SUCCEEDED and not step(here):
            here.jobs.want(OWNER.uid, [TASK])  # its status has no result yet
        await here.until(lambda: step(here))
    assert [plural for plural, _, _ in cluster.objects if plural == "jobs"] == ["jobs"]
    assert cluster.requests["create", "jobs"] == 1
    assert here.released(TASK)
    assert cluster.find("configmaps", "demo", here.there(TASK)["metadata"]["name"])


IMAGE_OWNER = Owner("InferenceImage", "diabetes", "uid-of-an-image")
ELSEWHERE = replace(
    assemble_task({"score.py": b""}, owner=IMAGE_OWNER), id="assemble-x", log_elsewhere=True
)
TAIL = ("configmaps", "demo", "fairlead-log-diabetes-1-1")


def marked(here: Here) -> str:
    found = here.there(ELSEWHERE)["metadata"]["annotations"].get("fairlead.dev/task-log", "")
    return str(found)


async def test_the_end_of_a_log_that_lies_elsewhere_is_kept_once_it_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runner, "IDLE_TICK_S", 0.05)
    async with running() as here:
        here.jobs.want(uid(ELSEWHERE), [ELSEWHERE])
        await here.until(lambda: here.released(ELSEWHERE))
        assert marked(here) == "to-keep"
        here.cluster.logs[pod_of(task=ELSEWHERE)["metadata"]["name"]] = "token=hunter2 \x1b[1mx\n"
        here.begin(ELSEWHERE)
        await here.until(lambda: here.phase(ELSEWHERE) is TaskPhase.RUNNING)
        assert here.cluster.find(*TAIL) is None
        refusal = WaitingError(Reason.API_UNREACHABLE, "no answer (reset)")
        here.cluster.refusals["log", "pods"] = [refusal]  # it is asked again
        here.finish(ELSEWHERE, TaskResult(ok=OK))
        await here.until(lambda: marked(here) == "kept")
        kept = here.cluster.find(*TAIL)
        assert kept
        assert kept["data"] == {"log": "token=*** x\n"}
        assert [owner["uid"] for owner in kept["metadata"]["ownerReferences"]] == [IMAGE_OWNER.uid]
        here.jobs.want(uid(ELSEWHERE), [])
        here.jobs.forget([ELSEWHERE.id])
        await here.until(lambda: here.there(ELSEWHERE)["spec"].get("ttlSecondsAfterFinished"))


async def test_a_pod_that_is_gone_keeps_no_job_for_its_log() -> None:
    async with running() as here:
        here.jobs.want(uid(ELSEWHERE), [ELSEWHERE])
        await here.until(lambda: here.released(ELSEWHERE))
        here.finish(ELSEWHERE, TaskResult(ok=OK))
        await here.until(lambda: here.phase(ELSEWHERE) is TaskPhase.SUCCEEDED)
        await here.until(lambda: marked(here) == "kept")
        assert here.cluster.find(*TAIL) is None  # it printed nothing


async def test_a_log_that_counts_only_where_the_task_failed_is_not_kept_else() -> None:
    good = smoke_task(owner=IMAGE_OWNER)
    bad = replace(good, id="smoke-bad")
    passed = TaskResult(ok=SmokeResult(seconds=1.0).to_wire())
    async with running() as here:
        for task in (good, bad):
            here.jobs.want(f"{IMAGE_OWNER.uid}{task.id}", [task])
            await here.until(partial(here.released, task))
            assert here.there(task)["metadata"]["annotations"][TASK_LOG] == "if-failed"
            here.cluster.logs[pod_of(task=task)["metadata"]["name"]] = f"{task.id}\n"
            here.begin(task)
        here.finish(good, passed)
        await here.until(lambda: here.there(good)["spec"].get("ttlSecondsAfterFinished"))
        assert here.cluster.find(*TAIL) is None
        here.finish(bad, failed(retryable=False))
        await here.until(lambda: here.cluster.find(*TAIL) is not None)
    kept = here.cluster.find(*TAIL)
    assert kept
    assert kept["data"] == {"log": "smoke-bad\n"}


async def test_no_job_makes_us_write_for_another_namespace() -> None:
    async with running() as here:
        here.jobs.want(uid(ELSEWHERE), [ELSEWHERE])
        await here.until(lambda: here.released(ELSEWHERE))
        job = here.there(ELSEWHERE)
        forged = {**job["metadata"]["annotations"], "fairlead.dev/task-build": "victim/x/1-1"}
        here.cluster.put({**job, "metadata": {**job["metadata"], "annotations": forged}})
        here.cluster.logs[pod_of(task=ELSEWHERE)["metadata"]["name"]] = "words\n"
        here.finish(ELSEWHERE, TaskResult(ok=OK))
        await here.until(lambda: marked(here) == "kept")
        made = [place for place in here.cluster.objects if place[2].startswith("fairlead-log-")]
        assert made == []
