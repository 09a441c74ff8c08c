"""One slot, seen from the front: it starts, it takes requests, it ends."""

import asyncio
import logging
import time
from collections.abc import Callable

from fairlead_scoring.front.config.settings import Settings
from fairlead_scoring.front.slots.in_flight import Asker, Exchange, Outcome
from fairlead_scoring.front.slots.process import End, Process
from fairlead_scoring.front.slots.start import Start
from fairlead_scoring.slot.logs import NAME
from fairlead_scoring.slot.record import Record
from fairlead_scoring.slot.wire import Head

logger = logging.getLogger(NAME)
TOO_LONG = "was killed because run() took longer than SCORING_TIMEOUT_MS"
GRACE = 5.0  # seconds that a slot may take to end by itself when it is told to
SOON = 0.001  # seconds; a timer may be as much too early
CANCEL_GRACE = 30.0  # seconds that a script may go on streaming to a client that has gone away


class Slot:
    """The caller sees to it that no more is asked at a time than there are ``threads``.

    ``on_over`` is called for each exchange when the slot is done with it, or has died over it;
    ``on_lost`` when it cannot be asked any more. ``told`` is what else it has said, by type.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._timeout = settings.scoring_timeout_ms / 1000
        self._timer: asyncio.TimerHandle | None = None
        self._exchanges: dict[int, Exchange] = {}
        self._seq = 0
        self._ending: Outcome | None = None
        self._emptied: asyncio.Future[None] | None = None
        self._process = Process(self._receive, lambda: self.on_lost(self), self._died)
        self._start = Start(settings.layout, settings.init_warning_seconds)
        self.threads = settings.threads
        self.on_over: Callable[[Slot, Exchange], None] = lambda _slot, _exchange: None
        self.on_lost: Callable[[Slot], None] = lambda _: None
        self.told: dict[str, Head] = {}
        self.gone: asyncio.Future[Outcome] = self._loop.create_future()
        self.last_words = ""

    @classmethod
    async def spawn(cls, settings: Settings) -> "Slot":
        """Raise ``OSError`` if the machine has no process to spare."""
        slot = cls(settings)
        await slot._process.spawn(settings.environ)
        slot._process.pipe.send(settings.start_frame)
        return slot

    async def ready(self) -> Head:
        """Wait for ``init()`` and return what the slot says then. Raise ``StartFailedError``."""
        return await self._start.ready()

    @property
    def start_seconds(self) -> float:
        return self._start.seconds

    @property
    def usable(self) -> bool:
        """Whether it can still be asked."""
        return self._ending is None and not self._process.pipe.closed.is_set()

    @property
    def busy(self) -> int:
        """How many requests are in it."""
        return len(self._exchanges)

    def ask(self, request: Head, body: bytes, asker: Asker) -> Exchange:
        """Hand over a request. What becomes of it, the asker is told."""
        self._seq += 1
        exchange = Exchange(self._seq, asker)
        self._exchanges[self._seq] = exchange
        request["type"], request["seq"] = "request", self._seq
        self._process.pipe.send(request, body)
        if self._timeout and self._timer is None:
            self._timer = self._loop.call_later(self._timeout, self._look_at_the_clock)
        return exchange

    def cancel(self, exchange: Exchange) -> None:
        """Nobody takes the rest of a streamed answer any more."""
        if not exchange.over:
            self.resume()
            self._process.pipe.send({"type": "cancel", "seq": exchange.seq})
            self._loop.call_later(CANCEL_GRACE, self._kill_if_in, exchange)

    def pause(self) -> None:
        """Take no more of what it sends, until ``resume()``."""
        self._process.pipe.pause()

    def resume(self) -> None:
        self._process.pipe.resume()

    def interruption(self) -> Record:
        """What to leave behind when the service is stopped while ``init()`` still runs."""
        return self._start.interruption()

    async def idle(self) -> None:
        """Wait until nothing is in it any more."""
        while self._exchanges:
            self._emptied = self._loop.create_future()
            await self._emptied

    async def stop(self, grace: float = GRACE) -> None:
        """End the process and all that it has started."""
        self._process.stop(grace)
        await asyncio.shield(self.gone)

    def _receive(self, head: Head, body: bytes) -> None:
        exchange = self._exchanges.get(head.get("seq", 0))
        if exchange is None:
            self._listen(head)
            return
        exchange.receive(head, body)
        if exchange.over:
            del self._exchanges[exchange.seq]
            self.on_over(self, exchange)
            self._note_emptiness()

    def _listen(self, head: Head) -> None:
        """Take in a frame that belongs to no request."""
        kind = head["type"]
        if kind in Start.FRAMES:
            self._start.receive(head)
            return
        self.told[kind] = head
        if kind == "attached" and not head["attached"]:
            for exchange in self._exchanges.values():
                exchange.began = time.monotonic()  # whoever looked at it has had its time

    def _note_emptiness(self) -> None:
        if self._emptied and not self._exchanges and not self._emptied.done():
            self._emptied.set_result(None)

    @property
    def _is_debugged(self) -> bool:
        """Whether somebody looks at what runs, step by step; then it may take any time."""
        return bool(self.told.get("attached", {}).get("attached"))

    def _look_at_the_clock(self) -> None:
        """End what has run too long. One timer serves all: they have the same time to run."""
        self._timer = None
        oldest = time.monotonic() - self._timeout
        for exchange in self._running():
            if self._is_debugged:
                exchange.began = time.monotonic()
            elif exchange.began <= oldest:
                exchange.expire()
        if sum(one.overdue for one in self._exchanges.values()) == self.threads:
            self._kill(Outcome.TIMEOUT)
        next_due = min((one.began for one in self._running()), default=None)
        if next_due is not None:
            left = max(SOON, next_due - oldest)
            self._timer = self._loop.call_later(left, self._look_at_the_clock)

    def _running(self) -> list[Exchange]:
        return [one for one in self._exchanges.values() if one.running]

    def _kill_if_in(self, exchange: Exchange) -> None:
        if exchange.seq in self._exchanges:
            self._kill(Outcome.KILLED)

    def _kill(self, why: Outcome) -> None:
        self._ending = why
        self._process.kill()

    def _died(self, end: End) -> None:
        if self._timer:
            self._timer.cancel()
        outcome = self._ending or end.outcome
        self.last_words = TOO_LONG if outcome is Outcome.TIMEOUT else end.words
        exchanges, self._exchanges = self._exchanges, {}
        for exchange in exchanges.values():
            exchange.fail(outcome)
            self.on_over(self, exchange)
        self._note_emptiness()
        self._start.died(end)
        self.gone.set_result(outcome)
