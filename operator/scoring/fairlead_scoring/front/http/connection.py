"""One connection: requests are read, passed to the application one by one, and answered in order.

uvicorn listens, makes one of these for each connection, and shuts them down. The rest is ours:
limits for the size and the duration of what a client sends, and a short way from there to a slot.
"""

import asyncio
import math
from collections import deque
from typing import Any, cast

import uvicorn
from uvicorn.server import ServerState

from fairlead_scoring.front.http.body_intake import BodyIntake
from fairlead_scoring.front.http.deadline import Deadline
from fairlead_scoring.front.http.incoming import IncomingRequest, UnreadableError
from fairlead_scoring.front.http.messages import Response, json_error, payload_too_large
from fairlead_scoring.front.http.peer import CONTINUE, ClientProbe, own_port, peer_address
from fairlead_scoring.front.http.protocols import Application, RequestHandler
from fairlead_scoring.front.http.reader import RequestReader
from fairlead_scoring.front.http.write_timeout import WriteTimeout
from fairlead_scoring.front.http.writer import ResponseWriter
from fairlead_scoring.front.queue.admission import RejectionReason

KEEP_ALIVE_S = 125.0  # longer than proxies do (Traefik 90 s, Caddy 120 s), so that they close first
SHUTDOWN_GRACE_S = 0.2  # for a last request on an idle connection
MAX_PIPELINE = 2  # requests whose head has been read: one is being answered
LINGER_S = 2.0  # for a client to read the last answer before its connection is aborted


