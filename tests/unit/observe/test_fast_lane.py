"""Whom it asks, what it holds, and when it lets go."""

import time
from dataclasses import replace
from typing import Any

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest, Ref
from fairlead.capacity import spike
from fairlead.errors import WaitingError
from fairlead.evidence import ChildEvidence, ScalingSettings
from fairlead.observe.fast_lane import MAX_BY_NAME, FastLane
from fairlead.observe.measures import MAX_FAILURES
from tests.unit.fake_cluster import FakeCluster
from tests.unit.live import child
from tests.unit.objects import webservice

NAME = ("demo", "diabetes")
OURS = ScalingSettings(installed=True)
PATH = (
    "/apis/custom.metrics.k8s.io/v1beta2/namespaces/demo/webservices.fairlead.dev/diabetes/"
    "fairlead_demand_concurrency"
)


class Demands(FakeCluster):
    def __init__(self) -> None:
        super().__init__()
        self.demand = "0"
        self.asked: list[str] = []

    async def get(self, ref: Ref) -> Manifest | None:
        self.asked.append(ref.path)
        self._count("get", ref.plural)
        described = {"kind": "Webservice", "namespace": NAME[0], "name": NAME[1]}
        metric = {"name": "fairlead_demand_concurrency"}
        item = {"describedObject": described, "metric": metric, "value": self.demand}
        return {"items": [item]}


def deployment(replicas: int) -> ChildEvidence:
    return child({"kind": "Deployment", "metadata": {}, "spec": {"replicas": replicas}})


def noted(lane: FastLane, replicas: int = 1, **autoscale: Any) -> None:
    wanted = webservice(autoscale={"fastLane": True, **autoscale})
    lane.note(wanted, deployment(replicas), OURS)


async def test_a_spike_is_held_and_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Demands()
    lane = FastLane(cluster)
    noted(lane)
    assert await lane.look([NAME]) == set()
    assert (cluster.asked, lane.floor(NAME)) == ([PATH], 0)
    cluster.demand = "3500m"
    assert await lane.look([NAME]) == {NAME}
    assert lane.floor(NAME) == 5
    noted(lane, 5)
    assert await lane.look([NAME]) == set()
    cluster.refusals["get", "webservices.fairlead.dev"] = [
        WaitingError(Reason.API_UNAVAILABLE, "no")
    ]
    assert await lane.look([NAME]) == set()
    assert lane.floor(NAME) == 5
    monkeypatch.setattr(time, "monotonic", lambda: 1e12)
    cluster.demand = "0"
    assert await lane.look([NAME]) == {NAME}
    assert lane.floor(NAME) == 0


@pytest.mark.parametrize(
    ("autoscale", "settings", "there"),
    [
        ({"fastLane": False}, OURS, True),
        ({"enabled": False}, OURS, True),
        ({}, ScalingSettings(), True),
        ({}, ScalingSettings(installed=True, taken_by="Service a/b"), True),
        ({}, OURS, False),
    ],
)
async def test_who_does_not_ask_for_it_is_not_asked_about(
    autoscale: dict[str, Any], settings: ScalingSettings, *, there: bool
) -> None:
    cluster = Demands()
    cluster.demand = "9"
    lane = FastLane(cluster)
    noted(lane)
    await lane.look([NAME])
    assert lane.floor(NAME) == 10
    cluster.asked.clear()
    replicas: dict[str, Any] = {} if autoscale.get("enabled", True) else {"replicas": 2}
    wanted = webservice(autoscale={"fastLane": True, **autoscale}, **replicas)
    lane.note(wanted, deployment(1) if there else None, settings)
    assert lane.floor(NAME) == 0
    assert await lane.look([NAME]) == set()
    assert cluster.asked == []


async def test_what_is_gone_is_forgotten() -> None:
    cluster = Demands()
    cluster.demand = "9"
    lane = FastLane(cluster)
    noted(lane)
    await lane.look([NAME])
    assert await lane.look([]) == {NAME}
    assert lane.floor(NAME) == 0


async def test_of_many_in_a_namespace_all_are_asked_for_at_once() -> None:
    cluster = Demands()
    lane = FastLane(cluster)
    names = [("demo", f"s{number}") for number in range(MAX_BY_NAME + 1)]
    for _, name in names:
        lane.note(replace(webservice(autoscale={"fastLane": True}), name=name), deployment(1), OURS)
    assert await lane.look(names) == set()
    assert cluster.asked == [PATH.replace("/diabetes/", "/*/")]


async def test_where_nobody_answers_not_everybody_is_asked_about() -> None:
    cluster = Demands()
    lane = FastLane(cluster)
    names = [(f"team{number}", "diabetes") for number in range(9)]
    for namespace, _ in names:
        one = replace(webservice(autoscale={"fastLane": True}), namespace=namespace)
        lane.note(one, deployment(1), OURS)
    refusal = WaitingError(Reason.API_UNAVAILABLE, "no")
    cluster.refusals["get", "webservices.fairlead.dev"] = [refusal] * len(names)
    assert await lane.look(names) == set()
    assert len(cluster.asked) == MAX_FAILURES


def test_the_hold_is_longer_than_the_autoscaler_takes_to_look() -> None:
    assert spike.HOLD_S >= 4 * 15
