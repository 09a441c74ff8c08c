import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from fairlead.api.reasons import Reason
from fairlead.cluster import Collection
from fairlead.errors import StalledError, WaitingError
from fairlead.informer import missing_rights, reflector
from fairlead.informer.missing_rights import MissingRights
from fairlead.informer.reflector import Reflector
from fairlead.informer.store import Store
from tests.unit.fake_cluster import FakeCluster

FORBIDDEN = StalledError(Reason.FORBIDDEN, "pods is forbidden")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missing_rights, "SETTLE_S", 0.01)
    monkeypatch.setattr(reflector, "REOPEN_DELAY_S", 0.01)
    monkeypatch.setattr(reflector, "backoff_s", lambda _: 0.01)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.005)  # poll


async def test_what_is_missing_in_a_namespace_is_one_line_that_says_what_to_do() -> None:
    rights = MissingRights()
    with capture_logs() as logs:
        assert rights.note("team-b", "list", "pods", FORBIDDEN)
        assert rights.note("team-b", "list", "models", FORBIDDEN)
        await until(lambda: logs)
        rights.refused("team-b", "list", "pods")  # by the next try
        await until(lambda: not rights._due)
    [line] = logs
    assert line["log_level"] == "error"
    assert line["event"] == "no right to list models, list pods in namespace team-b."
    assert "watchNamespaces" in line["remedy"]


async def test_that_all_rights_are_back_is_said_too() -> None:
    rights = MissingRights()
    with capture_logs() as logs:
        rights.refused("team-b", "list", "pods")
        await until(lambda: logs)
        rights.granted("team-b", "list", "pods")
        await until(lambda: len(logs) == 2)
    assert logs[1]["event"] == "the missing rights are there now, in namespace team-b"


async def test_what_is_refused_for_a_moment_is_not_said() -> None:
    rights = MissingRights()
    with capture_logs() as logs:
        rights.refused("team-b", "list", "pods")
        rights.granted("team-b", "list", "pods")
        await until(lambda: not rights._due)
    assert logs == []


async def test_only_a_missing_right_is_one() -> None:
    away = WaitingError(Reason.API_UNAVAILABLE, "503")
    assert not MissingRights().note("team-b", "list", "pods", away)


async def test_nothing_is_decided_about_what_cannot_be_listed() -> None:
    rights = MissingRights()
    rights.refused("team-b", "list", "pods")
    rights.refused("team-c", "watch", "pods")  # a list now and then must do
    with pytest.raises(StalledError, match="no right to list pods in 'team-b'"):
        rights.refuse("team-b")
    rights.refuse("team-a")
    rights.refuse("team-c")
    assert rights.namespaces() == {"team-b"}


async def test_without_any_role_the_chart_value_that_makes_it_is_named() -> None:
    rights = MissingRights()
    with capture_logs() as logs:
        rights.refused("", "list", "pods")
        await until(lambda: logs)
    assert logs[0]["event"] == "no right to list pods in all namespaces."
    assert "rbac.create" in logs[0]["remedy"]


async def test_where_a_watch_is_not_allowed_the_list_is_repeated() -> None:
    cluster, store = FakeCluster(), Store(lambda manifest: manifest["spec"])
    cluster.forbidden.add(("watch", "services", "demo"))
    services = Collection("v1", "services", namespace="demo")
    following = Reflector(cluster, services, store, lambda *_: None, MissingRights())
    with capture_logs() as logs:
        task = asyncio.create_task(following.run())
        await until(lambda: following.looked.is_set())
        meta = {"name": "late", "namespace": "demo"}
        cluster.put({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {}})
        await until(lambda: store.read("demo", "late") is not None)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert {line["event"] for line in logs} <= {"no right to watch services in namespace demo."}
