import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from fairlead.api.reasons import Reason
from fairlead.errors import WaitingError
from fairlead.observe import definitions
from fairlead.observe.definitions import Definitions
from tests.unit.api.test_published import published, without
from tests.unit.fake_cluster import FakeCluster

OLDER = without("properties", "spec", "properties", "scoringTimeoutMilliseconds")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definitions, "CONFIRM_S", 0.01)
    monkeypatch.setattr(definitions, "PERIOD_S", 0.01)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.005)  # poll


@asynccontextmanager
async def comparing(cluster: FakeCluster) -> AsyncIterator[tuple[Definitions, list[Any]]]:
    found = Definitions(cluster)
    with capture_logs() as logs:
        task = asyncio.create_task(found.run())
        yield found, logs
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def looks(cluster: FakeCluster) -> int:
    return cluster.requests["get", "schemas"]


async def test_older_definitions_are_one_line_that_names_what_and_the_command() -> None:
    cluster = FakeCluster()
    cluster.schemas = OLDER
    async with comparing(cluster) as (found, logs):
        await until(lambda: looks(cluster) >= 5)
        assert found.counts() == {("webservices.fairlead.dev",): 1}
    [line] = logs
    assert line["event"] == (
        "CustomResourceDefinitions are older than this operator: "
        "webservices.fairlead.dev lacks spec.scoringTimeoutMilliseconds."
    )
    assert "`kubectl apply --server-side -f crds/`" in line["remedy"]
    assert "crds.enabled" in line["remedy"]


async def test_that_they_were_mended_is_said_too() -> None:
    cluster = FakeCluster()
    cluster.schemas = OLDER
    async with comparing(cluster) as (found, logs):
        await until(lambda: len(logs) == 1)
        cluster.schemas = published()
        await until(lambda: len(logs) == 2)
        assert found.counts() == {}
    assert "as this operator expects them now" in logs[1]["event"]


async def test_definitions_of_this_version_are_not_worth_a_word() -> None:
    cluster = FakeCluster()
    cluster.schemas = published()
    async with comparing(cluster) as (_, logs):
        await until(lambda: looks(cluster) >= 5)
    assert logs == []


async def test_what_is_published_a_moment_late_is_not_said() -> None:
    cluster = FakeCluster()

    async def schemas(_: str) -> Any:
        cluster.requests["get", "schemas"] += 1
        return OLDER if looks(cluster) == 1 else published()

    cluster.published_schemas = schemas  # type: ignore[assignment, method-assign]
    async with comparing(cluster) as (_, logs):
        await until(lambda: looks(cluster) >= 5)
    assert logs == []


async def test_definitions_that_are_not_there_are_named() -> None:
    async with comparing(FakeCluster()) as (_, logs):
        await until(lambda: logs)
    assert "models.fairlead.dev, inferenceimages.fairlead.dev" in logs[0]["event"]
    assert "not installed" in logs[0]["event"]


async def test_an_api_server_that_is_away_ends_nothing() -> None:
    cluster = FakeCluster()
    cluster.schemas = OLDER
    away = WaitingError(Reason.API_UNAVAILABLE, "503")
    cluster.refusals["get", "schemas"] = [away, away]
    async with comparing(cluster) as (_, logs):
        await until(lambda: len(logs) == 3)
    assert [line["log_level"] for line in logs] == ["warning", "warning", "error"]
