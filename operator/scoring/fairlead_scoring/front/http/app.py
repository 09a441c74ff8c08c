"""The application: everything that requests are answered with, made once from the settings."""

import asyncio
import time

from fairlead_scoring.front.config.read_limits import ReadLimits
from fairlead_scoring.front.config.settings import Settings
from fairlead_scoring.front.http.authentication import KeyAuthentication
from fairlead_scoring.front.http.endpoints import Endpoints
from fairlead_scoring.front.http.handler import HttpRequestHandler, Services
from fairlead_scoring.front.http.messages import Request
from fairlead_scoring.front.http.protocols import ClientConnection
from fairlead_scoring.front.http.reader import MAX_HEAD_BYTES
from fairlead_scoring.front.http.request_log import RequestLog
from fairlead_scoring.front.http.response_headers import ResponseHeaders
from fairlead_scoring.front.http.router import SCORE, SWAGGER, Router
from fairlead_scoring.front.metrics import Metrics
from fairlead_scoring.front.queue.body_budget import BodyBudget
from fairlead_scoring.front.slots.pool import SlotPool
from fairlead_scoring.front.slots.reload import ScriptReloader

LARGE_HEADS_SHARE = 8  # 1/8 of the memory for bodies, and as much again


class App:
    """Makes a handler for each request."""

    def __init__(
        self,
        pool: SlotPool,
        settings: Settings,
        metrics: Metrics,
        reloader: ScriptReloader | None = None,
    ) -> None:
        self.read_limits: ReadLimits = settings.read_limits
        loop = asyncio.get_running_loop()
        budget_bytes = settings.read_limits.body_budget_bytes
        self.body_budget = BodyBudget(budget_bytes, time.monotonic, loop.call_later)
        heads_bytes = max(MAX_HEAD_BYTES, budget_bytes // LARGE_HEADS_SHARE)
        self.large_heads = BodyBudget(heads_bytes, time.monotonic, loop.call_later)
        self._endpoints = Endpoints(pool, metrics, self.body_budget, reloader)
        self._request_log = RequestLog(metrics, counted=SCORE, logged=(SCORE, SWAGGER))
        self._services = Services(
            pool,
            Router(
                pool,
                self._endpoints,
                KeyAuthentication(settings.keys_dir),
                settings.read_limits,
                with_reload=reloader is not None,
                metrics_port=settings.metrics_port,
            ),
            self._endpoints,
            ResponseHeaders(send_version=settings.send_version, cors_origins=settings.cors_origins),
            self._request_log,
            reloader,
            settings.scoring_timeout_ms,
        )

    @property
    def draining(self) -> bool:
        return self._endpoints.draining

    def start_draining(self) -> None:
        """From now on the service is not ready, and each answer ends its connection."""
        self._endpoints.draining = True

    def unreadable(self, client: tuple[str, int] | None, status: int, why: str) -> None:
        self._request_log.unreadable(client, status, why)

    def handle(self, request: Request, connection: ClientConnection) -> HttpRequestHandler:
        handler = HttpRequestHandler(self._services, request, connection)
        handler.start()
        return handler
