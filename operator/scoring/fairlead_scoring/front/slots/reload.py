"""Debug mode: a changed script is loaded in new slots, which then replace those that serve."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from fairlead_scoring.slot.console import LOGGER_NAME
from fairlead_scoring.slot.layout import Layout
from fairlead_scoring.slot.record import Record

logger = logging.getLogger(LOGGER_NAME)
POLL_INTERVAL_S = 0.3  # between two scans of the files
MAX_FILES = 5000
IGNORED_FOLDERS = {"__pycache__", "azureml-models", "node_modules", "site-packages"}
RELOAD_FAILED = (
    "The script cannot be reloaded ({exception}: {message}); what was loaded before still serves."
)
STATE_FIELDS = ("stage", "exception", "message", "location", "traceback")
SPAWN_FAILURE: Record = {"stage": "import", "location": None, "traceback": ""}
ReplaceSlots = Callable[[], Awaitable[Record | None]]
FileStats = dict[str, tuple[int, int]]


class ScriptReloader:
    """``replace`` starts new slots that replace the old ones, or returns why they do not start.
    ``edits``: another folder that is watched, where it is there."""

    def __init__(self, layout: Layout, replace: ReplaceSlots, edits: Path | None = None) -> None:
        self._layout = layout
        self._edits = edits
        self._replace = replace
        self._lock = asyncio.Lock()
        self._reloads = 0
        self._failure: Record | None = None
        self._known: FileStats = {}
        self._tasks: set[asyncio.Task[str | None]] = set()

    @property
    def edits(self) -> str | None:
        """The folder that an edited source is to be put into; None where there is none."""
        return str(self._edits) if self._edits else None

    @property
    def edited(self) -> bool:
        """Whether the script is loaded from there."""
        return self._edits is not None and self._edits.is_dir()

    @property
    def state(self) -> dict[str, Any]:
        """How often the script was reloaded, and why the last attempt failed, if it did."""
        failure = self._failure
        why = None if failure is None else {name: failure[name] for name in STATE_FIELDS}
        return {"reloads": self._reloads, "failure": why}

    def start(self, on_done: Callable[[str | None], None]) -> None:
        """Reload in the background; ``on_done`` is called with what ``reload()`` returns."""
        task = asyncio.create_task(self.reload())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda done: on_done(done.result()))

    async def reload(self) -> str | None:
        """Load the script again. If that fails, return why: the old slots go on."""
        async with self._lock:
            self._known = await self._scan()  # what is loaded now is not loaded once more
            self._failure = await self._replace_slots()
            if self._failure is None:
                self._reloads += 1
                logger.info("The script was reloaded.")
                return None
            message = RELOAD_FAILED.format(**self._failure)
            logger.error("%s", message)
            return message

    async def watch(self) -> None:
        """Reload whenever a file of the user's has changed, for ever."""
        self._known = await self._scan()
        while True:
            await asyncio.sleep(POLL_INTERVAL_S)
            found, known = await self._scan(), self._known
            if found != known:
                changed = sorted(path for path, _ in found.items() ^ known.items())
                if await self._wait_until_stable(found) == self._known:
                    continue  # somebody has asked for it meanwhile
                logger.info("%s has changed: the script is loaded again.", changed[0])
                await self.reload()

    async def _replace_slots(self) -> Record | None:
        try:
            return await self._replace()
        except OSError as error:
            return {**SPAWN_FAILURE, "exception": type(error).__name__, "message": str(error)}

    async def _wait_until_stable(self, found: FileStats) -> FileStats:
        """Wait until nothing changes any more: editors write in several steps."""
        while True:
            await asyncio.sleep(POLL_INTERVAL_S)
            again = await self._scan()
            if again == found:
                return found
            found = again

    async def _scan(self) -> FileStats:
        return await asyncio.to_thread(scan, self._layout, self._edits)


def scan(layout: Layout, edits: Path | None = None) -> FileStats:
    """Return the modification time (ns) and the size (bytes) of each of the user's Python files."""
    stats: FileStats = {}
    edited = _python_files(edits) if edits else ()
    for path in {layout.script, *_python_files(layout.app_root), *edited}:
        try:
            found = path.stat()
        except OSError:  # it has just been deleted
            continue
        stats[str(path)] = (found.st_mtime_ns, found.st_size)
    return stats


def _python_files(root: Path) -> Iterator[Path]:
    count = 0
    for folder, folders, files in os.walk(root):
        folders[:] = [one for one in folders if one not in IGNORED_FOLDERS and one[0] != "."]
        for name in (name for name in files if name.endswith(".py")):
            count += 1
            if count > MAX_FILES:
                return
            yield Path(folder, name)
