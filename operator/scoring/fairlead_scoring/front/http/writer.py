"""Writes answers to a connection: whole, or piece by piece."""

import asyncio

from uvicorn.server import ServerState

from fairlead_scoring.front.http.messages import Request, Response

CLOSE = "connection: close\r\n"
CHUNKED = "transfer-encoding: chunked\r\n"
MAX_COPIED_BYTES = 65536  # a body up to this size is sent in one piece with its head
LAST_CHUNK = b"0\r\n\r\n"


class ResponseWriter:
    """Writes one answer after the other to a connection."""

    def __init__(self, transport: asyncio.Transport, server: ServerState) -> None:
        self._transport = transport
        self._server = server
        self._chunked = self._without_body = False
        self._default_headers: list[tuple[bytes, bytes]] | None = None
        self._default_lines = ""

    def write(self, request: Request | None, response: Response, *, closes: bool) -> None:
        """Write an answer at once. The answer to HEAD has no body, but has its length."""
        body = response.body if response.may_have_body else b""
        is_head = request is not None and request.method == "HEAD"
        length = None if is_head and not body else len(body)
        head = response.head(self._common_lines(closes=closes), length=length)
        if is_head:
            self._transport.write(head)
        elif len(body) > MAX_COPIED_BYTES:
            self._transport.writelines((head, body))
        else:
            self._transport.write(head + body)

    def start(self, request: Request, response: Response, *, closes: bool) -> bool:
        """Write the head of an answer of unknown length; return whether the connection may go on.

        HTTP/1.0 has no chunked encoding: there the answer ends with the connection. So it does
        where the script gives a length of its own, which may be wrong.
        """
        self._without_body = request.method == "HEAD" or not response.may_have_body
        own_length = any(name.lower() == "content-length" for name, _ in response.headers)
        self._chunked = not (self._without_body or own_length or request.version == "1.0")
        keeps_alive = not closes and (self._chunked or self._without_body)
        more = self._common_lines(closes=not keeps_alive) + (CHUNKED if self._chunked else "")
        self._transport.write(response.head(more, length=None))
        self.send_chunk(response.body)
        return keeps_alive

    def send_chunk(self, body: bytes) -> None:
        if not body or self._without_body:
            return
        if self._chunked:
            self._transport.writelines((b"%x\r\n" % len(body), body, b"\r\n"))
        else:
            self._transport.write(body)

    def end(self) -> None:
        if self._chunked:
            self._transport.write(LAST_CHUNK)

    def _common_lines(self, *, closes: bool) -> str:
        """Return the lines of every answer; uvicorn makes a new ``date`` each second."""
        if self._server.default_headers is not self._default_headers:
            self._default_headers = self._server.default_headers
            pairs = [
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in self._default_headers
            ]
            self._default_lines = "".join(f"{name}: {value}\r\n" for name, value in pairs)
        return self._default_lines + CLOSE if closes else self._default_lines
