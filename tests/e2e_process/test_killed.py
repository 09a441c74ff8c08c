"""The operator is killed in the middle of everything it does, and nothing is done twice."""

import threading

from tests.e2e.file_server import FileServer
from tests.e2e.scene import SCRIPT
from tests.e2e_process.scene import Scene
from tests.plain_http import CLIENT

MODEL = b"weights " * 100_000


def tags(repository: str) -> list[str]:
    """Of versions and environments; logs have tags of their own."""
    answer = CLIENT.get(f"http://localhost:5000/v2/{repository}/tags/list")
    found = answer.json().get("tags") or [] if answer.is_success else []
    return sorted(tag for tag in found if not tag.startswith(("log-", "lock-")))


def test_killed_during_an_ingest(scene: Scene, files: FileServer) -> None:
    gate = files.gates["/slow.pkl"] = threading.Event()
    files.files["/slow.pkl"] = MODEL
    scene.apply("Model", {"source": {"uri": f"{files.base}/slow.pkl"}})
    scene.until(lambda: files.requests.count("/slow.pkl"), lambda asked: asked == 1)
    scene.operator.kill()
    gate.set()
    scene.operator.start()
    status = scene.reason("model", "Stored")
    assert [version["version"] for version in status["versions"]] == [1]
    assert tags(f"{scene.namespace}/fairlead/models/diabetes") == ["1"]


def test_killed_during_a_build(scene: Scene) -> None:
    with FileServer(scene.cluster.gateway).serving() as server:
        steps, gate = server.step_that_waits()
        files = {"Dockerfile.steps": steps, "score.py": SCRIPT}
        scene.image(files, dockerFile="Dockerfile.steps")
        scene.until(lambda: server.requests, lambda asked: asked)
        scene.operator.kill()
        scene.operator.start()
        scene.until(lambda: server.requests, lambda asked: len(asked) == 2)
        gate.set()
        status = scene.reason("inferenceimage", "Built")
    assert len(server.requests) == 2
    assert (status["version"], status["build"]["id"]) == (1, "1-2")
    assert tags(f"{scene.namespace}/diabetes") == ["1"]
    assert len(tags(f"{scene.namespace}/fairlead/environments")) == 1


def test_killed_during_a_rollout(scene: Scene) -> None:
    scene.image()
    scene.service()
    scene.reason("inferenceimage", "Built")
    scene.until(lambda: scene.items("deployment"), bool)
    scene.operator.kill()
    scene.operator.start()
    scene.reason("webservice", "Serving")
    [deployment] = scene.items("deployment")
    assert deployment["metadata"]["generation"] == 1
    assert len(scene.items("replicaset")) == 1


def test_a_killed_operator_touches_nothing_that_is_as_it_should_be(scene: Scene) -> None:
    scene.image()
    scene.service()
    scene.reason("webservice", "Serving")
    kinds = "inferenceimage,webservice,service,poddisruptionbudget"
    before = scene.items(kinds)
    scene.operator.kill()
    scene.operator.start()
    scene.service("canary")
    scene.reason("webservice", "ImageNotFound", "canary")
    scene.kubectl("delete", "webservice", "canary", "--timeout=30s")
    assert scene.items(kinds) == before
