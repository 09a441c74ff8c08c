"""Autoscalers follow what is known of the metrics API, and are left alone otherwise."""

import pytest

from fairlead.api.meta import WEBSERVICE
from fairlead.api.refs import Manifest
from fairlead.observe import metrics_api
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
