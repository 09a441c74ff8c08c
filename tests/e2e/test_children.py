"""A Webservice's children among others: who owns them, what others add, what scaling shows."""

import json

from tests.e2e.scene import Scene, condition

SLOW = "import time\n\n\ndef init():\n    time.sleep(4)\n\n\ndef run(data):\n    return data\n"
CHILDREN = "deployment,service,poddisruptionbudget,horizontalpodautoscaler"


def ready_since(scene: Scene) -> str:
    status = scene.get("webservice")["status"]
    return str(condition(status, "Ready")["lastTransitionTime"])


def serves(events: list[str]) -> bool:
    """Whether all is told that is told until it serves; events are not written in order."""
    starts = ("Normal Deployed: ", "Normal Serving: ")
    return all(any(event.startswith(start) for event in events) for start in starts)


def test_children_that_were_left_behind_are_adopted_and_serve_on(scene: Scene) -> None:
    scene.image()
    scene.service(replicas=None)
    scene.reason("webservice", "Serving")
    before = {child["kind"]: child["metadata"] for child in scene.items(CHILDREN)}
    pods = {pod["metadata"]["name"] for pod in scene.pods()}
    scene.kubectl("delete", "webservice", "diabetes", "--cascade=orphan")
    scene.until(
        lambda: [child["metadata"].get("ownerReferences") for child in scene.items(CHILDREN)],
        lambda owners: owners == [None] * 4,
    )
    scene.service(replicas=None)
    scene.reason("webservice", "Serving")
    uid = scene.get("webservice")["metadata"]["uid"]

    def owners() -> list[tuple[str, bool]]:
        seen = [child["metadata"].get("ownerReferences") or [{}] for child in scene.items(CHILDREN)]
        return [(owner.get("uid", ""), owner.get("controller", False)) for [owner] in seen]

    scene.until(owners, lambda seen: seen == [(uid, True)] * 4)
    after = {child["kind"]: child["metadata"] for child in scene.items(CHILDREN)}
    assert {kind: meta["uid"] for kind, meta in after.items()} == {
        kind: meta["uid"] for kind, meta in before.items()
    }
    assert {pod["metadata"]["name"] for pod in scene.pods()} == pods


def test_a_recreated_service_waits_for_what_its_predecessor_has_left(scene: Scene) -> None:
    scene.image()
    scene.service()
    scene.reason("webservice", "Serving")
    held = {"metadata": {"finalizers": ["example.com/held"]}}
    scene.kubectl("patch", "deployment", "diabetes", "--type=merge", "-p", json.dumps(held))
    scene.kubectl("delete", "webservice", "diabetes")
    scene.service()
    status = scene.reason("webservice", "WaitingForDeletion")
    assert "Deployment 'diabetes'" in condition(status, "Ready")["message"]
    assert not any("NameTaken" in event for event in scene.events("Webservice"))
    released = {"metadata": {"finalizers": None}}
    scene.kubectl("patch", "deployment", "diabetes", "--type=merge", "-p", json.dumps(released))
    scene.reason("webservice", "Serving")


def test_scaling_changes_nothing_about_ready(scene: Scene) -> None:
    scene.image({"score.py": SLOW})
    scene.service()
    scene.reason("webservice", "Serving")
    told = scene.until(lambda: scene.events("Webservice"), serves)  # after the status
    since = ready_since(scene)
    for replicas in (3, 1):
        scene.service(replicas=replicas)
        wanted = f"{replicas}/{replicas}"
        scene.until(lambda: scene.columns("webservice")["REPLICAS"], wanted.__eq__)
        assert scene.reason("webservice", "Serving")["state"] == "Healthy"
        assert ready_since(scene) == since
    assert sorted(scene.events("Webservice")) == sorted(told)


def test_a_rolling_update_says_what_serves(scene: Scene) -> None:
    scene.image()
    scene.service(replicas=2)
    scene.reason("webservice", "Serving")
    scene.image({"score.py": SLOW})
    status = scene.until(
        lambda: scene.get("webservice")["status"],
        lambda seen: "of the one before serve" in condition(seen, "Ready")["message"],
    )
    assert condition(status, "Ready")["reason"] == "RollingOut"
    assert condition(status, "Available")["status"] == "True"
    assert status["state"] == "Healthy"
    scene.reason("webservice", "Serving")


def test_an_image_waits_for_the_version_that_its_model_is_about_to_have(scene: Scene) -> None:
    scene.image(models=[{"name": "weights", "version": 1}])
    scene.reason("inferenceimage", "ModelNotFound")
    scene.config_map("weights", model__pkl="1")
    scene.apply("Model", {"source": {"configMap": {"name": "weights"}}}, "weights")
    scene.reason("inferenceimage", "Built")
    assert not any("ModelVersionNotFound" in event for event in scene.events("InferenceImage"))
