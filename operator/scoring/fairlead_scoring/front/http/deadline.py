"""A time-out that is moved at every request and hardly ever comes."""

import asyncio
import math
from collections.abc import Callable


class Deadline:
    """Moving it away costs nothing: its timer looks, when it rings, whether it is time yet."""

    def __init__(self, expired: Callable[[], None]) -> None:
        self._expired = expired
        self._loop = asyncio.get_running_loop()
        self._due = math.inf
        self._rings_at = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float) -> None:
        """It comes in ``seconds`` from now, whatever was said before; ``math.inf`` is never."""
        self._due = self._loop.time() + seconds
        if self._due < self._rings_at:
            self._arm(seconds)

    def cancel(self) -> None:
        self._due = math.inf
        if self._timer:
            self._timer.cancel()

    def _arm(self, seconds: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._rings_at = self._loop.time() + seconds
        self._timer = self._loop.call_later(seconds, self._ring)

    def _ring(self) -> None:
        self._timer, self._rings_at = None, math.inf
        left = self._due - self._loop.time()
        if left <= 0:
            self._due = math.inf
            self._expired()
        elif left < math.inf:
            self._arm(left)
