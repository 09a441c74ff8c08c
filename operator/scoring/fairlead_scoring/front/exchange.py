"""One request in a slot, from the frame that carries it to the last frame of its answer."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from enum import Enum
from typing import Protocol

from fairlead_scoring.slot.wire import Head

Answer = tuple[Head, bytes]
HIGH_WATER = 2**20  # bytes of a streamed answer that wait for its client before the slot must


class Outcome(str, Enum):
    """``x-fairlead-outcome``: why the front answers 500 in the script's place."""

    TIMEOUT = "timeout"  # run() took longer than SCORING_TIMEOUT_MS; its process was killed
    OUT_OF_MEMORY = "out_of_memory"  # the kernel killed the process: memory ran out
    CRASHED = "crashed"  # the process died of a fault of its own: SIGSEGV, SIGABRT and the like
    KILLED = "killed"  # somebody else killed the process, by a signal
    EXITED = "exited"  # run() ended its process: sys.exit(), os._exit()


class NoAnswerError(Exception):
    """The script does not answer this request, or not to its end."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome


class AbortedError(Exception):
    """The script broke off an answer that it had begun."""


class Source(Protocol):
    """Where answers come from. It is to pause while more has come than clients take."""

    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def cancel(self, exchange: "Exchange") -> None: ...


class Exchange:
    """``answer`` is its first frame; where that says ``more``, ``chunks()`` are the rest.

    ``over`` is whether the slot has sent all that it will send; ``overdue``, whether its request
    has been answered without it.
    """

    def __init__(self, seq: int, source: Source) -> None:
        self.seq = seq
        self.began = time.monotonic()
        self.over = self.overdue = False
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._source = source
        self._chunks: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._wanted = True
        self._error: Exception | None = None
        self._news = asyncio.Event()

    def receive(self, head: Head, body: bytes) -> None:
        """Take in a frame of the slot that belongs to this request."""
        kind = head["type"]
        self.over = kind == "abort" or not head["more"]
        if kind == "abort":
            self.fail(AbortedError())
        elif kind == "answer":
            self._settle((head, body))
        elif self._wanted:
            self._append(body)
        self._news.set()

    def fail(self, error: Exception) -> None:
        """Whoever waits for it is told why there is no more."""
        self._error = error
        self._drop()
        if not self.answer.done():
            self.answer.set_exception(error)
        self._news.set()

    def cancel(self) -> None:
        """Its client has gone: the script may stop."""
        if not self.over:
            self._drop()
            self._source.cancel(self)

    def _drop(self) -> None:
        self._wanted = False
        self._chunks.clear()
        if self._waiting_bytes > HIGH_WATER:
            self._source.resume()
        self._waiting_bytes = 0

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the rest of a streamed answer. Raise what keeps it from being whole."""
        while True:
            while self._chunks:
                yield self._take()
            if self._error:
                raise self._error
            if self.over:
                return
            self._news.clear()
            await self._news.wait()

    def _settle(self, answer: Answer) -> None:
        if not self.answer.done():  # else it comes too late
            self.answer.set_result(answer)

    def _append(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        before, self._waiting_bytes = self._waiting_bytes, self._waiting_bytes + len(chunk)
        if before <= HIGH_WATER < self._waiting_bytes:
            self._source.pause()

    def _take(self) -> bytes:
        chunk = self._chunks.popleft()
        before, self._waiting_bytes = self._waiting_bytes, self._waiting_bytes - len(chunk)
        if self._waiting_bytes <= HIGH_WATER < before:
            self._source.resume()
        return chunk
