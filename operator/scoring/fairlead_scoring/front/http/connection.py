"""One connection: requests are read, given to the application one by one, and answered in order.

uvicorn listens, makes one of these for each connection, and tells them to end. What is in between
is ours: limits for what is sent and how slowly, and no detour between a request and its slot.
"""

import asyncio
import math
from collections import deque
from typing import Any, cast

import uvicorn
from uvicorn.server import ServerState

from fairlead_scoring.front.http.deadline import Deadline
from fairlead_scoring.front.http.incoming import Application, Incoming, UnreadableError, Visit
from fairlead_scoring.front.http.messages import Response, problem
from fairlead_scoring.front.http.peer import CONTINUE, Probe, address
from fairlead_scoring.front.http.reader import Reader
from fairlead_scoring.front.http.writer import Writer

KEEP_ALIVE = 75.0  # seconds; longer than a proxy keeps an idle connection, so that it closes first
LAST_CALL = 0.2  # seconds that an idle connection has for a last request when we shut down
LINGER = 2.0  # seconds for a client to read our last words before it is cut off


class Connection(asyncio.Protocol):
    """What is in the queue has been read, at least its head, and is to be answered in order."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: object = None,  # noqa: ARG002 - uvicorn has it for others
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._app = cast(Application, config.loaded_app)
        self._server = server_state
        self._queue: deque[Incoming] = deque()
        self._deadline = Deadline(self._too_late)
        self._timed: tuple[Incoming, bool] | None = None
        self._slow_reader: asyncio.TimerHandle | None = None
        self._last = False  # closes when what it has read is answered
        self._lingers = False  # has said its last words
        self._half_closed = self._advancing = self._paused = False

    # What asyncio and uvicorn call

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._writer = Writer(self._transport, self._server)
        largest = self._app.reading.largest_body
        self._reader = Reader(address(self._transport), largest, self._queue.append)
        self._server.connections.add(cast(Any, self))
        self._deadline.set(KEEP_ALIVE)

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
        except UnreadableError as error:
            self._advance()
            self._refuse(error)
        self._advance()

    def eof_received(self) -> bool:
        """The client sends no more. What it has sent whole is owed an answer all the same."""
        if self._reader.incoming in self._queue:
            self._queue.pop()
        if not self._queue:
            return False
        self._reader.incoming = None
        self._half_closed = self._reader.deaf = self._last = True
        self.look_for_the_client()
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - gone is gone
        self._server.connections.discard(cast(Any, self))
        self._reader.deaf = True
        self._deadline.cancel()
        self.resume_writing()
        queue, self._queue = self._queue, deque()
        for incoming in queue:
            if incoming.visit and not incoming.answered:
                incoming.visit.left()

    def pause_writing(self) -> None:
        loop, seconds = asyncio.get_running_loop(), self._app.reading.body_seconds
        self._slow_reader = loop.call_later(seconds, self._transport.abort)
        if self._queue and self._queue[0].visit:
            self._queue[0].visit.pause()

    def resume_writing(self) -> None:
        if self._slow_reader:
            self._slow_reader.cancel()
            self._slow_reader = None
            if self._queue and self._queue[0].visit:
                self._queue[0].visit.resume()

    def shutdown(self) -> None:
        """Finish what has been begun, and what may be on its way already; then close."""
        self._last = True
        if not self._queue and self._reader.incoming is None:
            self._deadline.set(LAST_CALL)

    # What the application calls

    def respond(self, response: Response) -> None:
        """Answer the first in the queue."""
        first = self._queue[0]
        first.closes = self._closes_after(first)
        self._writer.write(first.request, response, closes=first.closes)
        first.answered = True
        self._advance()

    def begin(self, response: Response) -> None:
        """Begin to answer it; ``piece()``, and at last ``finish()`` or ``break_off()``, follow."""
        first = self._queue[0]
        if first.request:
            closes = self._closes_after(first)
            first.closes = not self._writer.begin(first.request, response, closes=closes)

    def piece(self, body: bytes) -> None:
        self._writer.piece(body)

    def finish(self) -> None:
        self._writer.finish()
        self._queue[0].answered = True
        self._advance()

    def break_off(self) -> None:
        """Let the client see that the answer is not whole."""
        self._transport.abort()

    def look_for_the_client(self) -> None:
        """Call ``left()`` of what waits for a slot, once its client is known to have gone."""
        if self._half_closed and self._waits and self._queue[0].knows_interim_answers:
            Probe(self._transport, lambda: self._waits)

    # What we do ourselves

    def _advance(self) -> None:
        """Go on with the queue as far as possible. A loop: a client may send very much at once."""
        if self._advancing:
            return
        self._advancing = True
        while self._queue and self._goes_on(self._queue[0]):
            self._queue.popleft()
        self._advancing = False
        if self._last and not self._queue and self._reader.incoming is None:
            self._close()
        if self._paused or len(self._queue) > 1:
            self._pause_or_resume()
        self._watch_the_clock()

    def _goes_on(self, first: Incoming) -> bool:
        """Do the next for the first in the queue; return whether it is done with."""
        if first.visit is None and first.request:
            first.visit = self._app.visit(first.request, self)
        if first.visit and not first.answered:
            self._hand_over(first, first.visit)
        if first.answered and first.closes and (first.whole or first.waits_to_send):
            while len(self._queue) > 1:  # it has been told that nothing more is answered
                self._queue.pop()
            self._close()
            return True
        return first.answered and first.whole

    def _hand_over(self, first: Incoming, visit: Visit) -> None:
        """Give it its body as soon as that is whole, or as soon as it is clear that it is not."""
        if first.size > self._app.reading.largest_body:
            visit.reject(self._app.too_large())
        elif first.whole and not first.taken:
            first.taken = True
            visit.take(bytes(first.body))
        elif first.waits_to_send and not first.whole:
            first.expects_continue = False
            self._transport.write(CONTINUE)

    def _closes_after(self, first: Incoming) -> bool:
        is_last = (self._last or self._app.draining) and len(self._queue) == 1
        return is_last or not first.keep_alive or (first.waits_to_send and not first.whole)

    def _refuse(self, error: UnreadableError) -> None:
        """Say why what is being read is not read any further, unless its answer has been given."""
        incoming, self._reader.incoming = self._reader.incoming, None
        self._reader.deaf = self._last = True
        if incoming is None or incoming not in self._queue:
            if not self._queue and not self._lingers:
                self._writer.write(None, problem(error.status, str(error)), closes=True)
                self._close()
        elif incoming is not self._queue[0]:  # what was read before is answered all the same
            self._queue.remove(incoming)
        elif incoming.answered or incoming.visit is None:  # it has been told; enough is enough
            self._transport.abort()
        else:
            incoming.whole = incoming.taken = True
            incoming.visit.reject(problem(error.status, str(error)))

    def _close(self) -> None:
        """Close our half, and wait a little for the client: if it still sends, a connection closed
        at once makes it lose the answer that it has not read yet."""
        self._reader.deaf = True
        if self._half_closed:
            self._transport.close()
        elif not self._lingers and not self._transport.is_closing():
            self._lingers = True
            self._transport.write_eof()
            self._deadline.set(LINGER)

    def _pause_or_resume(self) -> None:
        """Read no further than one request ahead."""
        ahead = len(self._queue) > 1
        if ahead is self._paused or self._reader.deaf or self._transport.is_closing():
            return
        self._paused = ahead
        if ahead:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _watch_the_clock(self) -> None:
        """A head may last only so long, and a body; an idle connection is closed some day."""
        reading = None if self._paused else self._reader.incoming
        stage = None if reading is None else (reading, reading.request is None)
        if self._lingers or (stage is not None and stage == self._timed):
            return
        self._timed = stage
        if stage is None:
            self._deadline.set(math.inf if self._queue else KEEP_ALIVE)
        else:
            limits = self._app.reading
            self._deadline.set(limits.head_seconds if stage[1] else limits.body_seconds)

    def _too_late(self) -> None:
        if self._lingers:
            self._transport.abort()
        elif self._reader.incoming is None:
            self._transport.close()
        else:
            part = "head" if self._reader.reads_head else "body"
            self._refuse(UnreadableError(408, f"The {part} of the request came too slowly."))

    @property
    def _waits(self) -> bool:
        """Whether the first in the queue waits for a slot."""
        return any(one.visit is not None and one.visit.waiting for one in self._queue)
