"""Jobs in the namespace for builds, which work for objects of other namespaces."""

from dataclasses import replace
from typing import Any

import pytest

from fairlead.contract import EnvironmentResult, Owner, TaskPhase, TaskResult
from fairlead.job_evidence import MAX_OWNERS, JobEvidence, project_job
from fairlead.runners.job.plan import key_of
from tests.unit.fake_cluster import FakeCluster
from tests.unit.job_objects import job_of
from tests.unit.runners.test_job_runner import running
from tests.unit.tasks_of import DIGEST, environment_task

BUILDS: dict[str, Any] = {"buildkit_namespace": "builds"}
FIRST, SECOND = (Owner("InferenceImage", name, f"uid-of-{name}") for name in ("a", "b"))
TASK = environment_task("buildkit", apart="builds", owner=FIRST)
DONE = TaskResult(
    ok=EnvironmentResult(digest=DIGEST, python="3.11.2", seconds=1, built=True).to_wire()
)


def evidence(builds_namespace: str = "builds", **annotations: str) -> JobEvidence:
    job = job_of(TASK)
    job["metadata"]["annotations"] |= annotations
    return JobEvidence(project_job(job), builds_namespace)


def test_it_works_for_the_namespace_and_the_owners_that_it_names() -> None:
    job = evidence(**{"owner.fairlead.dev/uid-of-b": "InferenceImage/b"})
    assert (job.namespace, job.works_for, key_of(job)) == ("builds", "demo", ("demo", TASK.id))
    assert job.is_task
    assert job.owner_uids == {FIRST.uid, SECOND.uid}
    assert job.owners[-1] == {"kind": "InferenceImage", "name": "b", "uid": "uid-of-b"}


@pytest.mark.parametrize("builds_namespace", ["", "another"])
def test_anywhere_else_a_job_says_nothing_of_other_namespaces(builds_namespace: str) -> None:
    job = evidence(builds_namespace)
    assert (job.works_for, job.owners, job.is_apart) == ("builds", [], False)


def test_owners_without_end_are_bounded() -> None:
    many = {f"owner.fairlead.dev/{number}": "x/y" for number in range(MAX_OWNERS + 10)}
    assert len(evidence(**many).owners) == MAX_OWNERS


async def test_it_is_made_there_and_its_result_is_that_of_the_namespace_it_works_for() -> None:
    async with running(**BUILDS) as here:
        here.jobs.want(FIRST.uid, [TASK])
        await here.until(lambda: here.released(TASK))
        job = here.there(TASK)
        assert "ownerReferences" not in job["metadata"]  # Kubernetes would remove it
        assert here.cluster.find("configmaps", "builds", job["metadata"]["name"])
        here.begin(TASK)
        await here.until(lambda: here.phase(TASK) is TaskPhase.RUNNING)
        assert here.jobs.states("builds") == {}
        here.finish(TASK, DONE)
        await here.until(lambda: here.phase(TASK) is TaskPhase.SUCCEEDED)
        assert here.told[-1] == {FIRST.uid}


async def test_another_owner_joins_and_it_ends_with_the_last() -> None:
    async with running(**BUILDS) as here:
        here.jobs.want(FIRST.uid, [TASK])
        await here.until(lambda: here.released(TASK))
        here.begin(TASK)
        here.jobs.want(SECOND.uid, [replace(TASK, owner=SECOND)])
        mark = f"owner.fairlead.dev/{SECOND.uid}"
        await here.until(lambda: mark in here.there(TASK)["metadata"]["annotations"])
        here.jobs.want(FIRST.uid, [])
        assert here.job(TASK)
        here.jobs.want(SECOND.uid, [])
        await here.until(lambda: here.job(TASK) is None)


async def test_after_a_restart_it_is_found_with_watched_namespaces_too() -> None:
    cluster = FakeCluster()
    chosen = {**BUILDS, "watch_namespaces": ("demo",)}
    async with running(cluster, **chosen) as here:
        here.jobs.want(FIRST.uid, [TASK])
        await here.until(lambda: here.released(TASK))
        here.begin(TASK)
    async with running(cluster, **chosen) as here:
        assert here.phase(TASK) is TaskPhase.RUNNING
        here.jobs.want(FIRST.uid, [])
        await here.until(lambda: here.job(TASK) is None)
    assert cluster.requests["create", "jobs"] == 1
