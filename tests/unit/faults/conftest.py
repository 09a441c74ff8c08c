"""A proxy before an API server of a few lines, both on the loopback."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.faults.proxy.certificate import Certificate, make_certificate
from tests.faults.proxy.server import FaultProxy
from tests.faults.proxy.upstream import Upstream


@dataclass
class FakeApi:
    """Answers every request with what it was asked; a watch gets ``events``, and then stays open
    until ``ended``."""

    url: str = ""
    asked: list[tuple[str, str, bytes, str]] = field(default_factory=list)
    events: list[dict[str, object]] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body, token = await request.read(), request.headers.get("Authorization", "")
        self.asked.append((request.method, str(request.rel_url), body, token))
        await self.may_answer.wait()
        if request.query.get("watch") != "true":
            return web.json_response({"path": request.path}, status=201 if body else 200)
        answer = web.StreamResponse()
        await answer.prepare(request)
        for event in self.events:
            await answer.write(json.dumps(event).encode() + b"\n")
        await self.ended.wait()
        return answer


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("proxy"))


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    fake = FakeApi()
    fake.may_answer.set()
    server = web.Server(fake.handle, handler_cancellation=True)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield fake
    await runner.cleanup()


@pytest.fixture
async def proxy(api: FakeApi, certificate: Certificate) -> AsyncIterator[FaultProxy]:
    proxy = FaultProxy(Upstream(api.url), certificate)
    await proxy.start()
    yield proxy
    await proxy.stop()


@pytest.fixture
async def client(
    proxy: FaultProxy, certificate: Certificate
) -> AsyncIterator[aiohttp.ClientSession]:
    """Trusts the proxy's own authority, and nobody else."""
    context = ssl.create_default_context(cafile=Path(certificate.authority))
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(proxy.url, connector=connector) as session:
        yield session