class HttpConnection(asyncio.Protocol):
    """``_pipeline`` holds the requests whose head has been read, in the order of their answers."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: object = None,  # noqa: ARG002 - uvicorn passes it
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._app = cast(Application, config.loaded_app)
        self._server = server_state
        self._pipeline: deque[IncomingRequest] = deque()
        self._deadline = Deadline(self._on_deadline)
        self._timed_stage: tuple[IncomingRequest, str] | None = None
        self._closing = False  # closes when what it has read is answered
        self._lingering = False  # waits for the client to close its half
        self._half_closed = self._advancing = self._paused = False

    # What asyncio and uvicorn call

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._writer = ResponseWriter(self._transport, self._server)
        limits = self._app.read_limits
        self._write_timeout = WriteTimeout(self._transport, limits.write_timeout_s)
        max_body_bytes = limits.largest_body_bytes
        self._peer, port = peer_address(self._transport), own_port(self._transport)
        self._reader = RequestReader(
            self._peer, port, max_body_bytes, self._pipeline.append, self._app.large_heads
        )
        self._intake = BodyIntake(
            self._app.body_budget,
            max_body_bytes,
            on_room=self._advance,
            on_no_room=self._refuse_for_room,
            on_too_slow=self._refuse,
        )
        self._server.connections.add(cast(Any, self))
        self._deadline.set(KEEP_ALIVE_S)

    def data_received(self, data: bytes) -> None:
        self._reader.receive(data)
        self._advance()

    def eof_received(self) -> bool:
        """The client sends no more. Its complete requests are answered all the same."""
        if self._reader.incoming in self._pipeline:
            self._pipeline.pop()
        if not self._pipeline:
            return False
        self._reader.incoming = None
        self._half_closed = self._reader.stopped = self._closing = True
        self.probe_client()
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._server.connections.discard(cast(Any, self))
        self._timed_stage = None  # it refers to a request, and so to its body
        self._reader.close()
        self._intake.close()
        self._deadline.close()
        self.resume_writing()
        pipeline, self._pipeline = self._pipeline, deque()
        for incoming in pipeline:
            if incoming.handler and not incoming.answered:
                incoming.handler.on_disconnect()

    def pause_writing(self) -> None:
        self._write_timeout.start()
        if self._pipeline and self._pipeline[0].handler:
            self._pipeline[0].handler.pause()

    def resume_writing(self) -> None:
        if self._write_timeout.runs:
            self._write_timeout.stop()
            if self._pipeline and self._pipeline[0].handler:
                self._pipeline[0].handler.resume()

    def shutdown(self) -> None:
        """Finish what has begun, and what may be on its way already; then close."""
        self._closing = True
        if not self._pipeline and self._reader.incoming is None:
            self._deadline.set(SHUTDOWN_GRACE_S)

    # What the application calls

    def respond(self, response: Response) -> None:
        """Answer the first request of the pipeline."""
        first = self._pipeline[0]
        first.closes = self._closes_after(first)
        self._writer.write(first.request, response, closes=first.closes)
        first.answered = True
        first.body = None
        self._intake.give_up()
        self._advance()

    def start_response(self, response: Response) -> None:
        """Begin to answer the first request of the pipeline, piece by piece.

        ``send_chunk()``, and at last ``end_response()`` or ``abort_response()``, follow.
        """
        first = self._pipeline[0]
        if first.request:
            closes = self._closes_after(first)
            first.closes = not self._writer.start(first.request, response, closes=closes)

    def send_chunk(self, body: bytes) -> None:
        self._writer.send_chunk(body)

    def end_response(self) -> None:
        self._writer.end()
        self._pipeline[0].answered = True
        self._advance()

    def abort_response(self) -> None:
        """Show the client that the answer is incomplete."""
        self._transport.abort()

    def probe_client(self) -> None:
        """Call ``on_disconnect()`` of a request in the queue once its client is gone."""
        if self._half_closed and self._queued and self._pipeline[0].allows_interim_answers:
            ClientProbe(self._transport, lambda: self._queued)

    # Internal

    def _advance(self) -> None:
        """Process and parse as far as possible. A loop: a client may send many at once."""
        if self._advancing:
            return
        self._advancing = True
        more = True
        while more:
            while self._pipeline and self._process(self._pipeline[0]):
                self._pipeline.popleft()
            more = len(self._pipeline) < MAX_PIPELINE and not self._intake.waits and self._parse()
        self._advancing = False
        if self._closing and not self._pipeline and self._reader.incoming is None:
            self._close()
        if self._paused or self._blocked:
            self._pause_or_resume()
        self._set_deadline()

    def _parse(self) -> bool:
        """Parse the next piece; return False if there is none."""
        try:
            return self._reader.parse()
        except UnreadableError as problem:
            while self._pipeline and self._process(self._pipeline[0]):
                self._pipeline.popleft()
            self._reject(problem)
            return True

    @property
    def _blocked(self) -> bool:
        """Whether nothing more is read: it is one request ahead, or there is no room for a body."""
        return len(self._pipeline) >= MAX_PIPELINE or self._intake.waits

    def _process(self, first: IncomingRequest) -> bool:
        """Take the next step for the first request; return whether it is finished."""
        if first.handler is None and first.request:
            first.handler = self._app.handle(first.request, self)
        if first.handler and not first.answered:
            self._deliver_body(first, first.handler)
        if first.answered and first.closes and (first.complete or first.awaits_continue):
            while len(self._pipeline) > 1:  # the client knows that nothing more is answered
                self._pipeline.pop()
            self._close()
            return True
        return first.answered and first.complete

    def _deliver_body(self, first: IncomingRequest, handler: RequestHandler) -> None:
        """Pass the body on once it is complete, or once it is clear that it is too large."""
        limits = self._app.read_limits
        if first.received_bytes > limits.largest_body_bytes:
            handler.respond(payload_too_large(limits))
        elif first.delivered or not self._intake.has_room(first, self._reader.unparsed_bytes):
            return
        elif first.complete:
            first.delivered = True
            handler.on_body(self._intake.take_body(first))
        elif first.awaits_continue:
            first.expects_continue = False
            self._transport.write(CONTINUE)

    def _closes_after(self, first: IncomingRequest) -> bool:
        is_last = (self._closing or self._app.draining) and len(self._pipeline) == 1
        return is_last or not first.keep_alive or (first.awaits_continue and not first.complete)

    def _reject(self, problem: UnreadableError) -> None:
        """Answer a request that is not read any further with the reason, unless it is answered."""
        self._app.unreadable(self._peer, problem.status, str(problem))
        incoming, self._reader.incoming = self._reader.incoming, None
        self._reader.stopped = self._closing = True
        if incoming is None or incoming not in self._pipeline:
            if not self._pipeline and not self._lingering:
                self._writer.write(None, json_error(problem.status, str(problem)), closes=True)
                self._close()
        elif incoming is not self._pipeline[0]:  # earlier requests are answered all the same
            self._pipeline.remove(incoming)
        elif incoming.answered or incoming.handler is None:
            self._transport.abort()
        else:
            incoming.complete = incoming.delivered = True
            incoming.handler.respond(json_error(problem.status, str(problem)))

    def _refuse_for_room(self) -> None:
        """There is no room for the body that is read now."""
        if self._pipeline and self._pipeline[0].handler:
            self._pipeline[0].handler.on_rejected(RejectionReason.BODY_BUDGET)

    def _refuse(self, problem: UnreadableError) -> None:
        self._reject(problem)
        self._advance()

    def _close(self) -> None:
        """Close our half, and wait a little for the client to close its own: if it still sends, a
        connection closed at once makes it lose the answer that it has not read yet."""
        self._reader.stopped = True
        if self._half_closed:
            self._transport.close()
        elif not self._lingering and not self._transport.is_closing():
            self._lingering = True
            self._transport.write_eof()
            self._deadline.set(LINGER_S)

    def _pause_or_resume(self) -> None:
        blocked = self._blocked
        if blocked is self._paused or self._reader.stopped or self._transport.is_closing():
            return
        self._paused = blocked
        if blocked:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _set_deadline(self) -> None:
        """Limit how long each part of a request may take, and how long a connection is idle."""
        if self._lingering:
            return
        stage = self._stage if self._intake.waits or self._reader.incoming else None
        if stage is None:
            self._timed_stage = None
            self._deadline.set(math.inf if self._pipeline else KEEP_ALIVE_S)
        elif stage != self._timed_stage:
            self._timed_stage = stage
            self._deadline.set(self._app.read_limits.seconds_for(stage[1]))

    @property
    def _stage(self) -> tuple[IncomingRequest, str] | None:
        """The request that the client keeps us waiting for, or whose body waits for room."""
        if self._intake.waits:
            return self._pipeline[0], "room"
        reading = None if self._paused else self._reader.incoming
        return None if reading is None else (reading, self._reader.part)

    def _on_deadline(self) -> None:
        if self._lingering:
            self._transport.abort()
        elif self._intake.waits:
            self._refuse_for_room()
        elif self._reader.incoming is None:
            self._transport.close()
        else:
            part = self._reader.part
            self._refuse(UnreadableError(408, f"The {part} of the request came too slowly."))

    @property
    def _queued(self) -> bool:
        """Whether a request waits for a slot."""
        return any(one.handler is not None and one.handler.queued for one in self._pipeline)
