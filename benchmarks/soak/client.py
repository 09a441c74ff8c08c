"""A client that sends what it is told to, and checks what comes back."""

import asyncio
import socket
import struct
from contextlib import suppress

from benchmarks.soak.requests import Expected, Sent

ANSWER_TIMEOUT_S = 60.0
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close at once


class WrongAnswerError(Exception):
    """What came back is not what had to."""


class Client:
    """One connection, opened when there is none."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def exchange(self, sent: Sent) -> None:
        """Raise ``WrongAnswerError``."""
        if sent.closes:  # the connection that is kept is not risked
            await self.close()
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await self._exchange(sent)
        except (OSError, EOFError, ValueError) as error:
            await self.close()
            raise WrongAnswerError(f"{type(error).__name__}: {error}") from error
        if sent.closes:
            await self.close()

    async def close(self, *, reset: bool = False) -> None:
        writer, self._writer, self._reader = self._writer, None, None
        if writer is None:
            return
        if reset:
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async def _exchange(self, sent: Sent) -> None:
        writer = self._writer
        assert writer
        with suppress(*((OSError,) if sent.closes else ())):  # it may be refused before its end
            for piece in sent.pieces:
                writer.write(piece)
                await writer.drain()
        if sent.aborts:
            await self.close(reset=sent.aborts == "reset")
            return
        for expected in sent.expected:
            await self._check(expected)

    async def _check(self, expected: Expected) -> None:
        reader = self._reader
        assert reader
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(fields["content-length"]))
        if status != expected.status:
            raise WrongAnswerError(f"{status}, not {expected.status}: {body[:200]!r}")
        if expected.body is not None and expected.body not in body:
            raise WrongAnswerError(f"{body[:200]!r}, not {expected.body!r}")
