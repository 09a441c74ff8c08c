"""Tasks as Jobs on a real cluster, in namespaces that let in restricted pods alone."""

import base64
import json
import threading
from collections.abc import Iterator

import pytest

from fairlead.api.refs import Manifest
from tests.cluster import Cluster
from tests.e2e.file_server import SLOW_MODEL, FileServer, serving_a_model_that_waits
from tests.e2e.scene import SCRIPT, AnyOperator, Scene, SceneUnder

BINARY = bytes(range(256)) * 100


@pytest.fixture
def jobs(scene: Scene) -> Scene:
    scene.let_in_restricted_pods_alone()
    return scene


@pytest.fixture
def gated(cluster: Cluster) -> Iterator[tuple[FileServer, threading.Event]]:
    """A server that pods reach, and the gate that its one model waits at."""
    with serving_a_model_that_waits(cluster.gateway) as both:
        yield both


def task_jobs(scene: SceneUnder[AnyOperator]) -> list[Manifest]:
    return scene.items("jobs", labels="fairlead.dev/task")


def waiting_model(scene: SceneUnder[AnyOperator], server: FileServer) -> None:
    """A Model whose Job has begun to fetch, and waits."""
    scene.apply("Model", {"source": {"uri": f"{server.base}{SLOW_MODEL}"}})
    scene.until(lambda: server.requests, bool)


def failure(scene: SceneUnder[AnyOperator]) -> Manifest:
    return dict(scene.get("model").get("status", {}).get("failure") or {})


def test_a_config_map_is_stored_by_a_job_under_pod_security_restricted(jobs: Scene) -> None:
    content = {"model.pkl": base64.b64encode(BINARY).decode()}
    head = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "model"}}
    files = {"data": {"LICENSE": "MIT"}, "binaryData": content}
    jobs.kubectl("apply", "-f", "-", text=json.dumps({**head, **files}))
    jobs.apply("Model", {"source": {"configMap": {"name": "model"}}})
    status = jobs.reason("model", "Stored")
    assert [(one["version"], one["files"]) for one in status["versions"]] == [(1, 2)]


def test_a_pod_that_is_drained_is_followed_by_another_attempt(
    jobs: Scene, gated: tuple[FileServer, threading.Event]
) -> None:
    server, gate = gated
    waiting_model(jobs, server)
    [pod] = jobs.items("pods")
    metadata = {"name": pod["metadata"]["name"], "namespace": jobs.namespace}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    where = f"/api/v1/namespaces/{jobs.namespace}/pods/{metadata['name']}/eviction"
    jobs.kubectl("create", f"--raw={where}", "-f", "-", text=json.dumps(eviction))
    said = jobs.until(lambda: failure(jobs), bool)
    assert (said["reason"], said["class"]) == ("TaskInterrupted", "Infrastructure")
    gate.set()
    jobs.reason("model", "Stored")


def test_a_job_that_is_deleted_by_hand_is_made_again(
    jobs: Scene, gated: tuple[FileServer, threading.Event]
) -> None:
    server, gate = gated
    waiting_model(jobs, server)
    jobs.kubectl("delete", "job", task_jobs(jobs)[0]["metadata"]["name"])
    gate.set()
    jobs.reason("model", "Stored")


def test_a_step_that_runs_is_refused_before_there_is_any_job(jobs: Scene) -> None:
    files = {"score.py": SCRIPT, "Dockerfile.steps": "ENV A=1\nRUN true\n"}
    jobs.image(files, dockerFile="Dockerfile.steps")
    failure = jobs.reason("inferenceimage", "EngineUnsupported")["failure"]
    assert failure["location"] == "Dockerfile.steps:2"
    assert "spec.baseImage" in failure["remedy"]
    assert task_jobs(jobs) == []
