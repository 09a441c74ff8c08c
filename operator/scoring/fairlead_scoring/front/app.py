"""The routes, as an ASGI application: what is asked, what is refused, what goes to a slot."""

import logging
import uuid
from time import perf_counter

from fairlead_scoring import __version__
from fairlead_scoring.front.admission import Reason
from fairlead_scoring.front.connection import EXTENSION, Client
from fairlead_scoring.front.exchange import AbortedError, Exchange, NoAnswerError
from fairlead_scoring.front.figures import Figures
from fairlead_scoring.front.health import liveness, readiness, slots, unavailable
from fairlead_scoring.front.ids import IdTooLongError, RequestIds, read_ids
from fairlead_scoring.front.keys import Keys
from fairlead_scoring.front.messages import (
    ClientGoneError,
    Header,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    problem,
    read_request,
    send_response,
    start_response,
    text,
)
from fairlead_scoring.front.metrics import Metrics
from fairlead_scoring.front.pool import Pool
from fairlead_scoring.front.scoring import Reply, Scoring, preflight
from fairlead_scoring.front.settings import Settings
from fairlead_scoring.front.swagger import swagger
from fairlead_scoring.slot.logs import NAME

logger = logging.getLogger(NAME)
LONGEST_LINE = 1000  # characters of path and query in the log
NOT_FOUND = (
    "The requested URL was not found on the server. If you entered the URL manually please check "
    "your spelling and try again."
)
NOT_ALLOWED = "The method is not allowed for the requested URL."
VERSION = ("x-ms-server-version", f"fairlead-scoring/{__version__}")
CLOSE = ("connection", "close")
PROBE = ("HEAD", "OPTIONS", "GET")
SCORE, SWAGGER = "/score", "/swagger.json"
ROUTES = {
    SCORE: ("GET", "POST", "HEAD", "OPTIONS"),
    **dict.fromkeys(("/", "/ready", SWAGGER, "/metrics", "/-/slots"), PROBE),
}


class App:
    """Answers every probe itself, at once; only ``/score`` ever waits for a slot."""

    def __init__(self, pool: Pool, keys: Keys, settings: Settings, figures: Figures) -> None:
        self._pool = pool
        self._keys = keys
        self._settings = settings
        self._figures = figures
        self._scoring = Scoring(pool, settings, figures)
        self._metrics = Metrics(pool, figures)
        self.draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = perf_counter()
        request, client = read_request(scope), scope["extensions"][EXTENSION]
        try:
            reply = await self._reply(request, receive, client)
            await self._send(reply, send, client)
        except ClientGoneError:
            self._figures.abandoned += 1
            logger.info("%s was given up by its client", _line(request))
            client.abort()
            return
        if request.path == SCORE:
            self._figures.requests[reply.response.status] += 1
        if request.path in (SCORE, SWAGGER):
            size = "N/A" if reply.rest else str(len(reply.response.body))
            elapsed = (perf_counter() - began) * 1000
            logger.info("%s %d %.3fms %s", _line(request), reply.response.status, elapsed, size)

    async def _reply(self, request: Request, receive: Receive, client: Client) -> Reply:
        methods = ROUTES.get(request.path)
        if methods is None:
            return Reply(problem(404, NOT_FOUND))
        if request.method not in methods:
            return Reply(problem(405, NOT_ALLOWED))
        try:
            ids = read_ids(request.headers, str(uuid.uuid4()))
            reply = await self._routed(request, ids, receive, client)
        except IdTooLongError as error:
            ids, reply = error.ids, Reply(problem(431, str(error)))
        return Reply(self._completed(request, ids, reply.response), reply.rest)

    async def _routed(
        self, request: Request, ids: RequestIds, receive: Receive, client: Client
    ) -> Reply:
        if request.path in (SCORE, SWAGGER):
            refusal = self._keys.refusal(request.headers.get("authorization", ""))
            if refusal and request.method == "OPTIONS":
                return Reply(preflight())
            if refusal:
                unauthorized = problem(401, refusal)
                return Reply(unauthorized.with_headers(("WWW-Authenticate", "Bearer")))
        if request.path == SCORE:
            return await self._scoring.reply(request, ids, receive, client)
        if request.method == "OPTIONS":
            return Reply(text(200, b"", ("Allow", ", ".join(PROBE))))
        return Reply(self._told(request))

    def _told(self, request: Request) -> Response:
        """Return what the front knows itself."""
        if request.path == SWAGGER:
            return self._swagger(request)
        if request.path == "/metrics":
            return self._metrics.response()
        if request.path == "/-/slots":
            return slots(self._pool, self._figures, draining=self.draining)
        if request.path == "/ready":
            return readiness(self._pool, draining=self.draining)
        return liveness(self._pool)

    def _swagger(self, request: Request) -> Response:
        if self._pool.script is None:
            return unavailable(Reason.STARTING, self._pool.retry_after(Reason.STARTING))
        return swagger(request.query, self._pool.script["swagger"])

    def _completed(self, request: Request, ids: RequestIds, response: Response) -> Response:
        """Add what every answer of a route carries; a script cannot choose the ids itself."""
        ours: tuple[Header, ...] = ids.headers
        names = {name for name, _ in ours}
        theirs = tuple(one for one in response.headers if one[0].lower() not in names)
        if self._settings.tells_version:
            ours += (VERSION,)
        if "traceid" in request.headers:
            ours += (("TraceId", request.headers["traceid"]),)
        if self._settings.cors:
            ours += self._settings.cors.headers(request.method, request.headers)
        return Response(response.status, response.body, (*theirs, *ours))

    async def _send(self, reply: Reply, send: Send, client: Client) -> None:
        response = reply.response
        if self.draining or client.waits_to_send:
            response = response.with_headers(CLOSE)
        if reply.rest is None:
            await send_response(response, send)
            return
        client.take_until_close()
        await start_response(response.status, response.headers, send, None)
        await self._stream(response.body, reply.rest, send, client)

    async def _stream(self, first: bytes, rest: Exchange, send: Send, client: Client) -> None:
        try:
            await _send_chunk(first, send, client)
            async for chunk in rest.chunks():
                await _send_chunk(chunk, send, client)
            await send({"type": "http.response.body", "body": b""})
        except (AbortedError, NoAnswerError):
            client.abort()
        except ClientGoneError:
            rest.cancel()
            raise


async def _send_chunk(chunk: bytes, send: Send, client: Client) -> None:
    client.take_until_close(len(chunk))
    await send({"type": "http.response.body", "body": chunk, "more_body": True})
    if client.gone:
        raise ClientGoneError


def _line(request: Request) -> str:
    return f"{request.method} {request.target[:LONGEST_LINE]}"
