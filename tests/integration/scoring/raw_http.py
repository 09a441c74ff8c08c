"""HTTP byte by byte, for what a well-behaved client would never send."""

import json
import socket
import time
from contextlib import closing
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NoReturn, Self

from tests.integration.scoring.service import DEADLINE_S, Service


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def request(body: str = "", *, line: str = "POST /score HTTP/1.1", **headers: str) -> bytes:
    """Return a request with a plain body and its length."""
    names = {"Host": "x", "Content-Type": "text/plain", "Content-Length": str(len(body))}
    names |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}\r\n" for name, value in names.items()]
    return f"{line}\r\n{''.join(lines)}\r\n{body}".encode()


class Raw:
    """A connection; what is read of it is read with a deadline."""

    def __init__(self, service: Service) -> None:
        port = int(service.url.rpartition(":")[2])
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
        self._buffer = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> Self:
        self.socket.sendall(data)
        return self

    def send_forever(self, data: bytes) -> NoReturn:
        """Send it again and again, until the connection breaks."""
        while True:
            self.socket.sendall(data)

    def close_half(self) -> Self:
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as error:  # the server has closed the whole of it
            raise ConnectionResetError from error
        return self

    def rest(self) -> bytes:
        """Return all until the server closes; a reset is an error."""
        while self._fill():
            pass
        return self._taken(len(self._buffer))

    def answer(self, *, to_head: bool = False) -> Answer:
        """Return the next answer, an interim one included."""
        lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        pairs = [line.split(": ", 1) for line in lines[1:] if line]
        headers = {name.lower(): value for name, value in pairs}
        status = int(lines[0].split(" ")[1])
        if to_head or status < 200 or status in (204, 304):
            return Answer(status, headers, b"")
        if "content-length" in headers:
            return Answer(status, headers, self._exactly(int(headers["content-length"])))
        chunked = headers.get("transfer-encoding") == "chunked"
        return Answer(status, headers, self._chunks() if chunked else self.rest())

    def chunk(self) -> bytes:
        """Return the next chunk of a chunked body; empty, it is the last."""
        size = int(self._until(b"\r\n"), 16)
        return self._exactly(size + 2)[:-2]

    def is_closed(self) -> bool:
        """Wait for the server to close the connection."""
        return self.rest() == b""

    def _chunks(self) -> bytes:
        return b"".join(iter(self.chunk, b""))

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            assert self._fill(), f"closed after {bytes(self._buffer)!r}"
        found = self._taken(self._buffer.index(mark))
        self._taken(len(mark))
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            assert self._fill(), f"closed after {bytes(self._buffer)!r}"
        return self._taken(size)

    def _taken(self, size: int) -> bytes:
        found = bytes(self._buffer[:size])
        del self._buffer[:size]
        return found

    def _fill(self) -> bool:
        part = self.socket.recv(65536)
        self._buffer += part
        return bool(part)


def ask(service: Service, data: bytes) -> Answer:
    with Raw(service) as raw:
        return raw.send(data).answer()


def trickle(
    service: Service, data: bytes, pause: float, begin: bytes = b""
) -> tuple[Answer, float]:
    """Send byte by byte until the server answers; return that, and after how many seconds.

    ``begin`` is sent at once before that.
    """
    began = time.monotonic()
    with Raw(service) as raw, closing(raw.socket.dup()) as sending:
        raw.send(begin).socket.settimeout(pause)
        for byte in data:
            try:
                sending.sendall(bytes([byte]))
                raw._fill()
            except TimeoutError:  # no answer yet
                continue
            break
        raw.socket.settimeout(DEADLINE_S)
        return raw.answer(), time.monotonic() - began
