import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.cluster import Collection
from fairlead.errors import ExpiredError, StalledError, WaitingError
from fairlead.informer import reflector
from fairlead.informer.missing_rights import MissingRights
from fairlead.informer.reflector import Reflector
from fairlead.informer.store import Store
from tests.unit.fake_cluster import FakeCluster

PODS = Collection("v1", "pods", "app=us")


def service(name: str, **spec: object) -> Manifest:
    meta = {"name": name, "namespace": "demo", "labels": {"app": "us"}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflector, "REOPEN_DELAY_S", 0.01)
    monkeypatch.setattr(reflector, "backoff_s", lambda _: 0.01)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.005)  # poll


class Watching:
    def __init__(self) -> None:
        self.cluster = FakeCluster()
        self.store = Store(lambda manifest: manifest["spec"])
        self.news: list[tuple[str, bool]] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        following = Reflector(
            self.cluster,
            Collection("v1", "services", "app=us"),
            self.store,
            lambda name, _, gone: self.news.append((name[1], gone)),
            MissingRights(),
        )
        task = asyncio.create_task(following.run())
        await until(lambda: self.cluster.watched("services"))
        assert following.looked.is_set()
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_was_there_and_what_happens_is_reported() -> None:
    watching = Watching()
    watching.cluster.put(service("old"))
    async with watching.running():
        watching.cluster.put(service("new"))
        watching.cluster.put(service("old", changed=True))
        watching.cluster.remove("services", "demo", "new")
        await until(lambda: len(watching.news) == 4)
    assert watching.news == [("old", False), ("new", False), ("old", False), ("new", True)]


async def test_what_was_deleted_while_the_watch_was_gone_is_found_by_the_list_after_410() -> None:
    watching = Watching()
    watching.cluster.put(service("ghost"))
    async with watching.running():
        watching.cluster.remove("services", "demo", "ghost", silently=True)
        watching.cluster.interrupt("services", ExpiredError(Reason.API_UNAVAILABLE, "410"))
        await until(lambda: ("ghost", True) in watching.news)
    assert watching.store.read("demo", "ghost") is None


async def test_a_watch_that_breaks_off_is_opened_again_without_another_list() -> None:
    watching = Watching()
    async with watching.running():
        watching.cluster.interrupt("services", WaitingError(Reason.API_UNREACHABLE, "reset"))
        await until(lambda: watching.cluster.requests["watch", "services"] == 2)
        watching.cluster.put(service("later"))
        await until(lambda: watching.news)
    assert watching.cluster.requests["list", "services"] == 1


async def test_a_list_that_fails_is_tried_again() -> None:
    watching = Watching()
    refused = WaitingError(Reason.API_UNAVAILABLE, "503")
    watching.cluster.refusals["list", "services"] = [refused, refused]
    async with watching.running():
        assert watching.cluster.requests["list", "services"] == 3


async def test_a_kind_that_the_cluster_does_not_know_holds_nothing_up_and_is_found_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reflector, "ABSENT_DELAY_S", 0.01)
    watching, absent = Watching(), StalledError(Reason.NOT_FOUND, "404")
    watching.cluster.put(service("old"))
    following = Reflector(
        watching.cluster,
        Collection("v1", "services", "app=us"),
        watching.store,
        lambda name, _, gone: watching.news.append((name[1], gone)),
        MissingRights(),
        optional=True,
    )
    refusals = watching.cluster.refusals
    refusals["list", "services"] = [absent] * (reflector.ABSENT_ANSWERS - 1)
    task = asyncio.create_task(following.run())
    await until(lambda: watching.cluster.watched("services"))
    assert not following.unknown
    refusals["list", "services"] = [absent] * 1000
    watching.cluster.interrupt("services", absent)
    await until(lambda: following.unknown)
    assert watching.news == [("old", False), ("old", True)]
    refusals["list", "services"].clear()
    await until(lambda: ("old", False) in watching.news[2:])
    assert not following.unknown
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
