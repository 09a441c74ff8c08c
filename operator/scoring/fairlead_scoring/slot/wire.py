"""The pipe between front and slot: frames of a JSON head and a body of bytes.

A frame is the lengths of both (4 and 8 bytes, big-endian), then the head, then the body. The head's
``type`` says what it is: ``start``, ``request``, ``cancel`` and ``interrupt`` from the front;
``stage``, ``progress``, ``failed``, ``ready``, ``attached``, ``interrupted``, ``run_failed``,
``answer``, ``chunk`` and ``abort`` from the slot.
"""

import errno
import io
import json
import select
import socket
import struct
import threading
from typing import Any, Callable, Dict, NoReturn, Tuple

FrameHead = Dict[str, Any]
DECODER = json.JSONDecoder()
LENGTHS = struct.Struct(">IQ")
CLOSED_BY_SCRIPT = (errno.EBADF, errno.ENOTSOCK)  # what is no fault of the front's
MAX_PIECE_BYTES = 2**20  # that are received at a time of a larger one
MAX_SINGLE_CALL_BYTES = 32768  # a frame up to this size takes one call to send, and one to receive


def _encoder() -> Callable[[Any], str]:
    """Return what does the same as ``json.dumps``, which makes an encoder for each call: that takes
    longer than the encoding."""
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    plain = (None, ": ", ", ", False, False, True)  # indent, separators, and what json.dumps does
    try:
        encoder = make(None, _refuse, json.encoder.encode_basestring_ascii, *plain)
    except TypeError:  # there is none, or it takes something else in this Python
        return json.dumps
    return lambda head: "".join(encoder(head, 0))


def _refuse(value: object) -> NoReturn:
    raise TypeError(f"{value!r} is nothing that JSON has")


encode = _encoder()


def frame_start(head: FrameHead, body_size: int) -> bytes:
    """Return the frame up to its body, which may be large and is not copied."""
    encoded = encode(head).encode()
    return LENGTHS.pack(len(encoded), body_size) + encoded


def decode(head: str) -> FrameHead:
    """``json.loads`` without its search for blanks on both sides. Raise ``ValueError``."""
    found: FrameHead
    found, _ = DECODER.raw_decode(head)
    return found


class Channel:
    """The slot's end of the pipe. Several threads may send; one receives."""

    def __init__(self, end: socket.socket) -> None:
        end.set_inheritable(False)  # programs that user code starts must not hold it open
        self._end = end
        self._sending = threading.Lock()
        self._buffered = b""  # received together with an earlier frame

    def send(self, head: FrameHead, body: bytes = b"") -> None:
        """Raise ``OSError`` when the front is gone."""
        frame = frame_start(head, len(body))
        with self._sending:
            if len(body) <= MAX_SINGLE_CALL_BYTES:
                self._end.sendall(frame + body)
            else:
                self._end.sendall(frame)
                self._end.sendall(body)

    def receive(self) -> Tuple[FrameHead, bytes]:
        """Raise ``EOFError`` when the front has closed its end."""
        if not self._buffered:
            self._buffered = self._end.recv(MAX_SINGLE_CALL_BYTES)
        if len(self._buffered) >= LENGTHS.size:
            head_size, body_size = LENGTHS.unpack_from(self._buffered)
            begin = LENGTHS.size + head_size
            if len(self._buffered) == begin + body_size:  # all of one frame, as nearly always
                frame, self._buffered = self._buffered, b""
                return decode(frame[LENGTHS.size : begin].decode()), frame[begin:]
        head_size, body_size = LENGTHS.unpack(self._exactly(LENGTHS.size))
        head = decode(self._exactly(head_size).decode())
        return head, self._exactly(body_size)

    @property
    def waiting(self) -> bool:
        """Whether a frame or the end has come, so that ``receive()`` would not block."""
        return self.wait(0.0)

    def wait(self, timeout_s: float) -> bool:
        """Wait until a frame or the end has come; return whether it has."""
        if self._buffered:
            return True
        poll = select.poll()
        poll.register(self._end, select.POLLIN)
        return bool(poll.poll(timeout_s * 1000))

    def close(self) -> None:
        self._end.close()

    def _exactly(self, size: int) -> bytes:
        if len(self._buffered) < size:
            self._buffered = self._receive(size)
        taken, self._buffered = self._buffered[:size], self._buffered[size:]
        return taken

    def _receive(self, size: int) -> bytes:
        """Return at least ``size`` bytes: what is buffered, and what comes now.

        A large body is held once: what it is collected in is what is returned.
        """
        parts, missing = io.BytesIO(), size - len(self._buffered)
        parts.write(self._buffered)
        while missing > 0:
            if missing > MAX_SINGLE_CALL_BYTES:
                part = self._end.recv(min(missing, MAX_PIECE_BYTES), socket.MSG_WAITALL)
            else:
                part = self._end.recv(MAX_SINGLE_CALL_BYTES)
            if not part:
                raise EOFError
            parts.write(part)
            missing -= len(part)
        return parts.getvalue()
