"""What is logged and counted of each request: the access log, in the reference server's form.

The line is formatted by hand: ``logging`` and its formatter would take a tenth of all the time
that a request does.
"""

import logging

from fairlead_scoring.front.http.messages import Request
from fairlead_scoring.front.metrics import Metrics
from fairlead_scoring.slot.console import LOGGER_NAME, Console, console
from fairlead_scoring.slot.redaction import redact_query

MAX_PATH_CHARS = 200  # of a line about a request that has no route
MAX_QUERY_CHARS = 1000  # of a line of the access log
logger = logging.getLogger(LOGGER_NAME)


class AccessLog:
    """Each line has the time in UTC and the process id, as all others of the log."""

    def __init__(self, streams: Console) -> None:
        self._console = streams

    def write(self, request: Request, status: int, seconds: float, size: str) -> None:
        """``size`` is that of the body in bytes, ``N/A`` where it is not known yet."""
        target = request.path
        if request.query:
            target += f"?{redact_query(request.query, MAX_QUERY_CHARS)}"
        text = f"{request.method} {target} {status} {seconds * 1000:.3f}ms {size}"
        self._console.write(logging.INFO, LOGGER_NAME, text)


class RequestLog:
    """``counted`` is the path whose answers are counted; ``logged`` have an access log."""

    def __init__(self, metrics: Metrics, counted: str, logged: tuple[str, ...]) -> None:
        self._metrics = metrics
        self._counted = counted
        self._logged = logged
        self._access_log = AccessLog(console())

    def answered(self, request: Request, status: int, seconds: float, size: str) -> None:
        if request.path == self._counted:
            self._metrics.responses[status] += 1
        if request.path in self._logged and logger.isEnabledFor(logging.INFO):
            self._access_log.write(request, status, seconds, size)

    def admitted(self, waited_s: float) -> None:
        """A slot has taken the request."""
        self._metrics.queue_wait_s.observe(waited_s)

    def run_failed(self) -> None:
        self._metrics.run_failures += 1

    def refused(self, request: Request, status: int, why: str) -> None:
        """The request has no route: it is none of those that an access log is kept of."""
        target = request.raw_path[:MAX_PATH_CHARS]
        logger.info("%s %r was refused with %d: %s", request.method, target, status, why)

    def unreadable(self, client: tuple[str, int] | None, status: int, why: str) -> None:
        """What a client has sent is no request, or the rest of it is not read."""
        logger.info("%s was refused with %d: %s", client[0] if client else "A client", status, why)

    def disconnected(self, request: Request) -> None:
        self._metrics.disconnects += 1
        logger.info("%s %s was given up by its client", request.method, request.path)
