"""The routes: which requests the front answers at once, and which go to a slot."""

from fairlead_scoring.front.config.read_limits import ReadLimits
from fairlead_scoring.front.http.authentication import KeyAuthentication
from fairlead_scoring.front.http.endpoints import Endpoints
from fairlead_scoring.front.http.messages import (
    Request,
    Response,
    html,
    json_error,
    payload_too_large,
)
from fairlead_scoring.front.slots.pool import SlotPool
from fairlead_scoring.slot.responses import RUN_FAILED_HEADER

NOT_FOUND = (
    "The requested URL was not found on the server. If you entered the URL manually please check "
    "your spelling and try again."
)
NOT_ALLOWED = "The method is not allowed for the requested URL."
PROBE_METHODS = ("OPTIONS", "GET", "HEAD")
SCORE, SWAGGER, RELOAD = "/score", "/swagger.json", "/-/reload"
METRICS, SLOTS, READY, LIVE = "/metrics", "/-/slots", "/ready", "/"
ROUTES = {
    SCORE: ("GET", "POST", "HEAD", "OPTIONS"),
    **dict.fromkeys((LIVE, READY, SWAGGER, METRICS, SLOTS), PROBE_METHODS),
}
NEEDING_KEY = frozenset((SCORE, SWAGGER, RELOAD))


class Router:
    """Decides what is answered at once: ``/score`` waits for a slot, ``/swagger.json`` for the
    first of all."""

    def __init__(
        self,
        pool: SlotPool,
        endpoints: Endpoints,
        authentication: KeyAuthentication,
        read_limits: ReadLimits,
        *,
        with_reload: bool,
        metrics_port: int | None = None,
    ) -> None:
        self._pool = pool
        self._endpoints = endpoints
        self._authentication = authentication
        self._read_limits = read_limits
        self._metrics_port = metrics_port
        self._routes = {**ROUTES, RELOAD: ("POST",)} if with_reload else ROUTES
        self._metrics_routes: dict[str, tuple[str, ...]] = {}
        if metrics_port:
            self._metrics_routes = {path: ROUTES[path] for path in (METRICS, SLOTS)}
            self._routes = {
                path: methods
                for path, methods in self._routes.items()
                if path not in self._metrics_routes
            }

    def routing_error(self, request: Request) -> tuple[int, str] | None:
        """Return the status and the message for a request that has no route, or None."""
        alone = self._metrics_port is not None and request.port == self._metrics_port
        methods = (self._metrics_routes if alone else self._routes).get(request.path)
        if methods is None:
            return 404, NOT_FOUND
        return None if request.method in methods else (405, NOT_ALLOWED)

    def immediate_response(self, request: Request) -> Response | None:
        """Return the answer that needs no slot and no body, or None."""
        if request.path in NEEDING_KEY:
            refusal = self._authentication.refusal(request.headers.get("authorization", ""))
            if refusal:
                return self._unauthorized(request, refusal)
        if request.path == SCORE:
            return self._slots_response(request)
        if request.path == RELOAD:
            return None
        if request.method == "OPTIONS":
            return html(200, b"", ("Allow", ", ".join(PROBE_METHODS)))
        if request.path == SWAGGER:
            return self._slots_response(request)
        return self._endpoint_response(request)

    def needs_script(self, request: Request) -> bool:
        """Whether the script must be known before it is decided who answers."""
        if request.path == SCORE:
            return request.method in ("OPTIONS", "HEAD")
        return request.path == SWAGGER and request.method != "OPTIONS"

    def scripts_response(self, request: Request) -> Response | None:
        """Return the answer that depends on nothing but what the script is, or None: it answers
        itself, or is not known yet."""
        script = self._pool.script
        if script is None:
            return None
        if request.path == SWAGGER:
            return self._endpoints.swagger(request.query)
        if script["mode"] == "raw":
            return None
        if request.method == "OPTIONS":
            return html(200, b"", (RUN_FAILED_HEADER, "False"))
        return json_error(405, "Method not allowed")

    def _slots_response(self, request: Request) -> Response | None:
        """Return the answer to a request that cannot be passed to a slot, now or later."""
        if self.needs_script(request):
            response = self.scripts_response(request)
            if response:
                return response
        rejection = self._pool.rejection()
        if rejection:
            return self._endpoints.rejected(rejection, elsewhere=request.has_another_replica)
        announced = request.headers.get("content-length", "")
        largest = self._read_limits.largest_body_bytes
        too_large = announced.isdecimal() and int(announced) > largest
        return payload_too_large(self._read_limits) if too_large else None

    def _unauthorized(self, request: Request, message: str) -> Response:
        if request.method == "OPTIONS":  # browsers ask before they send a key
            return html(200, b"", (RUN_FAILED_HEADER, "False"))
        return json_error(401, message).with_headers(("WWW-Authenticate", "Bearer"))

    def _endpoint_response(self, request: Request) -> Response:
        if request.path == METRICS:
            return self._endpoints.metrics()
        if request.path == SLOTS:
            return self._endpoints.slots()
        if request.path == READY:
            return self._endpoints.readiness()
        return self._endpoints.liveness()
