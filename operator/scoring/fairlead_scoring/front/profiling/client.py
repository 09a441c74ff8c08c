"""A client of the service beside it: one connection, one request at a time, and how long it took.

It shares the front's event loop. An interpreter of its own would need memory of the container, and
that is what is measured.
"""

import asyncio
import time
from dataclasses import dataclass

import httptools

from fairlead_scoring.front.http.router import SCORE
from fairlead_scoring.front.smoke_test import MAX_ANSWER_CHARS, MIN_ERROR_STATUS

NO_ANSWER = 0  # the status where the connection was closed instead


@dataclass(frozen=True)
class Answer:
    """``body`` is its beginning, of an answer that is an error."""

    status: int
    seconds: float
    body: str = ""

    @property
    def good(self) -> bool:
        return NO_ANSWER < self.status < MIN_ERROR_STATUS

    @property
    def words(self) -> str:
        if self.status == NO_ANSWER:
            return "the connection was closed without an answer"
        return f"status {self.status}: {self.body}"


class ScoreClient:
    """Sends the same request again and again, over one connection as long as that is kept."""

    def __init__(self, host: str, port: int, sample: bytes) -> None:
        self._host, self._port = host, port
        head = (
            f"POST {SCORE} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            f"content-length: {len(sample)}\r\n\r\n"
        )
        self._request = head.encode() + sample
        self._connection: Connection | None = None

    async def score(self) -> Answer:
        """Send the request and wait for the whole answer. Raise ``OSError`` if nobody listens."""
        connection = self._connection
        if connection is None or connection.closed:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(Connection, self._host, self._port)
            self._connection = connection
        return await connection.ask(self._request)

    def close(self) -> None:
        if self._connection:
            self._connection.close()


class Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self.closed = False
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._began = 0.0
        self._reset()

    def _reset(self) -> None:
        self._parser, self._body = httptools.HttpResponseParser(self), b""

    async def ask(self, request: bytes) -> Answer:
        if self._transport is None:
            raise ConnectionError("not connected")
        self._reset()
        self._answer = asyncio.get_running_loop().create_future()
        self._began = time.perf_counter()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        self.closed = True
        if self._transport:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # of a stream

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()
            self._set(NO_ANSWER)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.closed = True
        self._set(NO_ANSWER)

    def on_body(self, body: bytes) -> None:
        self._body += body[: MAX_ANSWER_CHARS - len(self._body)]

    def on_message_complete(self) -> None:
        if not self._parser.should_keep_alive():
            self.close()
        self._set(self._parser.get_status_code())

    def _set(self, status: int) -> None:
        if self._answer is None or self._answer.done():
            return
        seconds = time.perf_counter() - self._began
        body = "" if status < MIN_ERROR_STATUS else self._body.decode(errors="replace")
        self._answer.set_result(Answer(status, seconds, body))
