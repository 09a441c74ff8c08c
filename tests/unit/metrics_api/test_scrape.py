"""A pod may be anything: it is given two seconds, and 256 KiB."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from fairlead.metrics_api import scrape
from fairlead.metrics_api.scrape import MAX_BYTES, NAMESPACE_AT_ONCE, Scraper, client

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest_asyncio.fixture
async def scraper() -> AsyncIterator[Scraper]:
    async with client() as http:
        yield Scraper(http)


async def said(scraper: Scraper, answer: Answer) -> str | None:
    app = web.Application()
    app.router.add_get("/metrics", answer)
    async with TestServer(app) as server:
        return await scraper.text("demo", str(server.make_url("/metrics")))


async def plain(_: web.Request) -> web.StreamResponse:
    return web.Response(text="fairlead_slots 1\n")


async def redirecting(_: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("http://127.0.0.1:1/")


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 65_536)


async def silent(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    raise AssertionError


async def packed(_: web.Request) -> web.StreamResponse:
    headers = {"Content-Encoding": "gzip"}
    return web.Response(body=gzip.compress(b"x" * MAX_BYTES * 100), headers=headers)


async def test_what_a_pod_says_is_read(scraper: Scraper) -> None:
    assert await said(scraper, plain) == "fairlead_slots 1\n"


@pytest.mark.parametrize("answer", [redirecting, endless, silent])
async def test_what_is_no_answer_is_none(
    scraper: Scraper, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrape, "TIMEOUT_S", 1.0)
    assert await said(scraper, answer) is None


async def test_nothing_is_unpacked(scraper: Scraper) -> None:
    text = await said(scraper, packed)
    assert text is None or len(text) <= MAX_BYTES


async def test_a_closed_port_and_no_http_are_none(scraper: Scraper) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-x\r\n" * 1000)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert await scraper.text("demo", f"http://127.0.0.1:{port}/metrics") is None
    server.close()
    await server.wait_closed()
    assert await scraper.text("demo", f"http://127.0.0.1:{port}/metrics") is None


async def test_pods_that_hang_hold_up_their_own_namespace(
    scraper: Scraper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrape, "TIMEOUT_S", 60.0)
    waiting = 0

    async def hang(_: web.Request) -> web.StreamResponse:
        nonlocal waiting
        waiting += 1
        await asyncio.Event().wait()
        raise AssertionError

    app = web.Application()
    app.router.add_get("/hang", hang)
    app.router.add_get("/metrics", plain)
    async with TestServer(app, shutdown_timeout=0) as server:
        url = str(server.make_url("/hang"))
        tasks = [
            asyncio.create_task(scraper.text("theirs", url)) for _ in range(NAMESPACE_AT_ONCE + 9)
        ]
        while waiting < NAMESPACE_AT_ONCE:
            await asyncio.sleep(0.01)
        assert await scraper.text("ours", str(server.make_url("/metrics"))) is not None
        assert waiting == NAMESPACE_AT_ONCE
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    scraper.keep({"ours"})
