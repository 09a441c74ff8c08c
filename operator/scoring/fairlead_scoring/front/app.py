"""The routes, as an ASGI application: what is asked, what is refused, what goes to a slot."""

import logging
import uuid
from time import perf_counter

from fairlead_scoring import __version__
from fairlead_scoring.front.ids import IdTooLongError, RequestIds, read_ids
from fairlead_scoring.front.keys import Keys
from fairlead_scoring.front.messages import (
    FAILED,
    LARGEST_BODY,
    BodyTooLargeError,
    ClientGoneError,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    problem,
    read_body,
    read_request,
    send_response,
)
from fairlead_scoring.front.pool import NoSlotError, Pool
from fairlead_scoring.front.process import SlotGoneError
from fairlead_scoring.slot.logs import NAME
from fairlead_scoring.slot.scoring import RUN_FAILED

logger = logging.getLogger(NAME)
HTML = "text/html; charset=utf-8"
RETRY_AFTER = "5"  # seconds
LONGEST_LINE = 1000  # characters of path and query in the log
NOT_FOUND = (
    "The requested URL was not found on the server. If you entered the URL manually please check "
    "your spelling and try again."
)
NOT_ALLOWED = "The method is not allowed for the requested URL."
TOO_LARGE = (
    f"The request body is larger than {LARGEST_BODY // 2**20} MB, the most that this service "
    "takes. Send less at a time."
)
STARTING = "The service is starting: init() has not finished yet. Try again later."
DRAINING = "The service is shutting down and finishes what it has accepted."
PROBE = ("GET", "HEAD", "OPTIONS")
ROUTES = {"/": PROBE, "/ready": PROBE, "/score": ("GET", "POST", "HEAD", "OPTIONS")}


class App:
    """Answers every probe itself, at once; only ``/score`` ever waits for a slot."""

    def __init__(self, pool: Pool, keys: Keys) -> None:
        self._pool = pool
        self._keys = keys
        self.draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = perf_counter()
        request = read_request(scope)
        try:
            response = await self._respond(request, receive)
        except ClientGoneError:
            logger.info("%s was given up by its client", _line(request))
            return
        if self.draining:
            response = response.with_headers(("connection", "close"))
        if request.path == "/score":
            elapsed, size = (perf_counter() - began) * 1000, len(response.body)
            logger.info("%s %d %.3fms %d", _line(request), response.status, elapsed, size)
        await send_response(response, send)

    async def _respond(self, request: Request, receive: Receive) -> Response:
        methods = ROUTES.get(request.path)
        if methods is None:
            return problem(404, NOT_FOUND)
        if request.method not in methods:
            return problem(405, NOT_ALLOWED)
        try:
            ids = read_ids(request.headers, str(uuid.uuid4()))
            response = await self._route(request, ids, receive)
        except IdTooLongError as error:
            ids = error.ids
            response = problem(431, str(error))
        trace = [("TraceId", request.headers["traceid"])] if "traceid" in request.headers else []
        version = ("x-ms-server-version", f"fairlead-scoring/{__version__}")
        return response.with_headers(version, *ids.headers, *trace)

    async def _route(self, request: Request, ids: RequestIds, receive: Receive) -> Response:
        if request.path == "/score":
            return await self._score(request, ids, receive)
        if request.method == "OPTIONS":
            return Response(200, content_type=HTML, headers=(("Allow", "OPTIONS, GET, HEAD"),))
        if request.path == "/":
            return Response(200, b"Healthy", HTML)
        return self._readiness()

    def _readiness(self) -> Response:
        if self.draining:
            return _unavailable("draining", DRAINING)
        if not self._pool.ready:
            return _unavailable("starting", STARTING)
        return Response(200, b"Ready", HTML)

    async def _score(self, request: Request, ids: RequestIds, receive: Receive) -> Response:
        refusal = self._keys.refusal(request.headers.get("authorization", ""))
        if refusal:
            return problem(401, refusal).with_headers(("WWW-Authenticate", "Bearer"))
        if request.method == "OPTIONS":
            return Response(200, content_type=HTML, headers=((FAILED, "False"),))
        if request.method == "HEAD":
            return problem(405, "Method not allowed")
        if not self._pool.serving:
            return _unavailable("starting", STARTING)
        try:
            body = b"" if request.method == "GET" else await read_body(request, receive)
        except BodyTooLargeError:
            return problem(413, TOO_LARGE)
        return await self._ask(request, ids, body)

    async def _ask(self, request: Request, ids: RequestIds, body: bytes) -> Response:
        head = {
            "id": ids.request,
            "method": request.method,
            "query": request.query,
            "headers": request.headers,
        }
        try:
            answer, content = await self._pool.score(head, body)
        except NoSlotError:
            return _unavailable("starting", STARTING)
        except SlotGoneError:
            logger.warning("The process that ran the script ended over request %s", ids.request)
            return problem(500, RUN_FAILED, failed=True)
        response = Response(answer["status"], content)
        failed = (FAILED, str(answer["failed"]))
        if answer["elapsed"] is None:
            return response.with_headers(failed)
        return response.with_headers(failed, ("x-ms-run-fn-exec-ms", f"{answer['elapsed']:.3f}"))


def _unavailable(reason: str, message: str) -> Response:
    return problem(503, message, reason=reason).with_headers(
        ("Retry-After", RETRY_AFTER), ("x-fairlead-503-reason", reason)
    )


def _line(request: Request) -> str:
    target = f"{request.path}?{request.query}" if request.query else request.path
    return f"{request.method} {target[:LONGEST_LINE]}"
