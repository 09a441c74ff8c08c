"""Whose metrics API is it, and what do autoscalers know?"""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from fairlead.api.reasons import Reason
from fairlead.errors import WaitingError
from fairlead.evidence import ScalingSettings
from fairlead.observe import metrics_api as module
from fairlead.observe.metrics_api import MetricsApi
from tests.unit.fake_cluster import FakeCluster

OURS = "fairlead-system/fairlead-metrics-api"


def registered(service: dict[str, str] | None) -> dict[str, Any]:
    meta = {"name": "v1beta2.custom.metrics.k8s.io"}
    head = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": meta}
    return {**head, "spec": {"service": service}}


async def seen(cluster: FakeCluster) -> ScalingSettings:
    api = MetricsApi(cluster, OURS)
    await api.look()
    return api.settings


@pytest.mark.parametrize(
    ("service", "taken_by"),
    [
        ({"namespace": "fairlead-system", "name": "fairlead-metrics-api"}, ""),
        ({"namespace": "monitoring", "name": "adapter"}, "Service monitoring/adapter"),
        (None, "Service /"),
    ],
)
async def test_whose_it_is(service: dict[str, str] | None, taken_by: str) -> None:
    cluster = FakeCluster()
    cluster.put(registered(service))
    assert (await seen(cluster)).taken_by == taken_by


@pytest.mark.parametrize(("version", "tolerance"), [((1, 34), False), ((1, 35), True)])
async def test_what_autoscalers_know_depends_on_the_version(
    version: tuple[int, int],
    tolerance: bool,  # noqa: FBT001
) -> None:
    cluster = FakeCluster()
    cluster.version = version
    assert await seen(cluster) == ScalingSettings(installed=True, tolerance=tolerance)


async def test_what_cannot_be_read_is_as_it_was_and_a_change_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PERIOD_S", 0.01)
    cluster, changed = FakeCluster(), asyncio.Event()
    cluster.put(registered({"namespace": "monitoring", "name": "adapter"}))
    api = MetricsApi(cluster, OURS)
    await api.look()
    before = api.settings
    cluster.refusals["get", "apiservices"] = [WaitingError(Reason.API_UNAVAILABLE, "no")]
    await api.look()
    assert api.settings == before

    def tell(names: Iterable[tuple[str, str]]) -> None:
        if list(names) == [("demo", "iris")]:
            changed.set()

    task = asyncio.create_task(api.run(lambda: [("demo", "iris")], tell))
    cluster.remove("apiservices", "", "v1beta2.custom.metrics.k8s.io")
    async with asyncio.timeout(120):
        await changed.wait()
    assert api.settings.taken_by == ""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
