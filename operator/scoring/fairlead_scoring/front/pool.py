"""The slots and the queue before them: first come, first served, one request a slot at a time."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from fairlead_scoring.front.failure import StartFailedError
from fairlead_scoring.front.process import GRACE, Slot
from fairlead_scoring.slot.logs import NAME
from fairlead_scoring.slot.record import Record
from fairlead_scoring.slot.wire import Head

logger = logging.getLogger(NAME)


class NoSlotError(Exception):
    """No slot is left that could take the request, and none will start."""


class Pool:
    """Keeps ``size`` slots alive and gives each request one of them."""

    def __init__(self, size: int, spawn: Callable[[], Awaitable[Slot]]) -> None:
        self._size = size
        self._spawn = spawn
        self._starting: set[Slot] = set()
        self._ready: set[Slot] = set()
        self._idle: deque[Slot] = deque()
        self._queue: deque[asyncio.Future[Slot]] = deque()
        self._keepers: list[asyncio.Task[None]] = []

    @property
    def ready(self) -> bool:
        """Every slot has finished ``init()``."""
        return len(self._ready) == self._size

    @property
    def serving(self) -> bool:
        """At least one slot has finished ``init()``."""
        return bool(self._ready)

    @property
    def pending(self) -> int:
        """How many requests run or wait."""
        return len(self._ready) - len(self._idle) + len(self._queue)

    async def run(self) -> None:
        """Start the slots and replace those that die, until ``close()``.

        Raise ``StartFailedError`` as soon as one does not start; the others go on.
        """
        self._keepers = [asyncio.create_task(self._keep_one()) for _ in range(self._size)]
        await asyncio.gather(*self._keepers)

    async def close(self) -> None:
        """End all slots."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    async def score(self, request: Head, body: bytes) -> tuple[Head, bytes]:
        """Wait for a slot and return its answer. Raise ``NoSlotError`` or ``SlotGoneError``."""
        slot = await self._take()
        try:
            return await slot.score(request, body)
        finally:
            self._give_back(slot)

    def interruption(self) -> Record | None:
        """What to leave behind when we are stopped now; None once a slot has served."""
        starting = None if self._ready else next(iter(self._starting), None)
        return starting.interruption() if starting else None

    async def _keep_one(self) -> None:
        while True:
            slot = await self._spawn()
            grace = 0.0  # a start is not worth waiting for
            try:
                await self._start(slot)
                grace = GRACE
                await slot.gone.wait()
            finally:
                self._forget(slot)
                how = await slot.stop(grace)
            logger.error("The process that ran the script %s. It is started again.", how)

    async def _start(self, slot: Slot) -> None:
        self._starting.add(slot)
        try:
            await slot.ready()
        except StartFailedError:
            if not self._ready:
                self._turn_away()
            raise
        self._starting.discard(slot)
        self._ready.add(slot)
        self._offer(slot)

    async def _take(self) -> Slot:
        if self._idle:
            return self._idle.popleft()
        turn: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        return await turn

    def _give_back(self, slot: Slot) -> None:
        if slot in self._ready and not slot.gone.is_set():
            self._offer(slot)

    def _offer(self, slot: Slot) -> None:
        if self._queue:
            self._queue.popleft().set_result(slot)
        else:
            self._idle.append(slot)

    def _turn_away(self) -> None:
        while self._queue:
            self._queue.popleft().set_exception(NoSlotError())

    def _forget(self, slot: Slot) -> None:
        self._starting.discard(slot)
        self._ready.discard(slot)
        if slot in self._idle:
            self._idle.remove(slot)
