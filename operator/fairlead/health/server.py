"""``/healthz``, ``/readyz`` and ``/metrics``, for the kubelet and Prometheus.

An operator that waits for the lease is alive and ready: else a rolling update would never end.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler

from fairlead.http_server import connections, listen
from fairlead.operator_metrics import Metrics

MAX_REQUEST_BYTES = 1024
Check = Callable[[], str]
"""Returns what is wrong, in a sentence; empty where nothing is."""


@dataclass
class Health:
    """``alive`` and ``ready`` are the checks that must all hold; they are added while starting."""

    alive: list[Check] = field(default_factory=list)
    ready: list[Check] = field(default_factory=list)

    def dead_because(self) -> list[str]:
        return [problem for check in self.alive if (problem := check())]

    def unready_because(self) -> list[str]:
        return self.dead_because() + [problem for check in self.ready if (problem := check())]


@asynccontextmanager
async def serving_health(address: str, health: Health, metrics: Metrics) -> AsyncIterator[None]:
    """Serve while the context lasts; nothing where ``address`` (``host:port``) is empty.

    Raises ``OSError``, with a sentence that says what to do, where the port is taken.
    """
    if not address:
        yield
        return
    app = web.Application(client_max_size=MAX_REQUEST_BYTES)
    app.router.add_get("/healthz", _answering(health.dead_because))
    app.router.add_get("/readyz", _answering(health.unready_because))
    app.router.add_get("/metrics", _exposing(metrics))
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=5.0)
    await runner.setup()
    try:
        setting = "FAIRLEAD_HEALTH_ADDRESS"
        listening = await listen(connections(runner), address, "probes are served", setting)
        try:
            yield
        finally:
            listening.close()
    finally:
        await runner.cleanup()


def _answering(look: Callable[[], list[str]]) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        problems = look()
        text = f"{' '.join(problems) or 'ok'}\n"
        return web.Response(status=503 if problems else 200, text=text)

    return answer


def _exposing(metrics: Metrics) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        headers = {"Content-Type": metrics.CONTENT_TYPE}
        return web.Response(body=metrics.exposed(), headers=headers)

    return answer
