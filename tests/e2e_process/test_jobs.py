"""Tasks as Jobs, and what the operator says where it is killed, or where a Job cannot begin.

What needs no operator of its own is in ``tests/e2e/test_jobs.py``.
"""

import threading
import time
from collections.abc import Iterator

import pytest

from tests.cluster import Cluster, ClusterError
from tests.e2e.file_server import SLOW_MODEL, FileServer, serving_a_model_that_waits
from tests.e2e.test_jobs import (
    failure,
    task_jobs,
    waiting_model,
)
from tests.e2e_process.operator_process import OperatorProcess
from tests.e2e_process.scene import Scene

TOLD_WITHIN_S = 10.0  # why a Job does not begin


@pytest.fixture(scope="module")
def settings(job_settings: dict[str, str]) -> dict[str, str]:
    return job_settings


@pytest.fixture
def jobs(scene: Scene) -> Scene:
    """A namespace of the test's own under an operator that makes Jobs."""
    scene.let_in_restricted_pods_alone()
    return scene


@pytest.fixture
def gated(cluster: Cluster) -> Iterator[tuple[FileServer, threading.Event]]:
    """A server that pods reach, and the gate that its one model waits at."""
    with serving_a_model_that_waits(cluster.gateway) as both:
        yield both


def test_after_kill_9_in_mid_task_the_job_is_joined_and_not_doubled(
    jobs: Scene, job_settings: dict[str, str], gated: tuple[FileServer, threading.Event]
) -> None:
    server, gate = gated
    waiting_model(jobs, server)
    [before] = task_jobs(jobs)
    jobs.operator.kill()
    gate.set()
    jobs.operator.start(**job_settings)
    status = jobs.reason("model", "Stored")
    assert [version["version"] for version in status["versions"]] == [1]
    assert [job["metadata"]["uid"] for job in task_jobs(jobs)] == [before["metadata"]["uid"]]
    assert server.requests == [SLOW_MODEL]


def test_a_quota_that_is_used_up_is_told_in_its_own_words_and_passes(jobs: Scene) -> None:
    jobs.kubectl("create", "quota", "small", "--hard=pods=0")
    jobs.config_map("model", model__pkl="weights")
    jobs.apply("Model", {"source": {"configMap": {"name": "model"}}})
    jobs.until(lambda: task_jobs(jobs), bool)
    began = time.monotonic()
    said = jobs.until(lambda: failure(jobs), bool)
    assert time.monotonic() - began < TOLD_WITHIN_S
    assert said["reason"] == "PodRefused"
    assert "exceeded quota: small" in said["message"]
    jobs.kubectl("delete", "quota", "small")
    jobs.reason("model", "Stored")


def test_an_image_that_cannot_be_pulled_and_a_node_that_has_no_room_are_told(
    jobs: Scene, job_settings: dict[str, str]
) -> None:
    missing = f"{jobs.cluster.registry}/fairlead/tasks:missing"
    huge = "cpu=50m memory=900Gi"
    for reason, change in (
        ("ImagePullFailed", {"FAIRLEAD_TASK_IMAGE": missing}),
        ("PodUnschedulable", {"FAIRLEAD_TASK_REQUESTS": huge, "FAIRLEAD_TASK_LIMITS": ""}),
    ):
        jobs.operator.restart(**{**job_settings, **change})
        model = reason.lower()
        jobs.config_map(model, model__pkl=reason)
        jobs.apply("Model", {"source": {"configMap": {"name": model}}}, model)
        began = time.monotonic()
        jobs.reason("model", reason, model)
        assert time.monotonic() - began < 2 * TOLD_WITHIN_S
        jobs.kubectl("delete", "model", model)


def test_the_operator_may_not_look_into_what_tasks_may_mount(operator: OperatorProcess) -> None:
    for verb in ("get", "list", "watch", "update", "patch", "delete"):
        assert not operator.may(verb, "secrets")
    for verb in ("update", "patch", "delete"):
        assert not operator.may(verb, "configmaps")
    assert not operator.may("get", "jobs")
    assert operator.may("create", "jobs")


def test_jobs_without_an_image_do_not_begin(operator: OperatorProcess) -> None:
    with pytest.raises(ClusterError) as refused:
        operator.restart(FAIRLEAD_RUNNER="job")
    assert any("the job runner needs FAIRLEAD_TASK_IMAGE" in line for line in refused.value.tail)
