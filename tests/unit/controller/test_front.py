"""A front over a cluster in memory: made, gone through once it is ready, and taken away."""

from fairlead.api.meta import WEBSERVICE
from fairlead.api.refs import Manifest
from tests.unit import kubelet
from tests.unit.controller.world import World

IMAGE = "registry.example.com/team/credit:1"
OF_THE_FRONT = (
    ("deployments", "credit-fairlead-front"),
    ("poddisruptionbudgets", "credit-fairlead-front"),
    ("services", "credit-fairlead-pod"),
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
        assert (made(world), behind(world)) == ([True] * 3, "scoring")
        front = world.cluster.find("deployments", "demo", "credit-fairlead-front") or {}
        pod = kubelet.pod(kubelet.container(name="front", state=UNPULLED))
        pod["metadata"]["labels"] = front["spec"]["template"]["metadata"]["labels"]
        world.cluster.put(pod)
        await world.until(lambda: front_said(world) == "FrontImagePullFailed")
        world.cluster.put({**front, "status": {"readyReplicas": 1}})
        await world.until(lambda: behind(world) == "front")
        await world.until(lambda: front_said(world) == "FrontReady")
        world.apply(WEBSERVICE, "credit", {"image": IMAGE, "front": {"enabled": False}})
        await world.until(lambda: made(world) == [False] * 3)
        assert behind(world) == "scoring"
        await world.until(lambda: front_said(world) == "")
