"""The fault proxy: each fault, on the wire, before a fake API server."""

import asyncio
import json
import time

import aiohttp
import pytest

from tests.faults.proxy.crash_point import CrashPoint
from tests.faults.proxy.rules import Answer, Fault, Hang, Match, Reset, Rule, Slow, WatchFault
from tests.faults.proxy.server import FaultProxy
from tests.unit.faults.conftest import FakeApi

PODS = "/api/v1/namespaces/a/pods"
EVENTS: list[dict[str, object]] = [
    {"type": "ADDED", "object": {"metadata": {"name": name}}} for name in ("x", "y", "z")
]


async def watched(client: aiohttp.ClientSession) -> list[str]:
    """Names (or codes) of the events until the stream ends; a reset ends it with "reset"."""
    seen = []
    async with client.get(PODS, params={"watch": "true"}) as response:
        try:
            async for line in response.content:
                about = json.loads(line)["object"]
                seen.append(str(about.get("code") or about["metadata"]["name"]))
        except (aiohttp.ClientError, ConnectionError, ValueError):
            seen.append("reset")
    return seen


async def one(proxy: FaultProxy, fault: Fault, **rule: int) -> None:
    await proxy.inject(Rule(Match(), fault, **rule))


async def test_what_has_no_fault_passes_unchanged(
    proxy: FaultProxy, api: FakeApi, client: aiohttp.ClientSession
) -> None:
    head = {"Authorization": "Bearer operator"}
    async with client.patch(
        f"{PODS}/x%2Fy?fieldManager=me&force=true", data=b"{}", headers=head
    ) as response:
        assert response.status == 201
    expected = ("PATCH", f"{PODS}/x%2Fy?fieldManager=me&force=true", b"{}", "Bearer operator")
    assert api.asked == [expected]
    [recorded] = proxy.record.requests()
    assert (recorded.status, recorded.forwarded, recorded.fault) == (201, True, "")
    assert recorded.request.manager == "me"


async def test_an_answer_of_the_proxys_own_never_reaches_the_api(
    proxy: FaultProxy, api: FakeApi, client: aiohttp.ClientSession
) -> None:
    await one(proxy, Answer(429, retry_after_s=7), times=1)
    async with client.get(PODS) as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "7")
        said = await response.json()
    assert (said["kind"], said["code"], said["reason"]) == ("Status", 429, "TooManyRequests")
    assert api.asked == []
    async with client.get(PODS) as response:
        assert response.status == 200
    assert [r.status for r in proxy.record.requests()] == [429, 200]


async def test_a_request_that_hangs_is_never_answered(
    proxy: FaultProxy, api: FakeApi, client: aiohttp.ClientSession
) -> None:
    await one(proxy, Hang(), times=1)
    with pytest.raises(TimeoutError):
        await client.get(PODS, timeout=aiohttp.ClientTimeout(total=0.3))
    assert api.asked == []


@pytest.mark.parametrize("forwarded", [True, False])
async def test_a_reset_comes_before_or_after_the_write(
    proxy: FaultProxy, api: FakeApi, client: aiohttp.ClientSession, *, forwarded: bool
) -> None:
    await one(proxy, Reset(forwarded=forwarded), times=1)
    with pytest.raises(aiohttp.ClientError):
        await client.patch(f"{PODS}/x", data=b"{}")
    assert len(api.asked) == forwarded
    assert len(proxy.record.writes()) == forwarded


async def test_a_slow_request_is_answered_later(
    proxy: FaultProxy, client: aiohttp.ClientSession
) -> None:
    await one(proxy, Slow(0.3))
    started = time.monotonic()
    async with client.get(PODS) as response:
        assert response.status == 200
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (WatchFault(), ["x", "y", "z"]),
        (WatchFault(cut_after=1), ["x", "reset"]),
        (WatchFault(gone_after=2), ["x", "y", "410"]),
        (WatchFault(gone_after=0), ["410"]),
        (WatchFault(copies=2), ["x", "x", "y", "y", "z", "z"]),
        (WatchFault(lost=lambda event: event["object"]["metadata"]["name"] == "y"), ["x", "z"]),
    ],
)
async def test_faults_in_the_stream_of_a_watch(
    proxy: FaultProxy,
    api: FakeApi,
    client: aiohttp.ClientSession,
    fault: WatchFault,
    expected: list[str],
) -> None:
    api.events = EVENTS
    api.ended.set()
    await one(proxy, fault)
    assert await watched(client) == expected
    assert await watched(client) == ["x", "y", "z"]


async def test_events_are_held_back(
    proxy: FaultProxy, api: FakeApi, client: aiohttp.ClientSession
) -> None:
    api.events = EVENTS
    api.ended.set()
    await one(proxy, WatchFault(delay_s=0.1))
    started = time.monotonic()
    assert await watched(client) == ["x", "y", "z"]
    assert time.monotonic() - started >= 0.3


