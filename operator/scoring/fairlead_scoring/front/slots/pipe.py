"""The front's end of the pipe to a slot: frames in, frames out, on the event loop."""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from fairlead_scoring.slot.wire import LENGTHS, FrameHead, decode, frame_start

MAX_COPIED_BYTES = 65536  # a body up to this size is sent in one piece with its head


class Pipe(asyncio.Protocol):
    """Calls ``on_frame`` for each frame that arrives and, once, ``on_close`` at the end."""

    def __init__(self, on_frame: Callable[[FrameHead, bytes], None], on_close: Callable[[], None]):
        self._on_frame, self._on_close = on_frame, on_close
        self._buffer = bytearray()
        self._socket: socket.socket | None = None
        self._transport: asyncio.Transport | None = None
        self.closed = asyncio.Event()

    async def open(self, end: socket.socket) -> None:
        self._socket = end
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: self, sock=end)

    def send(self, head: FrameHead, body: bytes | bytearray = b"") -> None:
        """Send a frame as soon as the slot reads; a large body is referred to until it is sent.

        Nothing happens once the pipe is closed.
        """
        if self._transport is None or self._transport.is_closing():
            return
        start = frame_start(head, len(body))
        if len(body) <= MAX_COPIED_BYTES:
            self._transport.write(start + body)
        else:
            self._transport.writelines((start, body))

    def pause(self) -> None:
        """Stop reading until ``resume()``."""
        if self._transport and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.resume_reading()

    def drain(self) -> None:
        """Read what has been sent until now, and then close.

        Children of user code may keep the other end open.
        """
        if self._socket and not self.closed.is_set():
            self.resume()
            self._socket.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if not self._buffer and _frame_size(data) == len(data):  # as nearly always
            self._on_frame(*_frame(data, len(data)))
            return
        self._buffer += data
        while frame := self._next():
            self._on_frame(*frame)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.closed.set()
        self._on_close()

    def _next(self) -> tuple[FrameHead, bytes] | None:
        """Take a whole frame out of the buffer, if there is one."""
        size = _frame_size(self._buffer)
        if size is None or len(self._buffer) < size:
            return None
        with memoryview(self._buffer) as view:
            frame = _frame(view, size)
        del self._buffer[:size]
        return frame


def _frame_size(data: bytes | bytearray) -> int | None:
    """Return the size of the frame that begins here, None where too little of it has come."""
    if len(data) < LENGTHS.size:
        return None
    head_size, body_size = LENGTHS.unpack_from(data)
    size: int = LENGTHS.size + head_size + body_size
    return size


def _frame(data: bytes | memoryview, size: int) -> tuple[FrameHead, bytes]:
    """Return the head and the body of the frame in the first ``size`` bytes."""
    head_size, _ = LENGTHS.unpack_from(data)
    begin = LENGTHS.size + head_size
    return decode(str(data[LENGTHS.size : begin], "utf-8")), bytes(data[begin:size])
