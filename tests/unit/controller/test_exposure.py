"""Hosts over a cluster in memory: granted, held, left to whoever has them, taken over, given up."""

import asyncio
from typing import Any

import pytest

from fairlead.api.meta import MANAGED_BY, OWNED_BY_WEBSERVICE, WEBSERVICE
from fairlead.api.reasons import Reason
from fairlead.api.refs import PLURALS, Manifest
from fairlead.errors import StalledError
from tests.unit.controller.world import World

IMAGE = "registry.example.com/team/credit:1"
HOST = "credit.apps.example.com"
GRANTING: dict[str, Any] = {
    "exposure_hosts": "*.apps.example.com",
    "exposure_ingress_classes": "public=nginx",
    "exposure_gateways": "infra/public=https",
}


def asks(world: World, name: str, **expose: Any) -> None:
    spec = {"image": IMAGE, "auth": {"enabled": False}}
    world.apply(WEBSERVICE, name, {**spec, **({"expose": expose} if expose else {})})


def hosts(world: World, name: str, plural: str = "ingresses") -> bool:
    return world.cluster.find(plural, "demo", name) is not None


async def test_a_host_goes_from_one_to_the_next_when_it_is_free() -> None:
    world = World(**GRANTING)
    asks(world, "first", type="Ingress", host=HOST)
    async with world.running():
        await world.until(
            lambda: world.reason(WEBSERVICE, "first", "Exposed") == "WaitingForAddress"
        )
        asks(world, "a-second", type="Ingress", host=HOST)
        await world.until(lambda: world.reason(WEBSERVICE, "a-second", "Exposed") == "HostTaken")
        assert (hosts(world, "first"), hosts(world, "a-second")) == (True, False)
        made = world.cluster.find("ingresses", "demo", "first") or {}
        world.cluster.put({**made, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}})
        await world.until(lambda: world.reason(WEBSERVICE, "first", "Exposed") == "Exposed")
        assert world.status(WEBSERVICE, "first")["scoringUri"] == f"http://{HOST}/score"
        asks(world, "first")
        await world.until(lambda: hosts(world, "a-second") and not hosts(world, "first"))
        await world.until(lambda: "exposure" not in world.status(WEBSERVICE, "first"))
        assert world.reason(WEBSERVICE, "first", "Exposed") == ""


async def test_a_host_is_given_up_though_the_rest_is_refused() -> None:
    world = World(**GRANTING)
    asks(world, "credit", type="Ingress", host=HOST)
    async with world.running():
        await world.until(lambda: "exposure" in world.status(WEBSERVICE, "credit"))
        refused = StalledError(Reason.INVALID_SPEC, "no")
        world.cluster.refusals["apply", "deployments"] = [refused] * 1000
        spec = {"image": IMAGE, "auth": {"enabled": False}, "environmentVariables": {"A": "b"}}
        world.apply(WEBSERVICE, "credit", spec, generation=2)
        await world.until(lambda: not hosts(world, "credit"))


async def test_what_controllers_would_take_for_anothers_is_exposed_when_that_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They would send the requests for one host to the Service behind the other."""
    monkeypatch.setattr("fairlead.decide.webservice.exposure.LET_GO_S", 0.1)
    world = World(**GRANTING)
    expose = {"type": "Ingress", "host": "theirs.apps.example.com"}
    spec = {"image": IMAGE, "auth": {"enabled": False}, "expose": expose}
    world.apply(WEBSERVICE, "risk", spec, namespace="demo-credit")

    def theirs() -> bool:
        found = world.cluster.find("webservices", "demo-credit", "risk") or {}
        return "exposure" in found.get("status", {})

    def exposed() -> str:
        return world.reason(WEBSERVICE, "credit-risk", "Exposed")

    async with world.running():
        await world.until(theirs)
        asks(world, "credit-risk", type="Ingress", host=HOST)
        await world.until(lambda: exposed() == "NamesakeExposed")
        world.cluster.remove("webservices", "demo-credit", "risk")  # with --cascade=orphan
        await world.until(world.cluster.all_read)
        await asyncio.sleep(0.3)  # it is looked at again
        assert exposed() == "NamesakeExposed"
        assert not hosts(world, "credit-risk")
        world.cluster.remove("ingresses", "demo-credit", "risk")
        await world.until(lambda: hosts(world, "credit-risk"))


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Ingress", {"rules": [{"http": {}}, {"host": HOST}]}),
        ("HTTPRoute", {"hostnames": ["x.org", HOST]}),
    ],
)
async def test_a_host_is_free_when_nothing_of_ours_leads_from_it(kind: str, spec: Manifest) -> None:
    """Its Webservice may be gone, be held by a finalizer, or ask for another host by now."""
    world = World(**GRANTING)
    labels = {MANAGED_BY: "fairlead", OWNED_BY_WEBSERVICE: "old"}
    meta = {"name": "old", "namespace": "other", "labels": labels}
    left = {"apiVersion": "networking.k8s.io/v1", "kind": kind, "metadata": meta, "spec": spec}
    world.cluster.put(left)
    asks(world, "credit", type="Ingress", host=HOST)
    asks(world, "another", type="Ingress", host="another.apps.example.com")
    async with world.running():
        await world.until(lambda: world.reason(WEBSERVICE, "credit", "Exposed") == "HostTaken")
        await world.until(lambda: hosts(world, "another"))
        assert not hosts(world, "credit")
        world.cluster.remove(PLURALS[kind], "other", "old")
        await world.until(lambda: hosts(world, "credit"))


async def test_an_object_of_somebody_else_under_the_name_is_found_though_it_has_no_label() -> None:
    world = World(**GRANTING)
    theirs = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": {}}
    world.cluster.put({**theirs, "metadata": {"name": "credit", "namespace": "demo"}})
    asks(world, "credit", type="Ingress", host=HOST)
    async with world.running():
        await world.until(lambda: world.reason(WEBSERVICE, "credit") == "NameTaken")
        found = world.cluster.find("ingresses", "demo", "credit") or {}
        assert found["spec"] == {}


async def test_without_the_definition_of_routes_everything_else_goes_on() -> None:
    world = World(**GRANTING)
    absent = StalledError(Reason.NOT_FOUND, "404")
    world.cluster.refusals["list", "httproutes"] = [absent] * 100
    asks(world, "credit", type="HTTPRoute", host=HOST)
    async with world.running():
        await world.until(
            lambda: world.reason(WEBSERVICE, "credit", "Exposed") == "GatewayApiMissing"
        )
        assert world.cluster.find("services", "demo", "credit") is not None
        assert not hosts(world, "credit", "httproutes")


async def test_what_is_not_granted_is_neither_watched_nor_asked_for() -> None:
    world = World()
    asks(world, "credit", type="Ingress", host=HOST)
    async with world.running():
        await world.until(lambda: world.reason(WEBSERVICE, "credit", "Exposed") == "ExposureOff")
        await world.settled()
    asked = {plural for _, plural in world.cluster.requests}
    assert not asked & {"ingresses", "httproutes"}
