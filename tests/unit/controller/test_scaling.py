"""Autoscalers follow what is known of the metrics API, and are left alone otherwise."""

import pytest

from fairlead.api.meta import WEBSERVICE
from fairlead.api.refs import Manifest
from fairlead.capacity import spike
from fairlead.observe import fast_lane, metrics_api
from tests.unit.controller.test_controller import SERVICE
from tests.unit.controller.world import World

OTHERS: Manifest = {
    "apiVersion": "apiregistration.k8s.io/v1",
    "kind": "APIService",
    "metadata": {"name": "v1beta2.custom.metrics.k8s.io"},
    "spec": {"service": {"namespace": "monitoring", "name": "adapter"}},
}


def scales_by(world: World) -> str:
    found = world.cluster.find("horizontalpodautoscalers", "demo", "credit") or {"spec": {}}
    return "".join(metric["type"] for metric in found["spec"].get("metrics", ()))


async def test_where_somebody_takes_the_metrics_api_over_cpu_counts_until_it_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics_api, "PERIOD_S", 0.05)
    world = World(metrics_api="fairlead-system/fairlead-metrics-api")
    async with world.running():
        await world.until(lambda: world.cluster.watched("configmaps"))
        world.apply(WEBSERVICE, "credit", SERVICE)
        await world.until(lambda: scales_by(world) == "Object")
        world.cluster.put(OTHERS)
        await world.until(lambda: scales_by(world) == "Resource")
        world.cluster.remove("apiservices", "", "v1beta2.custom.metrics.k8s.io")
        await world.until(lambda: scales_by(world) == "Object")
        await world.settled()
        before = world.cluster.requests["apply", "horizontalpodautoscalers"]
        looked = world.cluster.requests["get", "apiservices"]
        await world.until(lambda: world.cluster.requests["get", "apiservices"] > looked + 5)
        assert world.cluster.requests["apply", "horizontalpodautoscalers"] == before


async def test_a_spike_is_met_and_let_go_and_then_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The autoscaler is told first, so that it does not undo what the Deployment is told."""
    monkeypatch.setattr(fast_lane, "PERIOD_S", 0.02)
    monkeypatch.setattr(spike, "HOLD_S", 0.5)
    world = World(metrics_api="fairlead-system/fairlead-metrics-api")
    place = ("webservices.fairlead.dev", "demo", "credit/fairlead_demand_concurrency")
    described = {"namespace": "demo", "name": "credit"}
    item: Manifest = {
        "describedObject": described,
        "metric": {"name": "fairlead_demand_concurrency"},
    }
    world.cluster.objects[place] = {"items": [item], "metadata": {"namespace": "demo"}}

    def least() -> int:
        found = world.cluster.find("horizontalpodautoscalers", "demo", "credit") or {"spec": {}}
        return int(found["spec"].get("minReplicas", 0))

    def replicas() -> object:
        found = world.cluster.find("deployments", "demo", "credit") or {"spec": {}}
        return found["spec"].get("replicas")

    async with world.running():
        await world.until(lambda: world.cluster.watched("configmaps"))
        world.apply(WEBSERVICE, "credit", {**SERVICE, "autoscale": {"fastLane": True}})
        await world.until(lambda: least() == 1)
        item["value"] = "3"
        await world.until(lambda: (least(), replicas()) == (5, 5))
        item["value"] = "1"
        await world.until(lambda: least() == 1)
        assert replicas() == 5  # it is the autoscaler that takes them away
        await world.settled()
        before = world.cluster.requests["apply", "horizontalpodautoscalers"]
        deployed = world.cluster.requests["apply", "deployments"]
        looked = world.cluster.requests["get", "webservices.fairlead.dev"]
        await world.until(
            lambda: world.cluster.requests["get", "webservices.fairlead.dev"] > looked + 5
        )
        assert world.cluster.requests["apply", "horizontalpodautoscalers"] == before
        assert world.cluster.requests["apply", "deployments"] == deployed
