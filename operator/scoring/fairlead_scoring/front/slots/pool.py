"""The slots and the queue before them: first come, first served, one request a place at a time."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable

from fairlead_scoring.front.metrics import Figures, PoolState
from fairlead_scoring.front.queue.admission import Admission, Limits, Reason, Turn
from fairlead_scoring.front.queue.service_time import Pace
from fairlead_scoring.front.slots.in_flight import Exchange, Outcome
from fairlead_scoring.front.slots.restart_backoff import Restarts
from fairlead_scoring.front.slots.slot import GRACE, Slot
from fairlead_scoring.front.slots.startup import StartFailedError
from fairlead_scoring.slot.logs import NAME
from fairlead_scoring.slot.record import Record
from fairlead_scoring.slot.wire import Head

logger = logging.getLogger(NAME)
LATE = 0.005  # seconds; timers may be as much too early
INIT_SECONDS = 5.0  # what init() takes, as long as none has been measured


class Pool:
    """Keeps ``size`` slots alive and gives each request a place in one of them."""

    def __init__(
        self, size: int, limits: Limits, spawn: Callable[[], Awaitable[Slot]], figures: Figures
    ) -> None:
        self._spawn = spawn
        self._figures = figures
        self._admission: Admission[Slot] = Admission(limits, time.monotonic)
        self._pace = Pace()
        self._starting: set[Slot] = set()
        self._ready: set[Slot] = set()
        self._retired: set[Slot] = set()  # they have something to finish
        self._restarts = [Restarts(time.monotonic) for _ in range(size)]
        self._keepers: set[asyncio.Task[None]] = set()
        self._failed: asyncio.Future[None] | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self.script: Head | None = None

    @property
    def ready(self) -> bool:
        """Every slot has finished ``init()``."""
        return len(self._ready) == len(self._restarts)

    @property
    def serving(self) -> bool:
        """At least one slot has finished ``init()``."""
        return bool(self._ready)

    @property
    def failing(self) -> bool:
        """Every slot dies again and again."""
        return all(one.failing for one in self._restarts)

    @property
    def state(self) -> PoolState:
        places = sum(slot.threads for slot in self._ready)
        busy = sum(slot.busy for slot in self._ready)
        return PoolState(len(self._restarts), len(self._ready), places, busy, self.waiting)

    @property
    def waiting(self) -> int:
        return self._admission.waiting

    @property
    def pending(self) -> int:
        """How many requests run or wait."""
        return self.state.busy + self.waiting

    async def run(self) -> None:
        """Start the slots and replace those that die, until ``close()``.

        Raise ``StartFailedError`` as soon as one does not start; the others go on.
        """
        self._failed = asyncio.get_running_loop().create_future()
        for restarts in self._restarts:
            self._employ(restarts)
        await self._failed

    async def close(self) -> None:
        """End all slots."""
        if self._alarm:
            self._alarm.cancel()
        if self._failed:
            self._failed.cancel()
        keepers = list(self._keepers)
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)

    async def replace(self) -> Record | None:
        """Start every slot anew beside those that serve, and let the new ones take over.

        The old ones finish what they have begun. If a new one does not start, its record is
        returned, and the old ones go on.
        """
        fresh = [await self._spawn() for _ in self._restarts]
        try:
            heads = [await slot.ready() for slot in fresh]
        except StartFailedError as error:
            await asyncio.gather(*(slot.stop(0.0) for slot in fresh))
            return error.record
        old = list(self._keepers)
        self._retired |= self._ready
        for slot in list(self._ready):
            self._forget(slot)
        for restarts, slot, head in zip(self._restarts, fresh, heads, strict=True):
            restarts.answered()
            self._welcome(slot, head, restarts)
            self._employ(restarts, slot)
        for keeper in old:
            keeper.cancel()
        return None

    def refusal(self) -> Reason | None:
        """Return why a request that comes now would be refused, or None."""
        if self.script is None or (not self._ready and self.failing):
            return Reason.STARTING
        return self._admission.refusal()

    def enter(self, turn: Turn[Slot]) -> None:
        """Admit the turn to a slot, now or when it is its turn; or refuse it."""
        refusal = self.refusal()
        if refusal:
            turn.refuse(refusal)
            return
        self._admission.enter(turn)
        if turn.deadline is not None and self._alarm is None:
            self._set_alarm(turn.deadline)

    def leave(self, turn: Turn[Slot]) -> None:
        """Whoever waits has gone away."""
        self._admission.leave(turn)

    def retry_after(self, reason: Reason) -> int:
        """Return in how many seconds a refused request is worth another try."""
        if reason is Reason.STARTING:
            return math.ceil(max(1.0, self._figures.init_seconds or INIT_SECONDS))
        state = self.state
        return self._pace.retry_after(state.busy + state.waiting, state.places)

    def interruption(self) -> Record | None:
        """What to leave behind when we are stopped now; None once a slot has served."""
        starting = None if self._ready else next(iter(self._starting), None)
        return starting.interruption() if starting else None

    def _set_alarm(self, deadline: float) -> None:
        delay = max(0.0, deadline - time.monotonic()) + LATE
        self._alarm = asyncio.get_running_loop().call_later(delay, self._expire)

    def _expire(self) -> None:
        """Refuse those who have waited too long; one timer serves the whole queue."""
        self._alarm = None
        self._admission.expire()
        deadline = self._admission.next_deadline
        if deadline is not None:
            self._set_alarm(deadline)

    def _employ(self, restarts: Restarts, slot: Slot | None = None) -> None:
        """Have somebody keep a slot alive: this one, which is ready, or one that is to be made."""
        keeper = asyncio.create_task(self._keep(restarts, slot))
        keeper.add_done_callback(self._dismiss)
        self._keepers.add(keeper)

    def _dismiss(self, keeper: asyncio.Task[None]) -> None:
        self._keepers.discard(keeper)
        error = None if keeper.cancelled() else keeper.exception()
        if error and self._failed and not self._failed.done():
            self._failed.set_exception(error)

    async def _keep(self, restarts: Restarts, slot: Slot | None) -> None:
        while True:
            try:
                slot = slot or await self._spawn()
            except OSError as error:
                logger.error("A process cannot be started: %s", error)  # noqa: TRY400 - a sentence
            else:
                await self._live(slot, restarts)
            slot, delay = None, restarts.died()
            if not self._ready and self.failing:
                self._admission.turn_away(Reason.STARTING)
            await asyncio.sleep(delay)

    async def _live(self, slot: Slot, restarts: Restarts) -> None:
        """From the start of a slot to its end, and to the end of all that it has started."""
        grace = 0.0  # a start is not worth waiting for
        try:
            if slot not in self._ready:
                await self._start(slot, restarts)
            grace = GRACE
            outcome = await asyncio.shield(slot.gone)
        finally:
            self._forget(slot)
            if slot in self._retired:
                self._retired.discard(slot)
                await slot.idle()
            await slot.stop(grace)
        self._figures.restarts[outcome.value] += 1
        logger.error("The process that ran the script %s. It is started again.", slot.last_words)
        if outcome is Outcome.TIMEOUT:
            restarts.answered()  # the slot was well; a request asked too much of it

    async def _start(self, slot: Slot, restarts: Restarts) -> None:
        self._starting.add(slot)
        try:
            head = await slot.ready()
        except StartFailedError:
            if not self._ready:
                self._admission.turn_away(Reason.STARTING)
            raise
        self._starting.discard(slot)
        self._welcome(slot, head, restarts)

    def _welcome(self, slot: Slot, head: Head, restarts: Restarts) -> None:
        """Let a slot that is ready take requests."""
        self.script = head
        self._figures.init_seconds = slot.start_seconds
        self._ready.add(slot)
        slot.on_over = lambda slot, exchange: self._over(slot, exchange, restarts)
        slot.on_lost = self._admission.withdraw
        restarts.started()
        for _ in range(slot.threads):
            self._admission.offer(slot)

    def _over(self, slot: Slot, exchange: Exchange, restarts: Restarts) -> None:
        seconds = time.monotonic() - exchange.began
        self._pace.note(seconds)
        self._figures.runs.note(seconds)
        if slot.usable and slot in self._ready:
            restarts.answered()
            self._admission.offer(slot)

    def _forget(self, slot: Slot) -> None:
        self._starting.discard(slot)
        self._ready.discard(slot)
        self._admission.withdraw(slot)
