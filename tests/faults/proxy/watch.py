"""The stream of a watch: events of the API server, one JSON document a line, with a fault in it."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from aiohttp import StreamReader, web

from tests.faults.proxy.crash_point import stopped
from tests.faults.proxy.rules import WatchFault

HALF_A_LINE = b'{"type":"MODIFIED","object":{"kind":'
GONE = {
    "kind": "Status",
    "apiVersion": "v1",
    "status": "Failure",
    "reason": "Expired",
    "code": 410,
    "message": "too old resource version (by the fault proxy)",
}


class CutError(Exception):
    """The stream ends here, without a proper end."""


class Lines:
    """Whole lines of any length, each with its newline, from chunks of any size."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        return (line + b"\n" for line in whole)


class EventStream:
    """Passes events on, until the API server or the fault ends it."""

    def __init__(self, answer: web.StreamResponse, fault: WatchFault) -> None:
        self._answer, self._fault = answer, fault
        self._count = 0
        self._changed = asyncio.Event()

    def change(self, fault: WatchFault) -> None:
        """From now on ``fault`` holds; its counts begin at this moment."""
        self._fault, self._count = fault, 0
        self._changed.set()

    async def run(self, source: StreamReader) -> None:
        """Raises ``CutError`` where the stream is cut."""
        lines, chunk = Lines(), asyncio.ensure_future(source.readany())
        try:
            while await self._goes_on():
                if not await self._arrived(chunk):
                    continue
                if not chunk.result():
                    return
                for line in lines.feed(chunk.result()):
                    if not await self._goes_on():
                        return
                    await self._send(line)
                chunk = asyncio.ensure_future(source.readany())
        finally:
            chunk.cancel()

    async def _arrived(self, chunk: "asyncio.Future[bytes]") -> bool:
        """Wait for the chunk, or for another fault; True if it is the chunk that came."""
        changed: asyncio.Future[Any] = asyncio.ensure_future(self._changed.wait())
        both: list[asyncio.Future[Any]] = [chunk, changed]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        self._changed.clear()
        return chunk.done()

    async def _goes_on(self) -> bool:
        fault = self._fault
        if fault.cut_after == self._count:
            await self._answer.write(HALF_A_LINE)
            raise CutError
        if fault.silent_after == self._count:
            await stopped()
        if fault.gone_after == self._count:
            error = json.dumps({"type": "ERROR", "object": GONE})
            await self._answer.write(error.encode() + b"\n")
            return False
        return True

    async def _send(self, line: bytes) -> None:
        self._count += 1
        if self._fault.lost(json.loads(line)):
            return
        await asyncio.sleep(self._fault.delay_s)
        await self._answer.write(line * self._fault.copies)
