"""The queue on the event loop: waiting requests time out, and a rejected one learns when to retry.

One timer serves the whole queue, for all entries wait equally long.
"""

import asyncio
import math
import time

from fairlead_scoring.front.config.settings import QueueLimits
from fairlead_scoring.front.queue.admission import Admission, Place, QueueEntry

EWMA_WEIGHT = 0.2  # of the newest measurement in the moving average
DEFAULT_SERVICE_TIME_S = 1.0  # as long as none has been measured
MAX_RETRY_AFTER_S = 3600
TIMER_SLACK_S = 0.005  # timers may fire early by as much


class ServiceTimeAverage:
    """An exponential moving average of how long a request occupies its place, in seconds."""

    def __init__(self) -> None:
        self._average_s: float | None = None

    def record(self, seconds: float) -> None:
        """Add the service time of one request."""
        before = seconds if self._average_s is None else self._average_s
        self._average_s = before + EWMA_WEIGHT * (seconds - before)

    def retry_after_s(self, ahead: int, places: int) -> int:
        """Return the whole seconds, at least 1, that ``places`` need for ``ahead`` requests."""
        each = DEFAULT_SERVICE_TIME_S if self._average_s is None else self._average_s
        return min(MAX_RETRY_AFTER_S, max(1, math.ceil(ahead * each / max(1, places))))


class RequestQueue(Admission[Place]):
    """An ``Admission`` whose entries expire by themselves."""

    def __init__(self, limits: QueueLimits) -> None:
        super().__init__(limits, time.monotonic)
        self._timer: asyncio.TimerHandle | None = None

    def enqueue(self, entry: QueueEntry[Place]) -> None:
        super().enqueue(entry)
        if entry.deadline is not None and self._timer is None:
            self._start_timer(entry.deadline)

    def close(self) -> None:
        """Stop the timer."""
        if self._timer:
            self._timer.cancel()

    def _start_timer(self, deadline: float) -> None:
        delay = max(0.0, deadline - time.monotonic()) + TIMER_SLACK_S
        self._timer = asyncio.get_running_loop().call_later(delay, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.expire()
        deadline = self.next_deadline
        if deadline is not None:
            self._start_timer(deadline)
