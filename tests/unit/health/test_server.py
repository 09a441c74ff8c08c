import socket

import httpx
import pytest

from fairlead.health.server import Health, serving_health
from fairlead.operator_metrics import Metrics
from tests.cluster.ports import free_port


async def test_the_probes_say_what_is_wrong_and_the_metrics_are_prometheus() -> None:
    address, health, metrics = f"127.0.0.1:{free_port()}", Health(), Metrics()
    problems = {"alive": "", "ready": ""}
    health.alive.append(lambda: problems["alive"])
    health.ready.append(lambda: problems["ready"])
    metrics.reconciled("Model", "done", 0.02)
    metrics.transition("InferenceImage", "Built")
    metrics.gauge("fairlead_objects", "Objects.", ("kind", "ready"), lambda: {("Model", "True"): 3})

    async with (
        serving_health(address, health, metrics),
        httpx.AsyncClient(base_url=f"http://{address}") as client,
    ):

        async def said(path: str) -> tuple[int, str]:
            answer = await client.get(path)
            return answer.status_code, answer.text

        assert await said("/healthz") == await said("/readyz") == (200, "ok\n")
        problems["ready"] = "Not everything has been listed yet."
        assert await said("/healthz") == (200, "ok\n")
        assert await said("/readyz") == (503, "Not everything has been listed yet.\n")
        problems["alive"] = "Nothing is heard."
        assert await said("/healthz") == (503, "Nothing is heard.\n")
        _, text = await said("/metrics")
    assert 'fairlead_transitions_total{kind="InferenceImage",reason="Built"} 1.0' in text
    assert 'fairlead_objects{kind="Model",ready="True"} 3.0' in text
    assert 'fairlead_reconcile_seconds_count{kind="Model",outcome="done"} 1.0' in text


async def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(OSError, match="FAIRLEAD_HEALTH_ADDRESS"):
            async with serving_health(address, Health(), Metrics()):
                pass


async def test_without_an_address_nothing_is_served() -> None:
    async with serving_health("", Health(), Metrics()):
        pass
