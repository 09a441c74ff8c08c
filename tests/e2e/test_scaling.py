"""The autoscaler at work, on requests and on CPU; the number of replicas is its own affair."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

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


WAITING = """\
import time


def init():
    pass


def run(data):
    time.sleep(1)
    return "done"
"""
PERIOD_S = 15.0  # of the autoscaler
HOLD_S = 90.0  # longer than the autoscaler would take to scale down on a load of nothing
PATIENT = {"maxQueueWaitMilliseconds": 60_000}  # none of these requests gets 503


@contextmanager
def clients(address: str, number: int) -> Iterator[None]:
    """So many requests at a time, without a pause; they use no CPU to speak of."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=load, args=(address, stop), daemon=True) for _ in range(number)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def wanted(scene: Scene) -> int:
    """How many replicas the autoscaler, or a spike, has asked for."""
    return int(scene.get("deployment")["spec"]["replicas"])


def least(scene: Scene) -> int:
    return int(scene.get("horizontalpodautoscaler")["spec"]["minReplicas"])


def ready(scene: Scene) -> int:
    return int(scene.get("deployment")["status"].get("readyReplicas", 0))


def sees(scene: Scene) -> object:
    """Whether the autoscaler has numbers."""
    found = scene.get("horizontalpodautoscaler").get("status", {})
    return condition(found, "ScalingActive").get("status")


def since_a_look_s(scene: Scene) -> float:
    """Seconds since the autoscaler looked last: it does so every 15 s, and what it says of itself
    changes when it does."""
    found = condition(scene.get("horizontalpodautoscaler").get("status", {}), "ScalingActive")
    if found.get("status") != "True":
        return PERIOD_S
    changed = datetime.fromisoformat(found["lastTransitionTime"])
    return (datetime.now(UTC) - changed).total_seconds() % PERIOD_S


def test_a_spike_is_met_at_once_and_let_go_and_columns_show_the_load(scene: Scene) -> None:
    """Four requests at a time need five replicas, at 80 %. They begin when the autoscaler has just
    looked: it would be another 15 s until it does again."""
    scene.image({"score.py": WAITING})
    scale = {"maxReplicas": 5, "targetUtilization": 80, "fastLane": True}
    service: dict[str, Any] = {"replicas": None, "autoscale": scale, "concurrency": PATIENT}
    service |= {"expose": {"type": "NodePort"}}
    scene.service(**service)
    scene.reason("webservice", "Serving")
    address = scene.address()
    scene.until(lambda: since_a_look_s(scene), lambda seconds: 2 <= seconds <= 5)
    with clients(address, 4):
        held = scene.until(lambda: least(scene), lambda number: number > 1)
        scene.until(lambda: wanted(scene), lambda number: number >= held)
        scene.until(lambda: ready(scene), lambda number: number == 5)
        scene.until(lambda: least(scene), lambda number: number == 1)
        scene.until(
            lambda: capacity(scene),
            lambda seen: seen.get("requestsPerSecond") and seen.get("utilizationPercent"),
        )
        header, line = scene.kubectl("get", "webservice", "-o", "wide").splitlines()
        assert {"UTILIZATION", "QUEUED", "503/MIN"} < set(header.split())
        cells = line[header.index("UTILIZATION") : header.index("AGE")].split()
        assert cells[0].endswith("%")
        assert (len(cells), "<none>" in cells) == (3, False)


def capacity(scene: Scene) -> dict[str, Any]:
    return dict(scene.get("webservice").get("status", {}).get("capacity") or {})


def test_without_numbers_replicas_stay_and_with_them_they_go_when_the_load_has_ended(
    scene: Scene,
) -> None:
    """The metrics of the replicas are looked for at a port where there are none: a revision that
    finds no node moves them there, and the replicas that serve are of the one before."""
    scene.image({"score.py": WAITING})
    service: dict[str, Any] = {"replicas": None, "autoscale": {"maxReplicas": 3}}
    service |= {"concurrency": PATIENT, "expose": {"type": "NodePort"}}
    service |= {"front": {"enabled": False}}  # so that it is the replicas that are asked
    scene.service(**service)
    scene.reason("webservice", "Serving")
    with clients(scene.address(), 4):
        scene.until(lambda: ready(scene), lambda number: number == 3)
        elsewhere = {"FAIRLEAD_METRICS_PORT": "5999"}
        no_node = {"cpu": "900", "memory": "64Mi"}
        scene.service(**service, environmentVariables=elsewhere, resources=no_node)
        scene.until(lambda: sees(scene), lambda seen: seen == "False")
    seen = set[int]()
    until_s = time.monotonic() + HOLD_S

    def held() -> bool:
        seen.add(wanted(scene))
        return time.monotonic() >= until_s

    scene.until(held, bool)
    assert (seen, sees(scene)) == ({3}, "False")
    scene.service(**service)
    scene.until(lambda: wanted(scene), lambda number: number == 1)
    scene.until(lambda: sees(scene), lambda seen: seen == "True")


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
    scale = {"minReplicas": 1, "maxReplicas": 3, "targetUtilization": 50, "metric": "CPU"}
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
