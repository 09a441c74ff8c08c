"""A front on real pods: found by DNS, before replicas that come and go, and gone again."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from fairlead.api.refs import Manifest
from tests.e2e.scene import Scene, condition, score
from tests.e2e.test_services import NODE_PORT, echo

FRONTS = "app.kubernetes.io/component=front"
FEW = "diabetes-fairlead-few"
PAUSE_S = 0.05  # between two requests of one client: the nodes are small


@dataclass
class Load:
    """Clients that ask until they are told to stop, each time on a new connection."""

    addresses: Sequence[str]
    headers: Mapping[str, str] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    answers: list[str] = field(default_factory=list)
    """``200 "text"`` or what went wrong, for each request."""

    def run(self, address: str) -> None:
        while not self.stop.is_set():
            self.answers.append(asked(address, **self.headers))
            time.sleep(PAUSE_S)

    def failures(self) -> list[str]:
        return [answer for answer in self.answers if not answer.startswith("200 ")]


def asked(address: str, **headers: str) -> str:
    try:
        response = score(address, {}, **headers)
    except httpx.TransportError as error:
        return repr(error)
    reason = response.headers.get("x-fairlead-503-reason", "")
    return f"{response.status_code} {reason}{response.text}"


@contextmanager
def load(*addresses: str, **headers: str) -> Iterator[Load]:
    under = Load(addresses, headers)
    threads = [threading.Thread(target=under.run, args=(one,)) for one in addresses]
    for thread in threads:
        thread.start()
    try:
        yield under
    finally:
        under.stop.set()
        for thread in threads:
            thread.join()


def test_no_request_is_lost_while_replicas_and_the_front_come_and_go(
    scene: Scene, front: str
) -> None:
    concurrency = {"maxConcurrentRequests": 1, "maxQueueWaitMilliseconds": 20_000}
    scene.image(echo("old"))
    scene.service(front={}, concurrency=concurrency, **NODE_PORT)
    scene.until(lambda: selected(scene), lambda component: component == "front")
    scene.reason("webservice", "Serving")
    address = scene.address()
    v1 = address.replace("/score", "/api/v1/service/diabetes/score")
    scene.until(lambda: asked(v1), lambda answer: answer == '200 "old"')
    status = scene.get("webservice")["status"]
    told = [condition(status, kind)["reason"] for kind in ("FrontReady", "Settled")]
    assert told == ["FrontReady", None]  # nobody changes what is set of it
    assert [pod["spec"]["containers"][0]["image"] for pod in fronts(scene)] == [front]
    with load(address, v1) as under:
        scene.image(echo("new"))
        scene.until(lambda: under.answers[-1], lambda answer: answer == '200 "new"')
        scene.until(scene.pods, lambda pods: len(pods) == 1)  # the one before has ended
        assert under.failures() == []
    with load(address, address) as under:
        scene.service(front={"enabled": False}, concurrency=concurrency, **NODE_PORT)
        scene.until(lambda: fronts(scene), lambda pods: pods == [])
        assert under.failures() == []
    assert len(under.answers) > 0
    assert selected(scene) == "scoring"
    names = {child["metadata"]["name"] for child in scene.items("deployment,service,pdb")}
    assert names == {"diabetes"}


def test_that_no_node_takes_a_replica_is_told_until_one_does(scene: Scene, front: str) -> None:
    """In the header of every 503, by a Service that is there for just as long."""
    assert front
    service: dict[str, Any] = {"expose": {"type": "NodePort"}, "front": {}}
    scene.image(echo("here"))
    scene.service(resources={"cpu": "900", "memory": "64Mi"}, **service)
    scene.reason("webservice", "PodUnschedulable")
    scene.until(lambda: selected(scene), lambda component: component == "front")
    address = scene.address()
    answer = scene.until(lambda: asked(address), lambda answer: "unschedulable" in answer)
    assert answer.startswith("503 unschedulable{")
    assert "no node takes one. The status of Webservice diabetes says why" in answer
    assert FEW in services(scene)
    scene.service(**service)
    scene.until(lambda: asked(address), lambda answer: answer == '200 "here"')
    scene.until(lambda: services(scene), lambda names: FEW not in names)


def services(scene: Scene) -> set[str]:
    return {one["metadata"]["name"] for one in scene.items("service")}


def fronts(scene: Scene) -> list[Manifest]:
    return scene.items("pods", labels=FRONTS)


def selected(scene: Scene) -> str:
    """Whom the public Service leads to; empty before it is there."""
    services = scene.items("service")
    found = [one["spec"]["selector"] for one in services if one["metadata"]["name"] == "diabetes"]
    return str(found[0]["app.kubernetes.io/component"]) if found else ""
