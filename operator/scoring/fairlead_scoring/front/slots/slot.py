"""One slot, seen from the front: it starts, it runs requests, it ends."""

import asyncio
import logging
import time
from collections.abc import Callable

from fairlead_scoring.front.config.settings import Settings
from fairlead_scoring.front.slots.in_flight import AnswerListener, InFlightRequest, Outcome
from fairlead_scoring.front.slots.process import SlotProcess
from fairlead_scoring.front.slots.process_exit import ProcessExit
from fairlead_scoring.front.slots.startup import SlotStartup, SpawnError
from fairlead_scoring.slot.console import LOGGER_NAME
from fairlead_scoring.slot.interrupt import INTERRUPT_SIGNAL, STACK_SIGNAL
from fairlead_scoring.slot.record import Record
from fairlead_scoring.slot.wire import FrameHead

logger = logging.getLogger(LOGGER_NAME)
KILLED_BY_TIMEOUT = (
    "was killed because run() took longer than SCORING_TIMEOUT_MS and did not end when interrupted"
)
NOT_INTERRUPTED = (
    "run() cannot be interrupted: it is in a call into C, or has changed the handling of signals. "
    "Its process is killed, and leaves its stack here before:"
)
INTERRUPT_GRACE_S = 2.0  # that a run() has to end once it was interrupted
STACK_GRACE_S = 0.2  # that the process has to write its stack
STOP_GRACE_S = 5.0  # that a slot has to end by itself when it is told to
MIN_TIMER_S = 0.001  # a timer may fire early by as much
CANCEL_GRACE_S = 30.0  # that a script may go on streaming to a client that has gone away


