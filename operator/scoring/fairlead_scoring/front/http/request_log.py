"""What is logged and counted of each request: the access log, in the reference server's form.

The line is formatted by hand: ``logging`` and its formatter would take a tenth of all the time
that a request does.
"""

import logging
import os
import sys
import time

from fairlead_scoring.front.http.messages import Request
from fairlead_scoring.front.metrics import Metrics
from fairlead_scoring.slot.logs import LOGGER_NAME
from fairlead_scoring.slot.redaction import redact_query

MAX_QUERY_CHARS = 1000  # of a line of the access log
logger = logging.getLogger(LOGGER_NAME)


class AccessLog:
    """Each line has the time in UTC and the process id, as all others of the log."""

    def __init__(self) -> None:
        self._stream = sys.stdout
        self._prefix = f" I [{os.getpid()}] {LOGGER_NAME} - "
        self._second = -1
        self._timestamp = ""

    def write(self, request: Request, status: int, seconds: float, size: str) -> None:
        """``size`` is that of the body in bytes, ``N/A`` where it is not known yet."""
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            self._timestamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second))
        target = request.path
        if request.query:
            target += f"?{redact_query(request.query, MAX_QUERY_CHARS)}"
        self._stream.write(
            f"{self._timestamp},{int(now % 1 * 1000):03d}{self._prefix}{request.method} "
            f"{target} {status} {seconds * 1000:.3f}ms {size}\n"
        )
        self._stream.flush()


class RequestLog:
    """``counted`` is the path whose answers are counted; ``logged`` have an access log."""

    def __init__(self, metrics: Metrics, counted: str, logged: tuple[str, ...]) -> None:
        self._metrics = metrics
        self._counted = counted
        self._logged = logged
        self._access_log = AccessLog()

    def answered(self, request: Request, status: int, seconds: float, size: str) -> None:
        if request.path == self._counted:
            self._metrics.responses[status] += 1
        if request.path in self._logged:
            self._access_log.write(request, status, seconds, size)

    def admitted(self, waited_s: float) -> None:
        """A slot has taken the request."""
        self._metrics.queue_wait_s.observe(waited_s)

    def run_failed(self) -> None:
        self._metrics.run_failures += 1

    def disconnected(self, request: Request) -> None:
        self._metrics.disconnects += 1
        logger.info("%s %s was given up by its client", request.method, request.path)
