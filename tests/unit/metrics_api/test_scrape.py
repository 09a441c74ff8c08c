"""A pod may be anything: it is given two seconds, 128 KiB, and little computing time."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from fairlead.metrics_api import scrape
from fairlead.metrics_api.http_answer import body_of
from fairlead.metrics_api.scrape import MAX_BYTES, NAMESPACE_AT_ONCE, Scraper
from fairlead.metrics_api.targets import Target

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HOST = "127.0.0.1"
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PLAIN = OK + b"Content-Length: 17\r\n\r\nfairlead_slots 1\n"
TEXT = "fairlead_slots 1\n"
DEADLINE_S = 120.0


@dataclass
class Pod:
    """``asked`` is what came; ``answer`` what is sent, for ever where ``again``."""

    answer: bytes = PLAIN
    again: bytes = b""
    hangs: bool = False
    asked: bytes = b""
    connections: int = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            self.asked = await reader.readuntil(b"\r\n\r\n")
            writer.write(self.answer)
            while self.again:
                writer.write(self.again)
                await writer.drain()
                await asyncio.sleep(0)
            if self.hangs:
                await reader.read()
        except ConnectionError:
            pass  # it had enough
        finally:
            writer.close()


@asynccontextmanager
async def listening(talk: Talk) -> AsyncIterator[Target]:
    server = await asyncio.start_server(talk, HOST, 0)
    yield Target("uid", HOST, server.sockets[0].getsockname()[1], "/metrics")
    server.close()


async def said(pod: Pod) -> str | None:
    async with listening(pod.talk) as target:
        return await Scraper().ask("demo", target, lambda text: text)


async def test_a_pod_is_asked_without_credentials_and_its_answer_is_read() -> None:
    pod = Pod()
    assert await said(pod) == TEXT
    [request, *headers] = pod.asked.decode().strip().split("\r\n")
    assert request == "GET /metrics HTTP/1.1"
    names = [line.partition(":")[0] for line in headers]
    assert names == ["Host", "Accept-Encoding", "Connection"]


@pytest.mark.parametrize(
    "pod",
    [
        Pod(OK + b"\r\n", again=b"x" * 65_536),
        Pod(CHUNKED, again=b"1\r\nx\r\n" * 10_000),
        Pod(b"", again=b"HTTP/1.1 103 Early Hints\r\n\r\n" * 5000),
        Pod(b"", again=b"HTTP/1.1 100 Continue\r\n\r\n" * 5000),
        Pod(OK, again=b"a: b\r\n" * 5000),
        Pod(OK + b"\r\n", again=b"f"),
        Pod(b"", hangs=True),
        Pod(PLAIN, hangs=True),
    ],
    ids=["body", "chunks", "hints", "continue", "header", "drops", "silence", "stays"],
)
async def test_what_does_not_end_is_none_and_holds_up_nobody(
    pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrape, "TIMEOUT_S", 1.0)
    scraper = Scraper()
    other = Pod()
    async with listening(pod.talk) as hostile, listening(other.talk) as ours:
        theirs = [
            asyncio.create_task(scraper.ask("theirs", hostile, lambda text: text))
            for _ in range(NAMESPACE_AT_ONCE)
        ]
        async with asyncio.timeout(DEADLINE_S):
            while pod.connections == 0:
                await asyncio.sleep(0.01)
            while await scraper.ask("ours", ours, lambda text: text) != TEXT:
                await asyncio.sleep(0.01)  # it has little time, too, and this machine is busy
        assert await asyncio.gather(*theirs) == [None] * len(theirs)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-x\r\n" * 1000,
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        OK + b"Content-Length: 100\r\n\r\nfairlead_slots 1\n",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"f" * 30 + b"\r\nx",
        CHUNKED + b"-5\r\nx\r\n0\r\n\r\n",
        OK + b"Content-Length: " + b"9" * 30 + b"\r\n\r\nx",
        OK + b"a: b\r\n" * 5000 + b"\r\n",
        OK + b"a: " + b"b" * 100_000 + b"\r\n\r\n",
        b"\x00" * 1000,
    ],
)
async def test_what_is_no_answer_is_none(answer: bytes) -> None:
    assert await said(Pod(answer)) is None


async def test_chunks_are_put_together_and_nothing_is_unpacked() -> None:
    assert await said(Pod(CHUNKED + b"8\r\nfairlead\r\n8\r\n_slots 1\r\n0\r\n\r\n")) == TEXT[:-1]
    packed = gzip.compress(b"x" * MAX_BYTES * 100)
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    text = await said(Pod(head + packed))
    assert text is None or len(text) <= MAX_BYTES


async def test_a_closed_port_is_none() -> None:
    async with listening(Pod().talk) as target:
        pass
    assert await Scraper().ask("demo", target, lambda text: text) is None


async def test_nothing_of_an_answer_is_kept() -> None:
    """No cookie, no connection: the next one may be another pod."""
    pod = Pod(OK + b"Set-Cookie: a=b\r\nContent-Length: 1\r\n\r\nx", hangs=False)
    scraper = Scraper()
    async with listening(pod.talk) as target:
        for _ in range(3):
            assert await scraper.ask("demo", target, lambda text: text) == "x"
    assert (pod.connections, b"ookie" in pod.asked) == (3, False)


async def test_all_answers_together_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrape, "MAX_HELD_BYTES", 100_000)
    large = Pod(OK + b"Content-Length: 120000\r\n\r\n" + b"x" * 90_000, hangs=True)
    scraper = Scraper()
    other = Pod(OK + b"Content-Length: 60000\r\n\r\n" + b"x" * 60_000)
    async with listening(large.talk) as holding, listening(other.talk) as target:
        held = asyncio.create_task(scraper.ask("theirs", holding, lambda text: text))
        while scraper.held_bytes < 90_000:
            await asyncio.sleep(0.01)
        assert await scraper.ask("demo", target, lambda text: text) is None
        assert await held is None
        assert scraper.held_bytes == 0
        assert await scraper.ask("demo", target, lambda text: text) is not None


async def test_pods_that_hang_hold_up_their_own_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrape, "TIMEOUT_S", 60.0)
    pod, other, scraper = Pod(b"", hangs=True), Pod(), Scraper()
    async with listening(pod.talk) as hanging, listening(other.talk) as target:
        tasks = [
            asyncio.create_task(scraper.ask("theirs", hanging, lambda text: text))
            for _ in range(NAMESPACE_AT_ONCE + 9)
        ]
        while pod.connections < NAMESPACE_AT_ONCE:
            await asyncio.sleep(0.01)
        assert await scraper.ask("ours", target, lambda text: text) is not None
        assert pod.connections == NAMESPACE_AT_ONCE
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    scraper.keep({"ours"})


def test_only_a_whole_answer_has_a_body() -> None:
    assert body_of(PLAIN) == TEXT.encode()
    for end in range(len(PLAIN)):
        assert not body_of(PLAIN[:end]), end
