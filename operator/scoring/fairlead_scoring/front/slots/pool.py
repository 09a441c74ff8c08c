"""The slots behind their queue: each waiting request gets the next free place in one of them."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable

from fairlead_scoring.front.config.settings import QueueLimits
from fairlead_scoring.front.metrics import Metrics, PoolState
from fairlead_scoring.front.queue.admission import QueueEntry, RejectionReason
from fairlead_scoring.front.queue.request_queue import RequestQueue, ServiceTimeAverage
from fairlead_scoring.front.slots.in_flight import InFlightRequest, Outcome
from fairlead_scoring.front.slots.restart_backoff import RestartBackoff
from fairlead_scoring.front.slots.slot import STOP_GRACE_S, Slot
from fairlead_scoring.front.slots.startup import SpawnError, StartFailedError
from fairlead_scoring.slot.console import LOGGER_NAME
from fairlead_scoring.slot.record import Record
from fairlead_scoring.slot.wire import FrameHead

logger = logging.getLogger(LOGGER_NAME)
MAX_SPAWN_FAILURES = 6  # in a row, in which 15 s pass, until a service without a slot gives up
DEFAULT_INIT_S = 5.0  # how long init() takes, as long as that has not been measured


class SlotPool:
    """Keeps ``size`` slots running and gives each request a place in one of them."""

    def __init__(
        self, size: int, limits: QueueLimits, spawn: Callable[[], Awaitable[Slot]], metrics: Metrics
    ) -> None:
        self._spawn = spawn
        self._metrics = metrics
        self._queue: RequestQueue[Slot] = RequestQueue(limits)
        self._service_time = ServiceTimeAverage()
        self._starting: set[Slot] = set()
        self._ready: set[Slot] = set()
        self._retired: set[Slot] = set()  # replaced, with requests still in them
        self._backoffs = [RestartBackoff(time.monotonic) for _ in range(size)]
        self._supervisors: set[asyncio.Task[None]] = set()
        self._failed: asyncio.Future[None] | None = None
        self._refusal: RejectionReason | None = None
        self.script: FrameHead | None = None  # the newest ``ready`` frame

    @property
    def ready(self) -> bool:
        """Every slot has finished ``init()``."""
        return len(self._ready) == len(self._backoffs)

    @property
    def serving(self) -> bool:
        """At least one slot has finished ``init()``."""
        return bool(self._ready)

    @property
    def failing(self) -> bool:
        """Every slot exits again and again."""
        return all(one.failing for one in self._backoffs)

    @property
    def debugger_attached(self) -> bool:
        """A debugger is attached to a slot, be it one that starts or that has been replaced."""
        return any(slot.debugger_attached for slot in self._slots)

    @property
    def debugger_listening(self) -> bool:
        """A debugger can attach to one of them."""
        return any(slot.debugger_listening for slot in self._slots)

    @property
    def _slots(self) -> set[Slot]:
        return self._starting | self._ready | self._retired

    @property
    def state(self) -> PoolState:
        places = sum(slot.threads for slot in self._ready)
        busy = sum(slot.busy for slot in self._ready)
        return PoolState(len(self._backoffs), len(self._ready), places, busy, self.waiting)

    @property
    def waiting(self) -> int:
        """The length of the queue."""
        return self._queue.waiting

    @property
    def pending(self) -> int:
        """How many requests run or wait."""
        return self.state.busy + self.waiting

    async def run(self) -> None:
        """Start the slots and replace those that exit, until ``close()``.

        Raise ``StartFailedError`` as soon as one does not start; the others go on.
        """
        self._failed = asyncio.get_running_loop().create_future()
        for backoff in self._backoffs:
            self._supervise(backoff)
        await self._failed

    async def close(self) -> None:
        """End all slots."""
        self._queue.close()
        if self._failed:
            self._failed.cancel()
        supervisors = list(self._supervisors)
        for supervisor in supervisors:
            supervisor.cancel()
        await asyncio.gather(*supervisors, return_exceptions=True)

    async def replace(self) -> Record | None:
        """Start new slots beside those that serve, and replace these once all new ones are ready.

        The old ones finish the requests that are in them. If a new one does not start, its record
        is returned, and the old ones go on.
        """
        new = [await self._spawn() for _ in self._backoffs]
        try:
            heads = [await slot.ready() for slot in new]
        except StartFailedError as error:
            await asyncio.gather(*(slot.stop(0.0) for slot in new))
            return error.record
        old = list(self._supervisors)
        self._retired |= self._ready
        for slot in list(self._ready):
            self._remove(slot)
        for backoff, slot, head in zip(self._backoffs, new, heads, strict=True):
            backoff.reset()
            self._add_ready(slot, head, backoff)
            self._supervise(backoff, slot)
        for supervisor in old:
            supervisor.cancel()
        return None

    def rejection(self) -> RejectionReason | None:
        """Return why a request that comes now would be rejected, or None."""
        if not self._ready and self.failing:
            return RejectionReason.STARTING
        return self._refusal or self._queue.rejection()

    def enqueue(self, entry: QueueEntry[Slot]) -> None:
        """Admit the request to a slot, now or later; or reject it."""
        rejection = self.rejection()
        if rejection:
            entry.on_rejected(rejection)
        else:
            self._queue.enqueue(entry)

    def cancel(self, entry: QueueEntry[Slot]) -> None:
        """Remove a request from the queue."""
        self._queue.cancel(entry)

    def refuse_all(self, reason: RejectionReason) -> None:
        """Reject the requests that wait, and those that come: no slot will be ready any more."""
        self._refusal = reason
        self._queue.reject_all(reason)

    def give_back(self, slot: Slot) -> None:
        """Give the place in a slot to the next request: the one that had it does not need it."""
        asyncio.get_running_loop().call_soon(self._release, slot)

    def retry_after_s(self, reason: RejectionReason) -> int:
        """Return in how many seconds a rejected request should be sent again."""
        if reason is RejectionReason.STARTING:
            backoff_s = min(one.remaining_s for one in self._backoffs)
            return math.ceil(max(1.0, backoff_s + (self._metrics.init_s or DEFAULT_INIT_S)))
        state = self.state
        return self._service_time.retry_after_s(state.busy + state.waiting, state.places)

    def interruption(self) -> Record | None:
        """Return the record of a service that is stopped now; None once a slot is ready."""
        starting = None if self._ready else next(iter(self._starting), None)
        return starting.interruption() if starting else None

    def _supervise(self, backoff: RestartBackoff, slot: Slot | None = None) -> None:
        """Keep a slot running: this one, which is ready, or one that is to be started."""
        supervisor = asyncio.create_task(self._keep_running(backoff, slot))
        supervisor.add_done_callback(self._supervisor_done)
        self._supervisors.add(supervisor)

    def _supervisor_done(self, supervisor: asyncio.Task[None]) -> None:
        self._supervisors.discard(supervisor)
        error = None if supervisor.cancelled() else supervisor.exception()
        if error and self._failed and not self._failed.done():
            self._failed.set_exception(error)

    async def _keep_running(self, backoff: RestartBackoff, slot: Slot | None) -> None:
        failed = 0
        while True:
            try:
                slot = slot or await self._spawn()
            except SpawnError as error:
                failed += 1
                logger.error("%s", error)  # noqa: TRY400 - no traceback
                if failed >= MAX_SPAWN_FAILURES and not self._ready:
                    raise StartFailedError(error.record) from error
            else:
                failed = 0
                await self._run_until_exit(slot, backoff)
            slot, delay_s = None, backoff.record_exit()
            if not self._ready and self.failing:
                self._queue.reject_all(RejectionReason.STARTING)
            await asyncio.sleep(delay_s)

    async def _run_until_exit(self, slot: Slot, backoff: RestartBackoff) -> None:
        """From the start of a slot to the exit of its process and of all its children."""
        grace_s = 0.0  # a slot that starts has nothing to finish
        try:
            if slot not in self._ready:
                await self._start(slot, backoff)
            grace_s = STOP_GRACE_S
            outcome = await asyncio.shield(slot.exited)
        finally:
            self._remove(slot)
            if slot in self._retired:
                self._retired.discard(slot)
                await slot.idle()
            await slot.stop(grace_s)
        self._metrics.slot_restarts[outcome.value] += 1
        logger.error(
            "The process that ran the script %s. It is started again.", slot.exit_description
        )
        if outcome is Outcome.TIMEOUT:
            backoff.reset()  # the request, not the slot, was at fault

    async def _start(self, slot: Slot, backoff: RestartBackoff) -> None:
        self._starting.add(slot)
        try:
            head = await slot.ready()
        except StartFailedError:
            if not self._ready:
                self.refuse_all(RejectionReason.STARTING)
            raise
        self._starting.discard(slot)
        self._add_ready(slot, head, backoff)

    def _add_ready(self, slot: Slot, head: FrameHead, backoff: RestartBackoff) -> None:
        """Let a slot that is ready take requests."""
        self.script = head
        self._metrics.init_s = slot.start_s
        self._ready.add(slot)
        slot.on_request_done = lambda slot, request: self._request_done(slot, request, backoff)
        slot.on_pipe_closed = self._queue.withdraw
        backoff.record_ready()
        for _ in range(slot.threads):
            self._queue.release(slot)

    def _request_done(self, slot: Slot, request: InFlightRequest, backoff: RestartBackoff) -> None:
        seconds = time.monotonic() - request.started_at
        self._service_time.record(seconds)
        self._metrics.run_s.observe(seconds)
        if slot.usable and slot in self._ready:
            backoff.reset()
            self._queue.release(slot)

    def _release(self, slot: Slot) -> None:
        if slot.usable and slot in self._ready:
            self._queue.release(slot)

    def _remove(self, slot: Slot) -> None:
        self._starting.discard(slot)
        self._ready.discard(slot)
        self._queue.withdraw(slot)