async def test_a_silent_watch_stays_open(
    proxy: FaultProxy, api: FakeApi, client: aiohttp.ClientSession
) -> None:
    api.events = EVENTS
    api.ended.set()
    await one(proxy, WatchFault(silent_after=1))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await watched(client)


async def test_a_watch_that_is_open_can_be_broken(
    proxy: FaultProxy, api: FakeApi, client: aiohttp.ClientSession
) -> None:
    api.events = EVENTS
    watch = asyncio.create_task(watched(client))
    while await proxy.change_watches(Match(), WatchFault(gone_after=0)) == 0:
        await asyncio.sleep(0.01)  # poll
    assert (await watch)[-1] == "410"
    assert await proxy.change_watches(Match(), WatchFault(gone_after=0)) == 0


async def test_an_api_server_that_restarts_again_and_again(
    proxy: FaultProxy, client: aiohttp.ClientSession
) -> None:
    await proxy.keep_restarting(0.05, 0.05)
    while proxy.restarts < 2:
        await asyncio.sleep(0.01)  # poll
    await proxy.stop()
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.get(PODS)


async def test_lists_see_one_namespace_only(
    api: FakeApi, proxy: FaultProxy, client: aiohttp.ClientSession
) -> None:
    proxy._namespace = "mine"
    async with client.get("/api/v1/pods", params={"labelSelector": "a=b"}) as response:
        assert response.status == 200
    assert api.asked[0][1] == "/api/v1/namespaces/mine/pods?labelSelector=a%3Db"


async def test_after_a_restart_the_same_address_answers_again(
    proxy: FaultProxy, client: aiohttp.ClientSession
) -> None:
    url = proxy.url
    await proxy.close()
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.get(PODS)
    await proxy.listen()
    assert proxy.url == url
    async with client.get(PODS) as response:
        assert response.status == 200


@pytest.mark.parametrize("withheld", [True, False])
async def test_nothing_reaches_the_api_after_a_crash_point(
    proxy: FaultProxy, api: FakeApi, client: aiohttp.ClientSession, *, withheld: bool
) -> None:
    point = CrashPoint(lambda written: written.subject.endswith("/y"), withheld)
    await proxy.arm(point)
    async with client.patch(f"{PODS}/x", data=b"{}") as response:
        assert response.status == 201
    answered = asyncio.create_task(client.patch(f"{PODS}/y", data=b"{}"))
    while not point.reached.is_set():
        await asyncio.sleep(0.01)  # poll
    held = [asyncio.create_task(client.request(how, f"{PODS}/z")) for how in ("PATCH", "GET")]
    while [one.fault for one in proxy.record.requests()].count("after the crash point") < len(held):
        await asyncio.sleep(0.01)  # poll
    assert not any(one.done() for one in held)
    for one in held:
        one.cancel()
    assert answered.done() is not withheld
    answered.cancel()
    await proxy.thaw()
    async with client.patch(f"{PODS}/w", data=b"{}") as response:
        assert response.status == 201
    assert [path.rpartition("/")[2] for _, path, _, _ in api.asked] == ["x", "y", "w"]
    assert [written.request.name for written in proxy.record.writes()] == ["x", "y", "w"]
    assert len(proxy.record.requests()) == 5


async def test_the_crash_point_waits_for_writes_under_way(
    proxy: FaultProxy, api: FakeApi, client: aiohttp.ClientSession
) -> None:
    """What has been forwarded already is done by the API server before the operator is killed."""
    point = CrashPoint(lambda written: written.request.name == "second")
    await proxy.arm(point)
    api.may_answer.clear()
    first = asyncio.create_task(client.patch(f"{PODS}/first", data=b"{}"))
    while len(api.asked) < 1:
        await asyncio.sleep(0.01)  # poll
    first_only, api.may_answer = api.may_answer, asyncio.Event()
    api.may_answer.set()
    second = asyncio.create_task(client.patch(f"{PODS}/second", data=b"{}"))
    await second
    assert not point.reached.is_set()
    first_only.set()
    await first
    while not point.reached.is_set():
        await asyncio.sleep(0.01)  # poll


async def test_writes_are_numbered_where_they_repeat(
    proxy: FaultProxy, client: aiohttp.ClientSession
) -> None:
    for _ in range(2):
        async with client.patch(f"{PODS}/x", data=b"{}"):
            pass
    assert proxy.record.subjects() == ["patch pods/x", "patch pods/x #2"]
    assert proxy.record.subjects(since=1) == ["patch pods/x"]


async def test_a_crash_point_that_is_not_met_is_forgotten(
    proxy: FaultProxy, client: aiohttp.ClientSession
) -> None:
    point = CrashPoint(lambda written: written.request.name == "x")
    await proxy.arm(point)
    assert not await proxy.disarm()
    async with client.patch(f"{PODS}/x", data=b"{}") as answer:
        assert answer.ok
    assert not point.reached.is_set()
