"""The start of a slot: waits for its script to be ready, and says so while that takes long."""

import asyncio
import logging
import time

from fairlead_scoring.front.slots.process import End
from fairlead_scoring.front.slots.progress import Progress
from fairlead_scoring.front.slots.startup import StartFailedError, death, interruption
from fairlead_scoring.slot.layout import Layout
from fairlead_scoring.slot.logs import NAME
from fairlead_scoring.slot.record import Failure, Record, make_record
from fairlead_scoring.slot.wire import Head

logger = logging.getLogger(NAME)


class Start:
    """``patience`` is after how many seconds, and again after as many, the log hears of it."""

    FRAMES = ("stage", "progress", "failed", "ready")

    def __init__(self, layout: Layout, patience: float) -> None:
        self._layout = layout
        self._patience = patience
        self._began = time.monotonic()
        self._progress = Progress(layout.script_name, self._began)
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[Head] = self._loop.create_future()
        self._timer = self._loop.call_later(patience, self._report)

    async def ready(self) -> Head:
        """Wait for ``init()``, however long. Raise ``StartFailedError`` if it does not return."""
        try:
            return await self._ready
        finally:
            self._timer.cancel()

    def receive(self, head: Head) -> None:
        """Take in a frame of the starting slot."""
        if self._ready.done():
            return
        if head["type"] == "failed":
            self._ready.set_exception(StartFailedError(head["record"]))
        elif head["type"] == "ready":
            logger.info("%s has started in %.1f s", self._layout.script_name, self.seconds)
            self._ready.set_result(head)
        else:
            self._note(head)

    def died(self, end: End) -> None:
        """The process is gone. If it was not ready yet, that is a failed start."""
        if self._ready.done():
            return
        failure = death(end, self._progress)
        logger.error("%s", failure.message)
        self._ready.set_exception(StartFailedError(self._record(failure)))

    def interruption(self) -> Record:
        """What to leave behind when the service is stopped while ``init()`` still runs."""
        return self._record(interruption(self._progress, self.seconds))

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def _note(self, head: Head) -> None:
        stage = self._progress.stage
        self._progress.note(head, time.monotonic())
        if self._progress.stage != stage:
            self._timer.cancel()
            self._timer = self._loop.call_later(self._patience, self._report)

    def _report(self) -> None:
        logger.info("%s", self._progress.report(time.monotonic()))
        self._timer = self._loop.call_later(self._patience, self._report)

    def _record(self, failure: Failure) -> Record:
        return make_record(failure, self._layout.models, self.seconds)
