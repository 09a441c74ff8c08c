"""One connection: uvicorn's protocol, with limits for what a client may send and how slowly.

It also tells the application what ASGI does not: that a client went away while it waits its turn.
"""

import asyncio
import json
import logging
import socket
from collections.abc import Callable
from enum import Enum
from typing import Any

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from fairlead_scoring.front.settings import Reading
from fairlead_scoring.slot.logs import NAME

logger = logging.getLogger(NAME)
EXTENSION = "fairlead.client"
# The reference server's own limits for a field and their number; its line may have 4094 bytes.
LONGEST_LINE, LONGEST_FIELD, MOST_FIELDS = 8190, 8190, 100
LARGEST_HEAD = 2**20  # bytes; no head within the limits above is larger
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PROBE_INTERVAL = 0.1  # seconds
TCP_CLOSE = 7  # the state of a connection that the other side has reset, linux/tcp_states.h


class Stage(Enum):
    """What of a request is being read."""

    NOTHING = "nothing"
    HEAD = "head"
    BODY = "body"


class Connection(HttpToolsProtocol):
    """``reading`` is set in a class of its own: see ``connection_type``."""

    reading = Reading()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._stage = Stage.NOTHING
        self._timed: Stage = Stage.NOTHING
        self._deadline: asyncio.TimerHandle | None = None
        self._refusal: tuple[int, str] | None = None
        self._refused = False
        self._half_closed = False
        self._head_size = self._fields = self._discarded = 0
        self._watchers: list[Callable[[], None]] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_a_request()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        super().data_received(data)
        if self._stage is Stage.HEAD:
            self._head_size += len(data)
            if self._head_size > LARGEST_HEAD:
                self._refuse(431, "The head of the request is too large.")
        self._set_deadline()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """The client sends no more. It may have gone, or it may only have said all it had to say.

        To the latter we owe its answers; the former shows when something is sent to it.
        """
        busy = self.cycle is not None and not self.cycle.response_complete
        if not busy or self._stage is not Stage.NOTHING:
            return None
        self._half_closed = True
        self.cycle.keep_alive = False
        self._probe()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stage = Stage.NOTHING
        self._set_deadline()
        watchers, self._watchers = self._watchers, []
        for tell in watchers:
            tell()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._slow_reader = self.loop.call_later(self.reading.body_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._slow_reader.cancel()

    def watch(self, tell: Callable[[], None]) -> Callable[[], None]:
        """Call ``tell`` when the client has gone; return how to call that off."""
        self._watchers.append(tell)
        if self._half_closed:
            self._probe()

        def call_off() -> None:
            if tell in self._watchers:
                self._watchers.remove(tell)

        return call_off

    # What httptools calls

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._stage = Stage.HEAD
        self._head_size = self._fields = self._discarded = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > LONGEST_LINE:
            self._stop_reading(414, "The URL is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._fields += 1
        if len(name) + len(value) > LONGEST_FIELD:
            self._stop_reading(431, f"A header field has more than {LONGEST_FIELD} bytes.")
        if self._fields > MOST_FIELDS:
            self._stop_reading(431, f"The request has more than {MOST_FIELDS} header fields.")

    def on_headers_complete(self) -> None:
        self._stage = Stage.BODY
        super().on_headers_complete()
        self.scope["extensions"] = {EXTENSION: Client(self, self.cycle)}  # type: ignore[dict-item]

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if self.cycle.response_complete:
            self._discarded += len(body)
            if self._discarded > self.reading.largest_body:
                self.transport.abort()

    def on_message_complete(self) -> None:
        self._stage = Stage.NOTHING
        super().on_message_complete()

    # What uvicorn calls

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - ours is in JSON
        status, message = self._refusal or (400, "The request is no valid HTTP.")
        self._refuse(status, message)

    def _unsupported_upgrade_warning(self) -> None:
        """We speak nothing else: the request is served, and is the connection's last."""
        self.cycle.keep_alive = False
        self._refused = True

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._set_deadline()

    # What we do ourselves

    def _stop_reading(self, status: int, message: str) -> None:
        """Make the parser stop, and uvicorn call ``send_400_response``."""
        self._refusal = status, message
        raise ValueError(message)

    def _refuse(self, status: int, message: str) -> None:
        """Answer what is being read with a problem, after what was read before; then close."""
        self._refused = True
        cycle, earlier = self.cycle, self._stage is Stage.HEAD
        if cycle is None or cycle.response_complete:
            self._last_words(status, message)
        elif earlier or cycle.response_started:
            cycle.keep_alive = False
        else:
            cycle.disconnected = True
            cycle.message_event.set()
            if not self.pipeline:
                self._last_words(status, message)

    def _last_words(self, status: int, message: str) -> None:
        logger.info("A request was refused with %d: %s", status, message)
        if self._stage is not Stage.BODY or not self.cycle.response_complete:
            body = json.dumps({"message": message}).encode()
            head = (
                b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
            )
            self.transport.write(STATUS_LINE[status] + head % len(body) + body)
        self.transport.close()

    def _set_deadline(self) -> None:
        """One for the head, one for the body; none while we do not read, or have read all."""
        wanted = Stage.NOTHING if self.flow.read_paused else self._stage
        if wanted is not self._timed:
            self._timed = wanted
            if self._deadline:
                self._deadline.cancel()
                self._deadline = None
            if wanted is not Stage.NOTHING:
                head = wanted is Stage.HEAD
                seconds = self.reading.head_seconds if head else self.reading.body_seconds
                self._deadline = self.loop.call_later(seconds, self._too_slow)
        self._wait_for_a_request()

    def _wait_for_a_request(self) -> None:
        idle = self.cycle is None or self.cycle.response_complete
        timed = self.timeout_keep_alive_task is not None or self.transport.is_closing()
        if idle and self._stage is Stage.NOTHING and not timed:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _too_slow(self) -> None:
        self._refuse(408, f"The {self._stage.value} of the request did not arrive in time.")

    def _probe(self) -> None:
        """Find out whether a half-closed client is still there, if somebody wants to know.

        An interim answer is sent, which HTTP/1.1 allows at any time before the answer: a client
        that has gone replies with a reset. We do not read any more, so we have to look for it.
        """
        if not self._watchers or self.scope["http_version"] != "1.1" or self.transport.is_closing():
            return
        self.transport.write(CONTINUE)
        self.loop.call_later(PROBE_INTERVAL, self._look_for_a_reset)

    def _look_for_a_reset(self) -> None:
        if self.transport.is_closing() or not self._watchers:
            return
        info = self.transport.get_extra_info("socket").getsockopt(
            socket.IPPROTO_TCP, socket.TCP_INFO, 1
        )
        if info[0] == TCP_CLOSE:
            self.transport.abort()
        else:
            self.loop.call_later(PROBE_INTERVAL, self._look_for_a_reset)


class Client:
    """Who sent one request, and what it can bear."""

    def __init__(self, connection: Connection, cycle: RequestResponseCycle) -> None:
        self._connection, self._cycle = connection, cycle

    @property
    def gone(self) -> bool:
        return self._cycle.disconnected

    @property
    def waits_to_send(self) -> bool:
        """It has not sent its body, and does not until it is told to continue."""
        return self._cycle.waiting_for_100_continue

    def watch(self, tell: Callable[[], None]) -> Callable[[], None]:
        """Call ``tell`` when it has gone; return how to call that off."""
        return self._connection.watch(tell)

    def abort(self) -> None:
        """Break the connection off, so that it sees that its answer is not whole."""
        self._cycle.disconnected = True
        self._connection.transport.abort()

    def take_until_close(self, size: int = 0) -> None:
        """HTTP/1.0 knows no chunks: a streamed answer ends with the connection.

        Call it before the head is sent, and before each piece of ``size`` bytes.
        """
        if self._cycle.scope["http_version"] == "1.0":
            self._cycle.chunked_encoding = False
            self._cycle.expected_content_length += size


def connection_type(reading: Reading) -> type[Connection]:
    """Return the class for uvicorn to make connections of."""
    return type("BoundedConnection", (Connection,), {"reading": reading})
