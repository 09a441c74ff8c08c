"""Answers on the wire: whole, or piece by piece."""

import asyncio

from uvicorn.server import ServerState

from fairlead_scoring.front.http.messages import Request, Response

CLOSE = "connection: close\r\n"
CHUNKED = "transfer-encoding: chunked\r\n"
LAST_CHUNK = b"0\r\n\r\n"


class Writer:
    """Writes one answer after the other to a connection."""

    def __init__(self, transport: asyncio.Transport, server: ServerState) -> None:
        self._transport = transport
        self._server = server
        self._chunked = self._silent = False
        self._known: list[tuple[bytes, bytes]] | None = None
        self._date = ""

    def write(self, request: Request | None, response: Response, *, closes: bool) -> None:
        """Write an answer at once. The answer to HEAD has no body, but has its length."""
        body = response.body if response.may_have_body else b""
        is_head = request is not None and request.method == "HEAD"
        length = None if is_head and not body else len(body)
        head = response.head(self._more(closes=closes), length=length)
        self._transport.write(head if is_head else head + body)

    def begin(self, request: Request, response: Response, *, closes: bool) -> bool:
        """Write the head of an answer of unknown length; return whether the connection may go on.

        HTTP/1.0 knows no chunks: there the answer ends with the connection. So it does where the
        script gives a length of its own, which may be wrong.
        """
        self._silent = request.method == "HEAD" or not response.may_have_body
        own_length = any(name.lower() == "content-length" for name, _ in response.headers)
        self._chunked = not (self._silent or own_length or request.version == "1.0")
        goes_on = not closes and (self._chunked or self._silent)
        more = self._more(closes=not goes_on) + (CHUNKED if self._chunked else "")
        self._transport.write(response.head(more, length=None))
        self.piece(response.body)
        return goes_on

    def piece(self, body: bytes) -> None:
        if not body or self._silent:
            return
        if self._chunked:
            self._transport.writelines((b"%x\r\n" % len(body), body, b"\r\n"))
        else:
            self._transport.write(body)

    def finish(self) -> None:
        if self._chunked:
            self._transport.write(LAST_CHUNK)

    def _more(self, *, closes: bool) -> str:
        """Return lines that do not depend on the answer; uvicorn has a new date each second."""
        if self._server.default_headers is not self._known:
            self._known = self._server.default_headers
            pairs = [
                (name.decode("latin-1"), value.decode("latin-1")) for name, value in self._known
            ]
            self._date = "".join(f"{name}: {value}\r\n" for name, value in pairs)
        return self._date + CLOSE if closes else self._date
