"""Debug mode: a changed script is loaded beside the one that serves, and then takes over."""

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from fairlead_scoring.front.http.messages import JSON, Response
from fairlead_scoring.slot.layout import Layout
from fairlead_scoring.slot.logs import NAME
from fairlead_scoring.slot.record import Record

logger = logging.getLogger(NAME)
LOOK = 0.3  # seconds between two looks at the files
MOST_FILES = 5000
NOT_THE_USERS = {"__pycache__", "azureml-models", "node_modules", "site-packages"}
FAILED = (
    "The script cannot be reloaded ({exception}: {message}); what was loaded before still serves."
)
TOLD = ("stage", "exception", "message", "location", "traceback")
NOTHING_TOLD: Record = {"stage": "import", "location": None, "traceback": ""}
Replace = Callable[[], Awaitable[Record | None]]
Seen = dict[str, tuple[int, int]]


class Reload:
    """``replace`` starts new slots that take over, or returns why they do not start."""

    def __init__(self, layout: Layout, replace: Replace) -> None:
        self._layout = layout
        self._replace = replace
        self._one_at_a_time = asyncio.Lock()
        self._count = 0
        self._failure: Record | None = None
        self._tasks: set[asyncio.Task[str | None]] = set()

    @property
    def state(self) -> dict[str, Any]:
        """How often the script was reloaded, and why the last attempt failed, if it did."""
        failure = self._failure
        why = None if failure is None else {name: failure[name] for name in TOLD}
        return {"reloads": self._count, "failure": why}

    def answer(self, reply: Callable[[Response], None]) -> None:
        """Load the script anew, and reply once that is done."""
        task = asyncio.create_task(self.now())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda done: reply(self._response(done.result())))

    async def now(self) -> str | None:
        """Load the script anew. If that fails, return why: what served before goes on to serve."""
        async with self._one_at_a_time:
            self._failure = await self._replaced()
            if self._failure is None:
                self._count += 1
                logger.info("The script was reloaded.")
                return None
            words = FAILED.format(**self._failure)
            logger.error("%s", words)
            return words

    async def _replaced(self) -> Record | None:
        try:
            return await self._replace()
        except OSError as error:
            return {**NOTHING_TOLD, "exception": type(error).__name__, "message": str(error)}

    def _response(self, failure: str | None) -> Response:
        told = self.state if failure is None else {"message": failure, **self.state}
        body = json.dumps(told).encode()
        return Response(200 if failure is None else 500, body, [("Content-Type", JSON)])

    async def watch(self) -> None:
        """Reload whenever a file of the user's has changed, for ever."""
        seen = await self._look()
        while True:
            await asyncio.sleep(LOOK)
            found = await self._look()
            if found != seen:
                changed = sorted(path for path, _ in found.items() ^ seen.items())
                seen = await self._settled(found)
                logger.info("%s has changed: the script is loaded again.", changed[0])
                await self.now()

    async def _settled(self, found: Seen) -> Seen:
        """Wait until nothing changes any more: editors write in several steps."""
        while True:
            await asyncio.sleep(LOOK)
            again = await self._look()
            if again == found:
                return found
            found = again

    async def _look(self) -> Seen:
        return await asyncio.to_thread(look, self._layout)


def look(layout: Layout) -> Seen:
    """Return when each of the user's Python files was written, and how large it is."""
    seen: Seen = {}
    for path in {layout.script, *_python_files(layout.app_root)}:
        try:
            found = path.stat()
        except OSError:  # it is just being written, or has just been deleted
            continue
        seen[str(path)] = (found.st_mtime_ns, found.st_size)
    return seen


def _python_files(root: Path) -> Iterator[Path]:
    left = MOST_FILES
    for folder, folders, files in os.walk(root):
        folders[:] = [one for one in folders if one not in NOT_THE_USERS and one[0] != "."]
        for name in (name for name in files if name.endswith(".py")):
            left -= 1
            if left < 0:
                return
            yield Path(folder, name)
