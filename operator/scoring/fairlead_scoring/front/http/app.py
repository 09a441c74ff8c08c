"""The routes: what is asked, what is refused, what goes to a slot."""

import logging

from fairlead_scoring import __version__
from fairlead_scoring.front.config.settings import Reading, Settings
from fairlead_scoring.front.http.authentication import Keys
from fairlead_scoring.front.http.endpoints import liveness, readiness, slots, unavailable
from fairlead_scoring.front.http.handler import Visit
from fairlead_scoring.front.http.ids import RequestIds
from fairlead_scoring.front.http.incoming import Client
from fairlead_scoring.front.http.messages import FAILED, Request, Response, problem, text
from fairlead_scoring.front.http.prometheus import Metrics
from fairlead_scoring.front.http.request_log import AccessLog
from fairlead_scoring.front.http.swagger import swagger
from fairlead_scoring.front.metrics import Figures
from fairlead_scoring.front.queue.admission import Reason
from fairlead_scoring.front.slots.pool import Pool
from fairlead_scoring.front.slots.reload import Reload
from fairlead_scoring.slot.logs import NAME

logger = logging.getLogger(NAME)
NOT_FOUND = (
    "The requested URL was not found on the server. If you entered the URL manually please check "
    "your spelling and try again."
)
NOT_ALLOWED = "The method is not allowed for the requested URL."
VERSION = ("x-ms-server-version", f"fairlead-scoring/{__version__}")
PROBE = ("OPTIONS", "GET", "HEAD")
SCORE, SWAGGER, RELOAD = "/score", "/swagger.json", "/-/reload"
ROUTES = {
    SCORE: ("GET", "POST", "HEAD", "OPTIONS"),
    **dict.fromkeys(("/", "/ready", SWAGGER, "/metrics", "/-/slots"), PROBE),
}


class App:
    """Answers every probe itself, at once; only ``/score`` ever waits for a slot."""

    def __init__(
        self,
        pool: Pool,
        keys: Keys,
        settings: Settings,
        figures: Figures,
        reload: Reload | None = None,
    ) -> None:
        self.pool = pool
        self.settings = settings
        self.figures = figures
        self.draining = False
        self._keys = keys
        self._metrics = Metrics(pool, figures)
        self._access_log = AccessLog()
        self._reload = reload
        self._routes = {**ROUTES, RELOAD: ("POST",)} if reload else ROUTES

    @property
    def reading(self) -> Reading:
        return self.settings.reading

    def visit(self, request: Request, client: Client) -> Visit:
        visit = Visit(self, request, client)
        visit.open()
        return visit

    def unrouted(self, request: Request) -> Response | None:
        """Answer what has no route."""
        methods = self._routes.get(request.path)
        if methods is None:
            return problem(404, NOT_FOUND)
        return None if request.method in methods else problem(405, NOT_ALLOWED)

    def early(self, request: Request) -> Response | None:
        """Answer what needs no slot; None is for what does."""
        if request.path in (SCORE, SWAGGER, RELOAD):
            refusal = self._keys.refusal(request.headers.get("authorization", ""))
            if refusal:
                return self._unauthorized(request, refusal)
        if request.path == SCORE:
            return self._early_score(request)
        if request.path == RELOAD:
            return None
        if request.method == "OPTIONS":
            return text(200, b"", ("Allow", ", ".join(PROBE)))
        return self._told(request)

    def enter(self, visit: Visit, request: Request) -> None:
        """Let a whole request in: to a slot, or to what takes as long as one."""
        if request.path == RELOAD and self._reload:
            self._reload.answer(visit.reply)
        else:
            self.pool.enter(visit)

    def refused(self, reason: Reason) -> Response:
        """Answer a request that gets no slot."""
        self.figures.refusals[reason.value] += 1
        return unavailable(reason, self.pool.retry_after(reason))

    def too_large(self) -> Response:
        return problem(
            413,
            f"The request body is larger than {self.reading.largest_body // 2**20} MB, the most "
            "that this service takes. Send less at a time.",
        )

    def completed(self, request: Request, ids: RequestIds, response: Response) -> Response:
        """Add what every answer of a route carries; a script cannot choose the ids itself."""
        ours = ids.headers
        headers = response.headers
        if len(headers) > 1:
            names = ids.names
            headers = [one for one in headers if one[0].lower() not in names]
        headers.extend(ours)
        if self.settings.tells_version:
            headers.append(VERSION)
        if "traceid" in request.headers:
            headers.append(("TraceId", request.headers["traceid"]))
        if self.settings.cors:
            headers.extend(self.settings.cors.headers(request.method, request.headers))
        return Response(response.status, response.body, headers)

    def note(self, request: Request, status: int, seconds: float, size: str) -> None:
        """Count and log an answer."""
        if request.path == SCORE:
            self.figures.requests[status] += 1
        if request.path in (SCORE, SWAGGER):
            self._access_log.write(request, status, seconds, size)

    def gave_up(self, request: Request) -> None:
        self.figures.abandoned += 1
        logger.info("%s %s was given up by its client", request.method, request.path)

    def _early_score(self, request: Request) -> Response | None:
        raw = self.pool.script is not None and self.pool.script["mode"] == "raw"
        if request.method == "OPTIONS" and not raw:
            return text(200, b"", (FAILED, "False"))
        if request.method == "HEAD" and not raw:
            return problem(405, "Method not allowed")
        refusal = self.pool.refusal()
        if refusal:  # at once, without its body
            return self.refused(refusal)
        announced = request.headers.get("content-length", "")
        too_large = announced.isdecimal() and int(announced) > self.reading.largest_body
        return self.too_large() if too_large else None

    def _unauthorized(self, request: Request, why: str) -> Response:
        if request.method == "OPTIONS":  # browsers ask before they send a key
            return text(200, b"", (FAILED, "False"))
        return problem(401, why).with_headers(("WWW-Authenticate", "Bearer"))

    def _told(self, request: Request) -> Response:
        """Return what the front knows itself."""
        if request.path == SWAGGER:
            return self._swagger(request)
        if request.path == "/metrics":
            return self._metrics.response()
        if request.path == "/-/slots":
            more = {"reload": self._reload.state} if self._reload else {}
            return slots(self.pool, self.figures, draining=self.draining, **more)
        if request.path == "/ready":
            return readiness(self.pool, draining=self.draining)
        return liveness(self.pool)

    def _swagger(self, request: Request) -> Response:
        if self.pool.script is None:
            return unavailable(Reason.STARTING, self.pool.retry_after(Reason.STARTING))
        return swagger(request.query, self.pool.script["swagger"])
