"""The autoscaler at work, on real CPU metrics; the number of replicas is its own affair."""

import json
import threading

import httpx

from tests.e2e.scene import Scene, condition

BUSY = """\
import time


def init():
    pass


def run(data):
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        pass
    return "done"
"""


def load(address: str, stop: threading.Event) -> None:
    with httpx.Client(timeout=60) as client:
        while not stop.is_set():
            try:
                client.post(address, json={})
            except httpx.TransportError:
                continue  # a pod came or went


def test_a_busy_service_gets_more_replicas_and_the_operator_leaves_their_number_alone(
    scene: Scene,
) -> None:
    scene.image({"score.py": BUSY})
    small = {"cpu": "100m", "memory": "64Mi", "limits": {"cpu": "200m", "memory": "128Mi"}}
    scale = {"minReplicas": 1, "maxReplicas": 3, "targetUtilization": 50}
    node_port = {"type": "NodePort"}
    scene.service(replicas=None, autoscale=scale, resources=small, expose=node_port)
    scene.reason("webservice", "Serving")
    assert scene.get("deployment")["spec"]["replicas"] == 1
    stop = threading.Event()
    thread = threading.Thread(target=load, args=(scene.address(), stop), daemon=True)
    thread.start()
    try:
        scene.until(
            lambda: scene.get("deployment")["status"].get("readyReplicas", 0),
            lambda ready: ready >= 2,
            patience=300,
        )
    finally:
        stop.set()
        thread.join()
    shown = scene.kubectl("get", "deployment", "diabetes", "-o", "json", "--show-managed-fields")
    scaled = json.loads(shown)
    owners = [
        entry["manager"]
        for entry in scaled["metadata"]["managedFields"]
        if "f:replicas" in entry["fieldsV1"].get("f:spec", {})
    ]
    assert "fairlead-operator" not in owners
    status = scene.get("webservice")["status"]
    assert condition(status, "Scaling")["status"] == "True"
    assert status["replicas"]["desired"] >= 2


def test_a_fixed_number_is_handed_to_the_autoscaler_without_a_fall_to_one(scene: Scene) -> None:
    scene.image()
    scene.service(replicas=3)
    scene.reason("webservice", "Serving")
    seen: list[int] = []
    scene.service(replicas=None, autoscale={"minReplicas": 2, "maxReplicas": 4})

    def look() -> list[dict[str, object]]:
        seen.append(scene.get("deployment")["spec"]["replicas"])
        return scene.items("horizontalpodautoscaler")

    scene.until(look, lambda autoscalers: autoscalers)
    scene.until(
        lambda: scene.get("webservice")["status"],
        lambda status: condition(status, "Scaling")["reason"] in ("Scaling", "MetricsUnavailable"),
    )
    assert set(seen) == {3}
    scene.service(replicas=1)
    scene.until(lambda: scene.items("horizontalpodautoscaler"), lambda left: left == [])
    scene.until(lambda: scene.get("deployment")["spec"]["replicas"], lambda number: number == 1)
