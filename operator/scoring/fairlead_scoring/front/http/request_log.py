"""The access log: a line for each request to the script, as the reference server writes it.

It is written by hand: through ``logging`` and its formatter a line would take a tenth of all the
time that a request does.
"""

import os
import sys
import time

from fairlead_scoring.front.http.messages import Request
from fairlead_scoring.slot.logs import NAME
from fairlead_scoring.slot.redaction import redact

LONGEST = 1000  # characters of path and query


class AccessLog:
    """``time.time()`` and the process id are in each line, as in all others of the log."""

    def __init__(self) -> None:
        self._stream = sys.stdout
        self._tail = f" I [{os.getpid()}] {NAME} - "
        self._second = -1
        self._stamp = ""

    def write(self, request: Request, status: int, seconds: float, size: str) -> None:
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            self._stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second))
        target = request.path
        if request.query:
            target = redact(request.target)
        self._stream.write(
            f"{self._stamp},{int(now % 1 * 1000):03d}{self._tail}{request.method} "
            f"{target[:LONGEST]} {status} {seconds * 1000:.3f}ms {size}\n"
        )
        self._stream.flush()
