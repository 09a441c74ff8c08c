"""Updates under load: what fails is rolled back, what is mended goes out, no request is lost."""

from typing import Any

from fairlead.api.refs import Manifest
from tests.e2e.scene import Scene, condition
from tests.e2e.test_front import asked, load
from tests.e2e.test_services import FAILS, NODE_PORT, echo

STARTUP_S = 60  # what a start may take here, beside other scenes
CONCURRENCY = {"maxConcurrentRequests": 1, "maxQueueWaitMilliseconds": 20_000}


def serve(scene: Scene, **spec: Any) -> None:
    probes = {"initialDelaySeconds": STARTUP_S}
    scene.service(front={}, concurrency=CONCURRENCY, probes=probes, **NODE_PORT, **spec)


def test_an_update_that_fails_is_rolled_back_and_a_mended_one_goes_out(
    scene: Scene, front: str
) -> None:
    def is_back(status: Manifest) -> bool:
        return bool(status["revision"].get("rolledBack")) and " not all ready" not in str(
            condition(status, "Deployed").get("message")
        )

    assert front
    scene.image(echo("old"))
    serve(scene)
    good = scene.reason("webservice", "Serving")["revision"]
    spec = scene.get("webservice")["spec"]
    scene.until(lambda: asked(scene.address()), lambda answer: answer == '200 "old"')
    quick = {"autoRollback": True, "progressDeadlineSeconds": STARTUP_S + 1}
    with load(scene.address()) as under:
        serve(scene, rollout=quick)
        scene.image({"score.py": FAILS})
        scene.reason("webservice", "RolledBack")
        status = scene.until(lambda: scene.get("webservice")["status"], is_back)
        failure, revision = status["failure"], status["revision"]
        assert "UserScriptInitFailed: init() raised ValueError" in failure["message"]
        assert (failure["location"], condition(status, "Available")["status"]) == (
            "score.py:2",
            "True",
        )
        assert (revision["active"], status["state"]) == (good["active"], "Healthy")
        assert revision["target"] not in ("", good["target"])
        assert scene.get("webservice")["spec"] == {**spec, "rollout": quick}
        scene.until(scene.pods, lambda pods: serves_alone(pods, good["active"]))
        assert any("RolledBack" in event for event in scene.events("Webservice"))
        serve(scene, rollout={"autoRollback": True})
        scene.image(echo("new"))
        scene.until(lambda: under.answers[-1], lambda answer: answer == '200 "new"')
        assert "rolledBack" not in scene.reason("webservice", "Serving")["revision"]
        scene.until(scene.pods, lambda pods: len(pods) == 1)
    assert under.failures() == []
    scene.kubectl("scale", "webservice", "diabetes", "--replicas=2")
    scene.until(lambda: scene.columns("webservice")["REPLICAS"], lambda cell: cell == "2/2")


def serves_alone(pods: list[Manifest], reference: str) -> bool:
    """One pod is left, of that image."""
    return [pod["spec"]["containers"][0]["image"] for pod in pods] == [reference]
