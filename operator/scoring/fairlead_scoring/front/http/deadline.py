"""A time-out that is moved at every request and hardly ever expires."""

import asyncio
import math
from collections.abc import Callable


class Deadline:
    """Moving it away costs nothing: its timer, when it fires, is started again if it is early."""

    def __init__(self, on_expired: Callable[[], None]) -> None:
        self._on_expired = on_expired
        self._loop = asyncio.get_running_loop()
        self._due = math.inf
        self._fires_at = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float) -> None:
        """Expire in ``seconds`` from now, whatever was set before; ``math.inf`` is never."""
        self._due = math.inf if seconds == math.inf else self._loop.time() + seconds
        if self._due < self._fires_at:
            self._start_timer(seconds)

    def close(self) -> None:
        """Never expire, and refer to nobody any more."""
        self._due = math.inf
        if self._timer:
            self._timer.cancel()
        del self._on_expired

    def _start_timer(self, seconds: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._fires_at = self._loop.time() + seconds
        self._timer = self._loop.call_later(seconds, self._fire)

    def _fire(self) -> None:
        self._timer, self._fires_at = None, math.inf
        remaining = self._due - self._loop.time()
        if remaining <= 0:
            self._due = math.inf
            self._on_expired()
        elif remaining < math.inf:
            self._start_timer(remaining)