class Slot:
    """The caller never sends more requests at a time than there are ``threads``.

    ``on_request_done`` is called for each request when the slot has finished it, or has died over
    it; ``on_pipe_closed`` when it takes no more. ``exited`` is set when its process has ended.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._timeout_s = settings.scoring_timeout_ms / 1000
        self._timer: asyncio.TimerHandle | None = None
        self._in_flight: dict[int, InFlightRequest] = {}
        self._seq = 0
        self._killed_for: Outcome | None = None
        self._idle: asyncio.Future[None] | None = None
        self._debugger_attached = False
        self._debugger_listening = False
        self._process = SlotProcess(
            self._receive, lambda: self.on_pipe_closed(self), self._process_exited
        )
        self._startup = SlotStartup(settings.layout, settings.init_warning_s)
        self.threads = settings.threads
        self.on_request_done: Callable[[Slot, InFlightRequest], None] = lambda _slot, _request: None
        self.on_pipe_closed: Callable[[Slot], None] = lambda _: None
        self.exited: asyncio.Future[Outcome] = self._loop.create_future()
        self.exit_description = ""
        self.run_failure: Record | None = None  # of the first run() that failed, where it is told

    @classmethod
    async def spawn(cls, settings: Settings) -> "Slot":
        """Raise ``SpawnError`` if no process can be started."""
        slot = cls(settings)
        try:
            await slot._process.spawn(settings.environ, settings.edits)
        except OSError as error:
            raise SpawnError(slot._startup.spawn_failure(error)) from error
        slot._process.pipe.send(settings.start_frame)
        return slot

    async def ready(self) -> FrameHead:
        """Wait for ``init()`` and return the ``ready`` frame. Raise ``StartFailedError``."""
        return await self._startup.ready()

    @property
    def start_s(self) -> float:
        """Seconds since the start."""
        return self._startup.elapsed_s

    @property
    def usable(self) -> bool:
        """Whether it takes requests."""
        return self._killed_for is None and not self._process.pipe.closed.is_set()

    @property
    def busy(self) -> int:
        """The number of requests in it."""
        return len(self._in_flight)

    @property
    def debugger_attached(self) -> bool:
        """Whether a debugger is attached to its process."""
        return self._debugger_attached

    @property
    def debugger_listening(self) -> bool:
        """Whether a debugger can attach to its process."""
        return self._debugger_listening

    def send(
        self, head: FrameHead, body: bytes | bytearray, listener: AnswerListener
    ) -> InFlightRequest:
        """Send a request to the slot. The listener receives what becomes of it."""
        self._seq += 1
        request = InFlightRequest(self._seq, listener)
        self._in_flight[self._seq] = request
        head["type"], head["seq"] = "request", self._seq
        self._process.pipe.send(head, body)
        if self._timeout_s and self._timer is None:
            self._timer = self._loop.call_later(self._timeout_s, self._check_timeouts)
        return request

    def cancel(self, request: InFlightRequest) -> None:
        """Stop a streamed answer: its client has gone away."""
        if not request.done:
            self.resume()
            self._process.pipe.send({"type": "cancel", "seq": request.seq})
            self._loop.call_later(CANCEL_GRACE_S, self._kill_if_in_flight, request)

    def pause(self) -> None:
        """Stop reading what it sends until ``resume()``."""
        self._process.pipe.pause()

    def resume(self) -> None:
        self._process.pipe.resume()

    def interruption(self) -> Record:
        """Return the record of a service that is stopped while ``init()`` still runs."""
        return self._startup.interruption()

    async def idle(self) -> None:
        """Wait until no request is in it."""
        while self._in_flight:
            self._idle = self._loop.create_future()
            await self._idle

    async def stop(self, grace_s: float = STOP_GRACE_S) -> None:
        """End the process and its children, and wait for that."""
        self._process.stop(grace_s)
        await asyncio.shield(self.exited)

    def _receive(self, head: FrameHead, body: bytes) -> None:
        request = self._in_flight.get(head.get("seq", 0))
        if request is None:
            self._receive_state(head)
            return
        request.receive(head, body)
        if request.done:
            del self._in_flight[request.seq]
            self.on_request_done(self, request)
            self._set_idle()

    def _receive_state(self, head: FrameHead) -> None:
        """Process a frame that belongs to no request."""
        if head["type"] in SlotStartup.FRAMES:
            self._startup.receive(head)
        elif head["type"] == "run_failed":
            self.run_failure = self.run_failure or head["record"]
        elif head["type"] == "listening":
            self._debugger_listening = True
        elif head["type"] == "attached":
            self._debugger_attached = head["attached"]
            if not self._debugger_attached:  # time under the debugger does not count
                self._restart_clocks()

    def _restart_clocks(self) -> None:
        for request in self._in_flight.values():
            request.started_at = time.monotonic()

    def _set_idle(self) -> None:
        if self._idle and not self._in_flight and not self._idle.done():
            self._idle.set_result(None)

    def _check_timeouts(self) -> None:
        """Time out what has run too long. One timer serves all, for all have the same limit."""
        self._timer = None
        oldest = time.monotonic() - self._timeout_s
        for request in self._running():
            if self._debugger_attached:
                request.started_at = time.monotonic()
            elif request.started_at <= oldest:
                request.time_out()
                self._interrupt(request)
        next_start = min((one.started_at for one in self._running()), default=None)
        if next_start is not None:
            delay = max(MIN_TIMER_S, next_start - oldest)
            self._timer = self._loop.call_later(delay, self._check_timeouts)

    def _interrupt(self, request: InFlightRequest) -> None:
        """Ask ``run()`` to end, which has been answered for, and give it some time for that."""
        self._process.pipe.send({"type": "interrupt", "seq": request.seq})
        if self.threads == 1:
            self._process.signal(INTERRUPT_SIGNAL)
        self._loop.call_later(INTERRUPT_GRACE_S, self._end_overdue, request)

    def _end_overdue(self, request: InFlightRequest) -> None:
        """Kill the process if the request has ignored the interrupt, and no other runs in it."""
        overdue = sum(one.timed_out for one in self._in_flight.values())
        if request.seq not in self._in_flight or overdue < self.threads:
            return
        if self._debugger_attached:
            self._loop.call_later(INTERRUPT_GRACE_S, self._end_overdue, request)
        elif self.threads == 1 and not request.interrupted:
            logger.error(NOT_INTERRUPTED)
            self._process.signal(STACK_SIGNAL)
            self._loop.call_later(STACK_GRACE_S, self._kill_if_in_flight, request)
        else:
            self._kill(Outcome.TIMEOUT)

    def _running(self) -> list[InFlightRequest]:
        return [one for one in self._in_flight.values() if one.running]

    def _kill_if_in_flight(self, request: InFlightRequest) -> None:
        if request.seq in self._in_flight:
            self._kill(Outcome.TIMEOUT if request.timed_out else Outcome.KILLED)

    def _kill(self, outcome: Outcome) -> None:
        self._killed_for = outcome
        self._process.kill()

    def _process_exited(self, end: ProcessExit) -> None:
        if self._timer:
            self._timer.cancel()
        overdue = any(request.timed_out for request in self._in_flight.values())
        outcome = self._killed_for or (Outcome.TIMEOUT if overdue else end.outcome)
        timed_out = outcome is Outcome.TIMEOUT
        self.exit_description = KILLED_BY_TIMEOUT if timed_out else end.description
        in_flight, self._in_flight = self._in_flight, {}
        for request in in_flight.values():
            request.fail(outcome)
            self.on_request_done(self, request)
        self._set_idle()
        self._startup.process_exited(end)
        self.exited.set_result(outcome)
