"""How long a client may stop taking its answer."""

import asyncio

MIN_PROGRESS_BYTES = 65536  # that a client must take in the time, of an answer larger than that


class WriteTimeout:
    """Aborts the connection of a client that takes next to nothing of its answer.

    However large an answer is: what counts is that less and less of it waits to be sent.
    """

    def __init__(self, transport: asyncio.Transport, seconds: float) -> None:
        self._transport = transport
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    @property
    def runs(self) -> bool:
        return self._timer is not None

    def start(self) -> None:
        """More waits to be sent than the client takes at once."""
        waiting = self._transport.get_write_buffer_size()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._seconds, self._check, waiting)

    def stop(self) -> None:
        """Nearly all has been sent."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _check(self, before: int) -> None:
        if before - self._transport.get_write_buffer_size() < MIN_PROGRESS_BYTES:
            self._transport.abort()
        else:
            self.start()
