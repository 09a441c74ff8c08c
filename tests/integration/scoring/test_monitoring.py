"""Alerts and dashboard ask for what a runtime, a front and an operator really tell."""

import asyncio
from collections import defaultdict
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fairlead import operator_program as program
from fairlead.api.meta import WEBSERVICE
from fairlead.contract import TaskPhase, TaskState
from fairlead.observe import definitions
from tests.haproxy import FrontProcess
from tests.integration.scoring.conftest import Serve
from tests.integration.scoring.service import CLIENT, Gate, Sent, wait_until
from tests.integration.scoring.test_front import PARAMETERS
from tests.monitoring import expressions, labels_of, metrics_of
from tests.unit.controller.world import World

LEAVING = f"""import os
{Gate.WAIT}
def init():
    pass


def run(data):
    if data == "leave":
        os._exit(0)
    wait_for("{{gate}}")
    return data
"""
OF_PROMETHEUS = {"namespace", "pod", "webservice"}  # labels of what is asked, not of the answer
Labels = dict[str, set[str]]
"""By the name of the metric."""


def told(text: str) -> Labels:
    found = defaultdict[str, set[str]](set)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] |= sample.labels.keys()
    return found


async def operator_tells(monkeypatch: pytest.MonkeyPatch) -> str:
    """With a sample of everything that it counts."""
    monkeypatch.setattr(definitions, "CONFIRM_S", 0.01)
    world = World()
    metrics = world.context.metrics
    world.runner.known = {"one": TaskState("one", 1, TaskPhase.RUNNING)}
    world.cache.rights.refused("demo", "list", "pods")
    program._expose(metrics, world.queue, world.cache, world.runner)
    world.apply(WEBSERVICE, "credit", {"image": "registry.example.com/team/credit:1"})
    comparing = asyncio.create_task(program._compare_definitions(world.cluster, metrics))
    async with world.running():
        await world.until(lambda: world.reason(WEBSERVICE, "credit"))
        await world.until(lambda: b"fairlead_definitions_missing_fields{" in metrics.exposed())
    comparing.cancel()
    await asyncio.gather(comparing, return_exceptions=True)
    return metrics.exposed().decode()


def runtime_tells(serve: Serve, gate: Gate) -> str:
    """After an answer, a slot that had to be started again, and a refusal."""
    script = LEAVING.replace("{gate}", str(gate))
    service = serve(script, FAIRLEAD_MAX_QUEUE_WAIT_MS="0").until_ready()
    service.score("leave")
    wait_until(lambda: "fairlead_slot_restarts_total{" in service.get("/metrics").text, "a restart")
    service.until_ready()
    held = Sent(service, "1")
    wait_until(lambda: gate.reached, "the request to be in its slot")
    assert service.score("1").status_code == 503
    gate.open()
    assert held.answer()[0] == 200
    return service.get("/metrics").text


def front_tells(folder: Path) -> str:
    front = FrontProcess(folder, PARAMETERS, ["127.0.0.1:9"])
    try:
        wait_until(front.healthy, "the front")
        assert CLIENT.post(f"{front.url}/score").status_code == 503
        return front.metrics_text("/metrics?scope=frontend&scope=backend")
    finally:
        front.end()


async def test_every_expression_asks_for_metrics_and_labels_that_there_are(
    serve: Serve, gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = await asyncio.to_thread(runtime_tells, serve, gate)
    front = await asyncio.to_thread(front_tells, tmp_path / "front")
    known = {**told(await operator_tells(monkeypatch)), **told(runtime), **told(front), "up": set()}
    for where, expression in expressions():
        asked = metrics_of(expression)
        assert asked <= known.keys(), where
        labels = set.union(OF_PROMETHEUS, *(known[name] for name in asked))
        assert labels_of(expression) <= labels, where
