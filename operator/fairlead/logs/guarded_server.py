"""Logs in a cluster, for whoever has a log's key: ``GET /namespaces/…/log?key=…&follow=1``.

Every replica of the operator answers, the one that works and those that stand by: what is needed
is in the cluster and in the registry. A path is a name and never one of a file system. A wrong key
and a log that is not there look the same.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress

import structlog
from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from fairlead.cluster import Cluster
from fairlead.errors import OperatorError
from fairlead.http_server import bounded_connections, listen
from fairlead.log_address import LogKeys, LogName, parse_path
from fairlead.logs.answer import AGAIN_IN_A_SECOND, BUSY, Found, send, text_response
from fairlead.logs.kept import LogUnreadableError
from fairlead.logs.permission import Permission
from fairlead.logs.shares import Shares
from fairlead.logs.sources import LogSources, Pieces
from fairlead.settings import Settings

logger = structlog.get_logger("fairlead")
MAX_CONNECTIONS = 128
MAX_REVIEWS_AT_ONCE = 4  # of tokens
MAX_READERS, MAX_READERS_OF_A_NAMESPACE = 16, 6
MAX_FOLLOWERS, MAX_FOLLOWERS_OF_A_NAMESPACE = 32, 8
LOG_CONNECTIONS = MAX_READERS + MAX_FOLLOWERS + 16  # to the API server, and for looking things up
MAX_ANSWER_CHARS = 32 * 1024 * 1024
CONNECTION_LIFETIME_S = 120.0  # but of those that follow
FOLLOW_TIMEOUT_S = 2 * 3600.0
WRITE_TIMEOUT_S = 30.0  # a reader that takes nothing for so long has gone
SILENCE_S = 60.0  # then a line is sent: what lies between closes connections that are silent
SHUTDOWN_TIMEOUT_S = 1.0
NONE = Found(
    "There is no such log, or not yet, or the key is not its own. Take the whole address from "
    "status.build.logUri, in quotes.\n",
    404,
)
# What comes before the path where an address is opened as status has it, past the API server.
_PROXY = re.compile(r"/api/v1/namespaces/[a-z0-9-]{1,63}/services/[a-z0-9:-]{1,128}/proxy")


def read_keys(settings: Settings) -> LogKeys | None:
    """The keys made from the secret in the settings' file; None where logs have none.

    Raises ``OSError`` with a sentence for people.
    """
    path = settings.log_key_file
    if path is None or settings.runner != "job":
        return None
    try:
        return LogKeys(path.read_bytes())
    except ValueError as error:
        raise OSError(f"FAIRLEAD_LOG_KEY_FILE ({path}) is no secret: {error}.") from error


@asynccontextmanager
async def serving_guarded_logs(
    settings: Settings, cluster: Cluster, keys: LogKeys | None
) -> AsyncIterator[None]:
    """Serve while the context lasts; nothing where there are no keys.

    Raises ``OSError`` where the port is taken.
    """
    if keys is None:
        yield
        return
    server = GuardedServer(settings, cluster, keys)
    app = web.Application()
    app.router.add_get("/{path:(?s:.*)}", server.answer, allow_head=False)
    runner = web.AppRunner(
        app,
        access_log=None,  # addresses hold keys
        logger=_request_log(),
        keepalive_timeout=5.0,
        handler_cancellation=True,
        shutdown_timeout=SHUTDOWN_TIMEOUT_S,
    )
    await runner.setup()
    try:
        accepted = bounded_connections(
            runner, MAX_CONNECTIONS, CONNECTION_LIFETIME_S, server.follows
        )
        listening = await listen(
            accepted, settings.log_address, "logs are served", "FAIRLEAD_LOG_ADDRESS"
        )
        try:
            yield
        finally:
            listening.close()
    finally:
        server.close()
        await runner.cleanup()


def _request_log() -> logging.Logger:
    """aiohttp's log of requests, without those that are no HTTP: it would quote what came in."""
    log = logging.getLogger("fairlead.logs")
    log.addFilter(_is_no_bad_request)
    return log


def _is_no_bad_request(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)


