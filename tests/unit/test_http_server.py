"""Connections have bounds."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from fairlead.http_server import bounded_connections, connections, listen
from tests.cluster.ports import free_port


async def test_a_connection_that_lasts_is_left_and_others_are_closed() -> None:
    runner, lasting = web.AppRunner(web.Application()), set[RequestHandler]()
    await runner.setup()
    address = f"127.0.0.1:{free_port()}"
    protocols = bounded_connections(runner, 8, 0.05, lambda handler: handler in lasting)
    server = await listen(protocols, address, "words are served", "NAME")
    async with asyncio.timeout(20):
        first, writer = await asyncio.open_connection(*address.split(":"))
        while not (runner.server and runner.server.connections):
            await asyncio.sleep(0.01)
        lasting.update(runner.server.connections)
        second, other = await asyncio.open_connection(*address.split(":"))
        assert await second.read() == b""
        assert not first.at_eof()
        lasting.clear()
        assert await first.read() == b""
    for one in (writer, other):
        one.close()
    server.close()
    await runner.cleanup()


async def test_a_runner_that_is_not_set_up_accepts_nobody() -> None:
    runner = web.AppRunner(web.Application())
    with pytest.raises(ValueError, match="not set up"):
        connections(runner)
    assert not isinstance(bounded_connections(runner, 1, 1.0)(), RequestHandler)
