"""One question to one pod: bounded in time, bytes and computing time, whatever stands there."""

import asyncio
import socket
import time
from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

from fairlead.metrics_api.http_answer import body_of
from fairlead.metrics_api.targets import Target

MAX_BYTES = 128 * 1024  # with the header; HAProxy says 40 KiB
MAX_HELD_BYTES = 64 * 1024 * 1024  # of all answers that are being read
TIMEOUT_S = 2.0
PAUSE_S = 0.01  # between two pieces, so that a pod that sends single bytes costs no more
NAMESPACE_AT_ONCE = 16  # questions; so that pods that do not answer hold up their own namespace
NAMESPACE_SHARE = 0.2  # of the time of this process, for what the pods of a namespace say
PIECE_BYTES = 65_536
Said = TypeVar("Said")


class Scraper:
    """Asks without credentials, past no proxy; keeps no connection, no cookie, follows nothing."""

    def __init__(self) -> None:
        self.held_bytes = 0
        self._reading = asyncio.Lock()
        self._shares: dict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(NAMESPACE_AT_ONCE)
        )

    async def ask(
        self, namespace: str, target: Target, read: Callable[[str], Said | None]
    ) -> Said | None:
        """What ``read`` makes of the answer; None where nothing is, or too much.

        The next question of a namespace waits the longer, the more there was to compute.
        """
        async with self._shares[namespace]:
            answer = await self._answer(target)
            if answer is None:
                return None
            async with self._reading:  # one, then whatever else waits for this process
                begun_s = time.thread_time()
                body = body_of(answer)
                said = None if body is None else read(body.decode("ascii", errors="replace"))
                computed_s = time.thread_time() - begun_s
            await asyncio.sleep(computed_s * NAMESPACE_AT_ONCE / NAMESPACE_SHARE)
            return said

    def keep(self, namespaces: set[str]) -> None:
        """Forget the others."""
        for gone in self._shares.keys() - namespaces:
            del self._shares[gone]

    async def _answer(self, target: Target) -> bytes | None:
        content = bytearray()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                whole = await self._read(target, content)
        except OSError:  # a time-out is one
            return None
        finally:
            self.held_bytes -= len(content)
        return bytes(content) if whole else None

    async def _read(self, target: Target, content: bytearray) -> bool:
        """Into ``content``, which is counted; False where it is too much."""
        loop = asyncio.get_running_loop()
        with socket.socket(target.family, socket.SOCK_STREAM) as connection:
            connection.settimeout(0)
            await loop.sock_connect(connection, (target.address, target.port))
            await loop.sock_sendall(connection, target.question)
            while piece := await loop.sock_recv(connection, PIECE_BYTES):
                content += piece
                self.held_bytes += len(piece)
                if len(content) > MAX_BYTES or self.held_bytes > MAX_HELD_BYTES:
                    return False
                await asyncio.sleep(PAUSE_S)
        return True
