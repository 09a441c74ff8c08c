"""The autoscaler at work, on requests and on CPU; the number of replicas is its own affair."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from fairlead.api.quantity import amount
from tests.e2e.scene import Scene, condition
from tests.e2e.test_front import selected

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
DEMAND = (
    "/apis/custom.metrics.k8s.io/v1beta2/namespaces/{}/webservices.fairlead.dev/diabetes/"
    "fairlead_demand_concurrency"
)
PATIENT = {"maxQueueWaitMilliseconds": 60_000}  # none of these requests gets 503


@contextmanager
def clients(address: str, number: int) -> Iterator[Counter[str]]:
    """So many requests at a time, without a pause; they use no CPU to speak of. How often each
    status was answered, with its reason, and each connection broken."""
    stop, answers = threading.Event(), Counter[str]()
    arguments = (address, stop, answers)
    threads = [threading.Thread(target=load, args=arguments, daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def wanted(scene: Scene) -> int:
    """How many replicas the autoscaler, or a spike, has asked for."""
    return int(scene.get("deployment")["spec"]["replicas"])


def least(scene: Scene) -> int:
    return int(scene.get("horizontalpodautoscaler")["spec"]["minReplicas"])


def numbers(scene: Scene) -> tuple[int, int]:
    """How many pods there are to be, and are."""
    found = scene.get("deployment")
    return int(found["spec"]["replicas"]), int(found["status"].get("replicas", 0))


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


def test_a_spike_is_met_at_once_and_let_go_and_an_update_under_load_moves_no_number(
    scene: Scene, front: str
) -> None:
    """Two requests at a time need three replicas, at 80 %. They begin when the autoscaler has just
    looked: it would be another 15 s until it does again. Then the replicas are replaced, by a pod
    more than there are to be: the load is the same, and the autoscaler asks for no other number."""
    assert front
    scene.image({"score.py": WAITING})
    scale = {"maxReplicas": 6, "targetUtilization": 80, "fastLane": True}
    service: dict[str, Any] = {"replicas": None, "autoscale": scale, "concurrency": PATIENT}
    service |= {"expose": {"type": "NodePort"}, "front": {}}
    scene.service(**service)
    scene.reason("webservice", "Serving")
    scene.until(lambda: selected(scene), lambda component: component == "front")
    address = scene.address()
    scene.until(lambda: since_a_look_s(scene), lambda seconds: 2 <= seconds <= 5)
    with clients(address, 2) as answers:
        held = scene.until(lambda: least(scene), lambda number: number > 1)
        scene.until(lambda: wanted(scene), lambda number: number >= held)
        scene.until(lambda: ready(scene), lambda number: number == 3)
        scene.until(lambda: least(scene), lambda number: number == 1)
        shows_the_load(scene)
        scene.until(lambda: numbers(scene), lambda seen: seen == (3, 3))  # a spike may bring more
        changes = int(scene.get("deployment")["metadata"]["generation"])
        seen = seen_while_replaced(scene, service)
        assert answers.keys() == {"200"}, answers
        assert {(one.wanted, one.asked_for) for one in seen} == {(3, 3)}, seen
        assert max(one.pods for one in seen) == 4, seen  # there was a surge
        changed = scene.get("deployment")["metadata"]["generation"]
        assert changed == changes + 1  # the pods' template
        loads = sorted({one.demand for one in seen})
        assert loads[-1] <= 2.4, loads  # at 80 %, more than that are four replicas
        assert loads[0] > 1, loads  # between two requests a busy machine takes its time
    assert answers.keys() == {"200"}, answers


def shows_the_load(scene: Scene) -> None:
    scene.until(
        lambda: capacity(scene),
        lambda seen: seen.get("requestsPerSecond") and seen.get("utilizationPercent"),
    )
    header, line = scene.kubectl("get", "webservice", "-o", "wide").splitlines()
    assert {"UTILIZATION", "QUEUED", "503/MIN"} < set(header.split())
    cells = line[header.index("UTILIZATION") : header.index("AGE")].split()
    assert cells[0].endswith("%")
    assert (len(cells), "<none>" in cells) == (3, False)


@dataclass(frozen=True)
class Look:
    """At one moment: the Deployment's number, its pods, the autoscaler's own number, and what the
    metrics API tells it."""

    wanted: int
    pods: int
    asked_for: int
    demand: float


def seen_while_replaced(scene: Scene, service: dict[str, Any]) -> list[Look]:
    """Until the pods before are gone, and the autoscaler has looked once more."""
    before = {pod["metadata"]["name"] for pod in scene.pods()}
    scene.service(**service, environmentVariables={"UPDATE": "1"})
    seen, gone_s = list[Look](), list[float]()

    def replaced() -> bool:
        seen.append(look(scene))
        names = {pod["metadata"]["name"] for pod in scene.pods()}
        if not gone_s and len(names) == 3 and not names & before:
            gone_s.append(time.monotonic())
        return bool(gone_s) and time.monotonic() > gone_s[0] + PERIOD_S

    scene.until(replaced, bool)
    return seen


def look(scene: Scene) -> Look:
    found = scene.get("deployment")
    autoscaler = scene.get("horizontalpodautoscaler")["status"]
    return Look(
        int(found["spec"]["replicas"]),
        int(found["status"]["replicas"]),
        int(autoscaler["desiredReplicas"]),
        demand(scene),
    )


def demand(scene: Scene) -> float:
    told = scene.kubectl("get", "--raw", DEMAND.format(scene.namespace))
    return float(amount(json.loads(told)["items"][0]["value"]))


def those_who_scaled(scene: Scene) -> list[str]:
    """Who wrote the Deployment's number."""
    shown = scene.kubectl("get", "deployment", "diabetes", "-o", "json", "--show-managed-fields")
    return [
        entry["manager"]
        for entry in json.loads(shown)["metadata"]["managedFields"]
        if "f:replicas" in entry["fieldsV1"].get("f:spec", {})
    ]


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


def load(address: str, stop: threading.Event, answers: Counter[str]) -> None:
    with httpx.Client(timeout=60) as client:
        while not stop.is_set():
            try:
                answer = client.post(address, json={})
                why = answer.headers.get("x-fairlead-503-reason", "")
                answers[f"{answer.status_code} {why}".strip()] += 1
            except httpx.TransportError as error:
                answers[repr(error)] += 1  # a pod came or went


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
    arguments = (scene.address(), stop, Counter[str]())
    thread = threading.Thread(target=load, args=arguments, daemon=True)
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
    assert "fairlead-operator" not in those_who_scaled(scene)
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
