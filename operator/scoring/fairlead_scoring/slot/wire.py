"""The pipe between front and slot: frames of a JSON head and a body of bytes.

A frame is the lengths of both (4 and 8 bytes, big-endian), then the head, then the body.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from typing import Any, Dict, Tuple

Head = Dict[str, Any]
SIZES = struct.Struct(">IQ")


def opening(head: Head, body_size: int) -> bytes:
    """Return the frame up to its body, which may be large and is not copied."""
    encoded = json.dumps(head).encode()
    return SIZES.pack(len(encoded), body_size) + encoded


class Channel:
    """The slot's end of the pipe. Several threads may send; one receives."""

    def __init__(self, end: socket.socket) -> None:
        end.set_inheritable(False)  # programs that user code starts must not hold it open
        self._end = end
        self._sending = threading.Lock()

    def send(self, head: Head, body: bytes = b"") -> None:
        """Raise ``OSError`` when the front is gone."""
        with self._sending:
            self._end.sendall(opening(head, len(body)))
            self._end.sendall(body)

    def receive(self) -> Tuple[Head, bytes]:
        """Raise ``EOFError`` when the front has closed its end."""
        head_size, body_size = SIZES.unpack(self._exactly(SIZES.size))
        head = json.loads(self._exactly(head_size))
        return head, self._exactly(body_size)

    def close(self) -> None:
        self._end.close()

    def _exactly(self, size: int) -> bytes:
        content = bytearray(size)
        rest = memoryview(content)
        while rest:
            received = self._end.recv_into(rest)
            if not received:
                raise EOFError
            rest = rest[received:]
        return bytes(content)
