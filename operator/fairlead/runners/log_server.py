"""Build logs under the address that status names: while a build runs, and ever after.

For the ``local`` runner only: on the loopback, without authentication. The operator reads what its
own tasks left, and its own registry; what lies in a registry that an object names is not asked for.
"""

import asyncio
import ipaddress
import re
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from fairlead.api.meta import API_VERSION, INFERENCE_IMAGE
from fairlead.api.objects import read_image
from fairlead.api.refs import Ref
from fairlead.cluster import Cluster
from fairlead.decide.image.build import pushed_to, repository
from fairlead.errors import OperatorError
from fairlead.images.build_log import read_log
from fairlead.redact import redacted_log
from fairlead.registry.client import Registry
from fairlead.registry.errors import NotInRegistryError, RegistryError
from fairlead.registry.reference import InvalidReferenceError, parse_repository
from fairlead.settings import Settings

ROUTE = "/inferenceimages/{namespace}/{name}/builds/{id}/log"
Result = TypeVar("Result")
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,251}[a-z0-9])?")
BUILD = re.compile(r"[1-9][0-9]{0,8}-[1-9][0-9]{0,8}")
MAX_SHOWN_BYTES = 1_000_000  # of the log of a build that runs, or has run lately: its end
MAX_CONNECTIONS = 64
MAX_ANSWERS_AT_ONCE = 8
MAX_REGISTRY_READS_AT_ONCE = 2
CONNECTION_LIFETIME_S = 120.0  # whoever reads slowly has read enough by then
PIECE_CHARS = 64 * 1024
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
    "Cache-Control": "no-store",
}


class Logs(Protocol):
    """Whoever keeps the logs of the tasks that run, and of those that ran lately, redacted."""

    async def log_of(self, build: str, max_bytes: int) -> str: ...


@dataclass(frozen=True)
class Found:
    """What is answered: the log, or, with another status, why there is none."""

    text: str
    status: int = 200


@asynccontextmanager
async def serving_logs(settings: Settings, logs: Logs, cluster: Cluster) -> AsyncIterator[None]:
    """Serve build logs while the context lasts.

    Raises ``OSError``, with a sentence that says what to do, where the port is taken.
    """
    host, _, port = settings.log_address.rpartition(":")
    server = _LogServer(settings, logs, cluster)
    app = web.Application(middlewares=[_only_for(host)])
    app.router.add_get(ROUTE, server.log, allow_head=False)
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=5.0)
    await runner.setup()
    try:
        listening = await _listen(runner, host, int(port))
        try:
            yield
        finally:
            listening.close()
    finally:
        server.close()
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    try:
        return await loop.create_server(partial(_accepted, runner, loop), host, port)
    except OSError as error:
        raise OSError(
            f"build logs are served on {host}:{port}, and that cannot be listened on "
            f"({error.strerror}). End what uses it, or set FAIRLEAD_LOG_ADDRESS."
        ) from error


def _accepted(runner: web.AppRunner, loop: asyncio.AbstractEventLoop) -> asyncio.Protocol:
    """A connection: closed at once where there are too many, and after a while in any case."""
    server = runner.server
    if server is None or len(server.connections) >= MAX_CONNECTIONS:
        return _Closed()
    handler = server()
    loop.call_later(CONNECTION_LIFETIME_S, handler.force_close)
    return handler


class _Closed(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


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
        self._threads = ThreadPoolExecutor(MAX_REGISTRY_READS_AT_ONCE, "build-logs")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def log(self, request: web.Request) -> web.StreamResponse:
        namespace, name, build = (request.match_info[k] for k in ("namespace", "name", "id"))
        if not (NAME.fullmatch(namespace) and NAME.fullmatch(name) and BUILD.fullmatch(build)):
            return await self._sent(request, Found("No such build.\n", 404))
        if self._answers.locked():
            busy = Found("Too many logs are being read: ask again.\n", 503)
            return await self._sent(request, busy, {"Retry-After": "1"})
        async with self._answers:
            return await self._sent(request, await self._found(namespace, name, build))

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
        pushed = pushed_to(place, self._settings)
        if not pushed.startswith(f"{self._settings.push_registry}/"):
            return _elsewhere(f"{place}:{tag}")
        text = await self._in_thread(partial(self._from_registry, pushed, tag))
        return text or none

    def _from_registry(self, place: str, tag: str) -> Found | None:
        try:
            with Registry(self._settings) as registry:
                content = read_log(registry, parse_repository(place), tag)
        except NotInRegistryError:
            return None
        except (RegistryError, InvalidReferenceError) as error:
            return Found(f"The log cannot be read now: {error}\n", 503)
        return Found(redacted_log(content.decode(errors="replace")))

    async def _sent(
        self, request: web.Request, found: Found, headers: dict[str, str] | None = None
    ) -> web.StreamResponse:
        """Send a text no faster than it is read."""
        response = web.StreamResponse(status=found.status, headers={**HEADERS, **(headers or {})})
        response.content_type, response.charset = "text/plain", "utf-8"
        try:
            await response.prepare(request)
            for at in range(0, len(found.text), PIECE_CHARS):
                await response.write(found.text[at : at + PIECE_CHARS].encode(errors="replace"))
            await response.write_eof()
        except ConnectionResetError:
            pass  # who asked has gone: there is nobody to tell
        return response

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _elsewhere(artifact: str) -> Found:
    return Found(
        f"The log is kept as {artifact}, in a registry that the object names. The operator asks "
        f"none but its own: get it with what lets you in there, such as `oras pull {artifact}`; it "
        "is one gzip-compressed text.\n",
        404,
    )