class GuardedServer:
    def __init__(self, settings: Settings, cluster: Cluster, keys: LogKeys) -> None:
        self._permission = Permission(cluster, keys, tokens=settings.log_tokens)
        self._sources = LogSources(settings, cluster)
        self._reviews = Shares(MAX_REVIEWS_AT_ONCE, MAX_REVIEWS_AT_ONCE)
        self._readers = Shares(MAX_READERS, MAX_READERS_OF_A_NAMESPACE)
        self._followers = Shares(MAX_FOLLOWERS, MAX_FOLLOWERS_OF_A_NAMESPACE)
        self._following: dict[RequestHandler, asyncio.Task[object]] = {}

    def close(self) -> None:
        """Let no follower keep the operator from ending."""
        for task in self._following.values():
            task.cancel()
        self._sources.close()

    def follows(self, connection: RequestHandler) -> bool:
        return connection in self._following

    async def answer(self, request: web.Request) -> web.StreamResponse:
        name = parse_path(_PROXY.sub("", request.rel_url.raw_path, count=1))
        if name is None:
            return await send(request, NONE)
        if not self._permission.by_key(name, request.query.getall("key", [])):
            refused = await self._refused(request, name)
            if refused is not None:
                return await send(request, refused)
        follow = request.query.get("follow") in ("1", "true")
        shares = self._followers if follow else self._readers
        with shares.place(name.namespace) as room:
            if not room:
                return await send(request, BUSY, AGAIN_IN_A_SECOND)
            if follow:
                return await self._follow(request, name)
            return await self._send(request, self._sources.read(name))

    async def _refused(self, request: web.Request, name: LogName) -> Found | None:
        """What is answered to somebody without the key; None to a token that lets in."""
        authorization = request.headers.get("Authorization", "")
        with self._reviews.place(name.namespace) as room:
            if not room:
                return BUSY
            try:
                allowed = await self._permission.by_token(name, authorization)
            except OperatorError as error:
                logger.warning("token not reviewed", why=str(error))
                return NONE
        return None if allowed else NONE

    async def _follow(self, request: web.Request, name: LogName) -> web.StreamResponse:
        task, connection = asyncio.current_task(), request.protocol
        if task is not None:
            self._following[connection] = task
        try:
            return await self._send(request, _with_signs_of_life(self._sources.follow(name)))
        finally:
            self._following.pop(connection, None)

    async def _send(self, request: web.Request, pieces: Pieces) -> web.StreamResponse:
        answer = _Answer(request)
        async with aclosing(pieces):
            try:
                async for piece in pieces:
                    if not await answer.write(piece):
                        break
            except (OperatorError, LogUnreadableError) as error:
                return await answer.interrupted(str(error))
        return await answer.end()


class _Answer:
    """Begins when there is something to say."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._response: web.StreamResponse | None = None
        self._chars = 0

    async def write(self, text: str) -> bool:
        """Send a piece; False where nobody takes any more, or it is enough."""
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                if self._response is None:
                    self._response = text_response()
                    await self._response.prepare(self._request)
                await self._response.write(text.encode(errors="replace"))
        except (ConnectionResetError, TimeoutError):
            self._abort()
            return False
        self._chars += len(text)
        return self._chars < MAX_ANSWER_CHARS

    async def interrupted(self, why: str) -> web.StreamResponse:
        if self._response is None:
            return await send(self._request, Found(f"The log cannot be read now: {why}\n", 503))
        await self.write(f"\n[The log goes on, but cannot be read now: {why}]\n")
        return await self.end()

    async def end(self) -> web.StreamResponse:
        if self._response is None:
            return await send(self._request, NONE)
        if self._request.transport is not None:
            with suppress(ConnectionResetError):  # who asked has gone: there is nobody to tell
                await self._response.write_eof()
        return self._response

    def _abort(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()


async def _with_signs_of_life(pieces: Pieces) -> Pieces:
    """The pieces, a line where nothing was printed for long, and an end in any case."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + FOLLOW_TIMEOUT_S
    begun, coming = False, _next(pieces)
    try:
        while loop.time() < deadline:
            done, _ = await asyncio.wait({coming}, timeout=SILENCE_S)
            if not done:
                words = "printed" if begun else "printed yet: it is waited for"
                yield f"[nothing was {words}, for {SILENCE_S:.0f} s]\n"
                continue
            piece = coming.result()
            if piece is None:
                return
            begun = True
            yield piece
            coming = _next(pieces)
        yield f"[followed for {FOLLOW_TIMEOUT_S / 3600:.0f} hours: ask again]\n"
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        await pieces.aclose()


def _next(pieces: Pieces) -> asyncio.Task[str | None]:
    async def one() -> str | None:
        return await anext(pieces, None)

    return asyncio.create_task(one())
