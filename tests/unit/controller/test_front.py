"""A front over a cluster in memory: made, gone through once it is ready, and taken away."""

import time
from typing import Any

from fairlead.api.meta import WEBSERVICE
from fairlead.api.objects import read_webservice
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.desired.deployment import deployment
from fairlead.errors import WaitingError
from tests.unit import kubelet
from tests.unit.controller.world import World

IMAGE = "registry.example.com/team/credit:1"
OF_THE_FRONT = (
    ("deployments", "credit-fairlead-front"),
    ("poddisruptionbudgets", "credit-fairlead-front"),
    ("services", "credit-fairlead-pod"),
    ("services", "credit-fairlead-any"),
)
UNPULLED = {"waiting": {"reason": "ErrImagePull", "message": "haproxy: not found"}}


def made(world: World) -> list[bool]:
    return [world.cluster.find(plural, "demo", name) is not None for plural, name in OF_THE_FRONT]


def behind(world: World) -> str:
    service = world.cluster.find("services", "demo", "credit") or {}
    return str(service.get("spec", {}).get("selector", {}).get("app.kubernetes.io/component"))


def front_said(world: World) -> str:
    conditions: list[Manifest] = world.status(WEBSERVICE, "credit").get("conditions", [])
    found = (one["reason"] for one in conditions if one["type"] == "FrontReady")
    return next(found, "")


async def test_a_front_is_made_gone_through_and_taken_away() -> None:
    world = World()
    world.apply(WEBSERVICE, "credit", {"image": IMAGE, "front": {}})
    async with world.running():
        await world.until(lambda: front_said(world) == "FrontStarting")
        assert (made(world), behind(world)) == ([True] * 4, "scoring")
        front = world.cluster.find("deployments", "demo", "credit-fairlead-front") or {}
        pod = kubelet.pod(kubelet.container(name="front", state=UNPULLED))
        pod["metadata"]["labels"] = front["spec"]["template"]["metadata"]["labels"]
        world.cluster.put(pod)
        await world.until(lambda: front_said(world) == "FrontImagePullFailed")
        world.cluster.put({**front, "status": {"readyReplicas": 1}})
        await world.until(lambda: behind(world) == "front")
        await world.until(lambda: front_said(world) == "FrontReady")
        world.apply(WEBSERVICE, "credit", {"image": IMAGE, "front": {"enabled": False}})
        await world.until(lambda: made(world) == [False] * 4)
        assert behind(world) == "scoring"
        await world.until(lambda: front_said(world) == "")


async def test_by_default_there_is_a_front_from_the_first_deployment_on() -> None:
    world = World(front_default=True)
    world.apply(WEBSERVICE, "credit", {"image": IMAGE})
    async with world.running():
        await world.until(lambda: front_said(world) == "FrontStarting")
        assert made(world) == [True] * 4
        world.apply(WEBSERVICE, "credit", {"image": IMAGE, "front": {"enabled": False}})
        await world.until(lambda: made(world) == [False] * 4)


async def test_what_was_deployed_without_a_front_gets_none_from_a_new_default() -> None:
    """As by an upgrade of the operator: nothing of the service changes."""
    world = World(front_default=True)
    body = world.apply(WEBSERVICE, "credit", {"image": IMAGE})
    before = world.cluster.put(deployment(read_webservice(body), IMAGE))["spec"]["template"]
    async with world.running():
        await world.until(lambda: world.status(WEBSERVICE, "credit").get("conditions"))
        await world.until(lambda: world.cluster.find("services", "demo", "credit"))
    assert made(world) == [False] * 4
    live = world.cluster.find("deployments", "demo", "credit") or {}
    assert live["spec"]["template"] == before


FEW = ("services", "demo", "credit-fairlead-few")
NOWHERE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/3 nodes are available: 3 Insufficient cpu.",
}


def put_replica(world: World, **given: Any) -> None:
    replicas = world.cluster.find("deployments", "demo", "credit") or {}
    pod = kubelet.pod(**given)
    pod["metadata"]["labels"] = replicas["spec"]["template"]["metadata"]["labels"]
    world.cluster.put(pod)


def no_node_takes_it(world: World) -> None:
    put_replica(world, conditions=[NOWHERE], spec={"nodeName": ""})


def serving_by_front() -> World:
    world = World()
    world.apply(WEBSERVICE, "credit", {"image": IMAGE, "front": {}, "replicas": 1})
    return world


async def test_the_service_that_says_that_no_node_takes_a_replica_comes_and_goes() -> None:
    world = serving_by_front()
    async with world.running():
        await world.until(lambda: made(world) == [True] * 4)
        await world.settled()
        assert world.cluster.find(*FEW) is None
        no_node_takes_it(world)
        await world.until(lambda: world.cluster.find(*FEW))
        await world.until(lambda: world.reason(WEBSERVICE, "credit") == "PodUnschedulable")
        await world.settled()
        before = world.cluster.requests.total()
        await world.settled()
        assert world.cluster.requests.total() == before
        put_replica(world)
        await world.until(lambda: world.cluster.find(*FEW) is None)


async def test_one_that_is_refused_is_done_without_and_tried_again_later() -> None:
    """As by a quota: the status says what is wrong with the replicas, and no status tells of it."""
    world = serving_by_front()
    tried: list[float] = []

    def admission(applied: Manifest) -> Manifest:
        if applied["metadata"]["name"] == FEW[2] and len(tried) < 2:
            tried.append(time.monotonic())
            raise WaitingError(Reason.FORBIDDEN, "exceeded quota: small")
        return applied

    world.cluster.admission = admission
    async with world.running():
        await world.until(lambda: made(world) == [True] * 4)
        no_node_takes_it(world)
        await world.until(lambda: world.reason(WEBSERVICE, "credit") == "PodUnschedulable")
        await world.until(lambda: world.cluster.find(*FEW))
        assert tried[1] - tried[0] > 1
        assert world.reason(WEBSERVICE, "credit") == "PodUnschedulable"


async def test_somebody_elses_of_that_name_is_seen_before_anything_is_made() -> None:
    world = serving_by_front()
    meta = {"name": FEW[2], "namespace": "demo"}
    world.cluster.put({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {}})
    async with world.running():
        await world.until(lambda: made(world) == [True] * 4)
        no_node_takes_it(world)
        await world.until(lambda: world.reason(WEBSERVICE, "credit") == "PodUnschedulable")
        await world.settled()
        assert (world.cluster.find(*FEW) or {})["spec"] == {}
