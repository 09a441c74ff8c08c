"""Build logs under the address that status names: while a build runs, and ever after.

For the ``local`` runner only: on the loopback, without authentication. The operator reads what its
own tasks left, and its own registry; what lies in a registry that an object names is not asked for.
"""

import asyncio
import ipaddress
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from fairlead import log_address
from fairlead.api.meta import API_VERSION, INFERENCE_IMAGE
from fairlead.api.objects import read_image
from fairlead.api.refs import Ref
from fairlead.cluster import Cluster
from fairlead.decide.image.build import repository
from fairlead.errors import OperatorError
from fairlead.http_server import bounded_connections, listen
from fairlead.logs.answer import AGAIN_IN_A_SECOND, BUSY, HEADERS, Found, send
from fairlead.logs.kept import KeptLogs, LogUnreadableError
from fairlead.settings import Settings

ROUTE = "/inferenceimages/{namespace}/{name}/builds/{id}/log"
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,251}[a-z0-9])?")
BUILD = re.compile(log_address.BUILD)
MAX_SHOWN_BYTES = 1_000_000  # of the log of a build that runs, or has run lately: its end
MAX_CONNECTIONS = 64
MAX_ANSWERS_AT_ONCE = 8
CONNECTION_LIFETIME_S = 120.0  # whoever reads slowly has read enough by then


class Logs(Protocol):
    """Whoever keeps the logs of the tasks that run, and of those that ran lately, redacted."""

    async def log_of(self, build: str, max_bytes: int) -> str: ...


@asynccontextmanager
async def serving_logs(settings: Settings, logs: Logs, cluster: Cluster) -> AsyncIterator[None]:
    """Serve build logs while the context lasts.

    Raises ``OSError``, with a sentence that says what to do, where the port is taken.
    """
    server = _LogServer(settings, logs, cluster)
    app = web.Application(middlewares=[_only_for(settings.log_address.rpartition(":")[0])])
    app.router.add_get(ROUTE, server.log, allow_head=False)
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=5.0)
    await runner.setup()
    try:
        accepted = bounded_connections(runner, MAX_CONNECTIONS, CONNECTION_LIFETIME_S)
        listening = await listen(
            accepted, settings.log_address, "build logs are served", "FAIRLEAD_LOG_ADDRESS"
        )
        try:
            yield
        finally:
            listening.close()
    finally:
        server.close()
        await runner.cleanup()


def _only_for(host: str) -> Middleware:
    """Answers only those who ask for this machine: a page from elsewhere whose name was pointed
    here (DNS rebinding) asks for its own name."""

    @web.middleware
    async def only_for_this_host(request: web.Request, handler: Handler) -> web.StreamResponse:
        asked = _host_of(request.headers.get("Host", ""))
        if asked != host.lower() and not _is_loopback(asked):
            words = "Build logs are served under the address in status.build.logUri only.\n"
            return web.Response(status=421, text=words, headers=HEADERS)
        return await handler(request)

    return only_for_this_host


def _host_of(authority: str) -> str:
    try:
        return urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _LogServer:
    def __init__(self, settings: Settings, logs: Logs, cluster: Cluster) -> None:
        self._settings, self._logs, self._cluster = settings, logs, cluster
        self._answers = asyncio.Semaphore(MAX_ANSWERS_AT_ONCE)
        self._kept_logs = KeptLogs(settings)

    def close(self) -> None:
        self._kept_logs.close()

    async def log(self, request: web.Request) -> web.StreamResponse:
        namespace, name, build = (request.match_info[k] for k in ("namespace", "name", "id"))
        if not (NAME.fullmatch(namespace) and NAME.fullmatch(name) and BUILD.fullmatch(build)):
            return await send(request, Found("No such build.\n", 404))
        if self._answers.locked():
            return await send(request, BUSY, AGAIN_IN_A_SECOND)
        async with self._answers:
            return await send(request, await self._found(namespace, name, build))

    async def _found(self, namespace: str, name: str, build: str) -> Found:
        text = await self._logs.log_of(f"{namespace}/{name}/{build}", MAX_SHOWN_BYTES)
        return Found(text) if text else await self._kept(namespace, name, build)

    async def _kept(self, namespace: str, name: str, build: str) -> Found:
        """The log from our own registry, where it stays after the task's folder is gone."""
        ref = Ref(API_VERSION, INFERENCE_IMAGE.plural, namespace, name)
        none = Found(f"Build {namespace}/{name}/{build} has no log (yet).\n", 404)
        try:
            body = await self._cluster.get(ref)
            if body is None:
                return none
            place = repository(read_image(body), self._settings)
        except OperatorError as error:
            return Found(f"The log cannot be found now: {error}\n", 503)
        tag = f"log-{build}"
        if not self._kept_logs.is_ours(place):
            return _elsewhere(f"{place}:{tag}")
        try:
            text = await self._kept_logs.find(place, tag, f"{namespace}/{name}")
        except LogUnreadableError as error:
            return Found(f"The log cannot be read now: {error}\n", 503)
        return Found(text) if text else none


def _elsewhere(artifact: str) -> Found:
    return Found(
        f"The log is kept as {artifact}, in a registry that the object names. The operator asks "
        f"none but its own: get it with what lets you in there, such as `oras pull {artifact}`; it "
        "is one gzip-compressed text.\n",
        404,
    )
