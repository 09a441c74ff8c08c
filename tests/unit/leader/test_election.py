"""Elections over a cluster in memory."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fairlead.api.reasons import Reason
from fairlead.errors import WaitingError
from fairlead.leader import election as electing
from fairlead.leader.election import Election, leading
from fairlead.leader.lease import DURATION_S, lease_ref
from tests.unit.fake_cluster import FakeCluster

REF = lease_ref("fairlead-system", "fairlead-operator")


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(electing, "RETRY_PERIOD_S", 0.01)


def candidate(cluster: FakeCluster, name: str, clock: Clock) -> Election:
    return Election(cluster, REF, name, clock)


def holder(cluster: FakeCluster) -> Any:
    found = cluster.find("leases", REF.namespace, REF.name)
    return found and found["spec"]["holderIdentity"]


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.002)  # poll


async def test_of_two_one_leads_and_the_other_takes_over_when_the_lease_is_given_back() -> None:
    cluster, clock = FakeCluster(), Clock()
    first, second = candidate(cluster, "a", clock), candidate(cluster, "b", clock)
    async with leading(first):
        waiting = asyncio.create_task(second.acquire())
        await until(lambda: second.holder == "a")
        assert not waiting.done()
    await asyncio.wait_for(waiting, 60)
    assert holder(cluster) == "b"


async def test_a_holder_that_is_killed_is_followed_when_its_lease_has_run_out() -> None:
    cluster, clock = FakeCluster(), Clock()
    await candidate(cluster, "a", clock).acquire()
    second = candidate(cluster, "b", clock)
    waiting = asyncio.create_task(second.acquire())
    await until(lambda: second.holder == "a")
    clock.now_s += DURATION_S - 1
    looked = cluster.requests["get", "leases"]
    await until(lambda: cluster.requests["get", "leases"] > looked + 2)
    assert not waiting.done()
    clock.now_s += 2
    await asyncio.wait_for(waiting, 60)
    assert holder(cluster) == "b"


async def test_a_holder_that_is_no_holder_any_more_is_told_so() -> None:
    cluster, clock = FakeCluster(), Clock()
    async with leading(candidate(cluster, "a", clock)) as lost:
        live = cluster.find("leases", REF.namespace, REF.name)
        assert live is not None
        cluster.put({**live, "spec": {**live["spec"], "holderIdentity": "b"}})
        await asyncio.wait_for(asyncio.shield(lost), 5)
    assert holder(cluster) == "b"  # what is another's is not given back


async def test_a_holder_that_cannot_renew_stops_before_another_may_take_it() -> None:
    cluster, clock = FakeCluster(), Clock()
    async with leading(candidate(cluster, "a", clock)) as lost:
        away = WaitingError(Reason.API_UNREACHABLE, "nobody answers")
        cluster.refusals["get", "leases"] = [away] * 10_000
        asked = cluster.requests["get", "leases"]
        await until(lambda: cluster.requests["get", "leases"] > asked + 2)
        assert not lost.done()
        clock.now_s += electing.RENEW_DEADLINE_S
        await asyncio.wait_for(asyncio.shield(lost), 5)
        cluster.refusals.clear()
    assert electing.RENEW_DEADLINE_S < DURATION_S


async def test_a_lease_that_somebody_deletes_is_made_again() -> None:
    cluster, clock = FakeCluster(), Clock()
    async with leading(candidate(cluster, "a", clock)) as lost:
        cluster.remove("leases", REF.namespace, REF.name)
        await until(lambda: holder(cluster) == "a")
        assert not lost.done()
