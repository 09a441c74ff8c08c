"""One slot, seen from the front: a child process at the other end of a pipe."""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from fairlead_scoring import slot
from fairlead_scoring.front.failure import (
    StartFailedError,
    death,
    how_it_ended,
    interruption,
)
from fairlead_scoring.front.memory import oom_kills
from fairlead_scoring.front.progress import Progress
from fairlead_scoring.slot.layout import Layout
from fairlead_scoring.slot.logs import NAME
from fairlead_scoring.slot.record import Failure, Record, make_record
from fairlead_scoring.slot.wire import SIZES, Head, opening

logger = logging.getLogger(NAME)
PROGRAM = Path(slot.__file__).with_name("__main__.py")
GRACE = 5.0  # seconds that a slot may take to end by itself once its pipe is closed


class SlotGoneError(Exception):
    """The slot's process, or at least its end of the pipe, is gone."""


class Slot:
    """Starts, asks and ends the process. One request at a time: the caller sees to that."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        layout: Layout,
    ) -> None:
        self._process, self._reader, self._writer = process, reader, writer
        self._layout = layout
        self._began = time.monotonic()
        self._oom_kills = oom_kills()
        self._progress = Progress(layout.script_name)
        self.gone = asyncio.Event()
        self._watch = asyncio.create_task(self._close_when_it_ends())

    @classmethod
    async def spawn(cls, layout: Layout) -> "Slot":
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(PROGRAM),
                str(theirs.fileno()),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # so that all it has started can be ended with it
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        return cls(process, reader, writer, layout)

    async def ready(self) -> None:
        """Wait for ``init()``, however long. Raise ``StartFailedError`` if it does not return."""
        while True:
            try:
                head, _ = await self._receive()
            except SlotGoneError as error:
                raise StartFailedError(await self._death()) from error
            if head["type"] == "failed":
                raise StartFailedError(head["record"])
            if head["type"] == "ready":
                logger.info("%s has started in %.1f s", self._layout.script_name, self._elapsed)
                return
            report = self._progress.note(head)
            if report:
                logger.info("%s", report)

    async def score(self, request: Head, body: bytes) -> tuple[Head, bytes]:
        """Return the slot's answer. Raise ``SlotGoneError`` if it dies over it."""
        try:
            self._writer.write(opening(request, len(body)))
            self._writer.write(body)
            await self._writer.drain()
        except ConnectionError as error:
            self.gone.set()
            raise SlotGoneError from error
        return await self._receive()

    async def stop(self, grace: float = GRACE) -> str:
        """End the process and all that it has started; say how it ended."""
        code = await self._end(grace)
        return how_it_ended(code, out_of_memory=self._out_of_memory(code))

    def interruption(self) -> Record:
        """What to leave behind when the service is stopped while ``init()`` still runs."""
        return self._record(interruption(self._progress, self._elapsed))

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    async def _receive(self) -> tuple[Head, bytes]:
        try:
            sizes = await self._reader.readexactly(SIZES.size)
            head_size, body_size = SIZES.unpack(sizes)
            head: Head = json.loads(await self._reader.readexactly(head_size))
            return head, await self._reader.readexactly(body_size)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            self.gone.set()
            raise SlotGoneError from error

    async def _close_when_it_ends(self) -> None:
        """Children of user code may hold the pipe open for ever; the slot's own end counts.

        What it has sent before is still read.
        """
        await self._process.wait()
        with suppress(OSError):  # closed already, from our side
            self._writer.get_extra_info("socket").shutdown(socket.SHUT_RD)
        self.gone.set()

    async def _end(self, grace: float) -> int:
        self._writer.close()
        ended = asyncio.ensure_future(self._process.wait())
        await asyncio.wait([ended], timeout=grace)
        with suppress(ProcessLookupError):  # nothing is left of its session
            os.killpg(self._process.pid, signal.SIGKILL)
        return await ended

    def _out_of_memory(self, code: int) -> bool:
        return code == -signal.SIGKILL and oom_kills() > self._oom_kills

    async def _death(self) -> Record:
        code = await self._end(GRACE)
        failure = death(code, self._progress, out_of_memory=self._out_of_memory(code))
        logger.error("%s", failure.message)
        return self._record(failure)

    def _record(self, failure: Failure) -> Record:
        return make_record(failure, self._layout.models, self._elapsed)
