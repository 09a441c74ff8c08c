"""The other end of what the container in the base image says: lines, and its own records.

Whatever runs in that container can write to the pipe. So lines are bounded, a record counts only
where it has the form of one.
"""

import json
import os
import select
import stat
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from fairlead.engines.output_lines import MAX_LINE_CHARS
from fairlead.images.install_in_base import ENDED, ORDERS, PIPE, READING, RECORD, TAKEN

READ_BYTES = 64 * 1024
LOOK_EVERY_S = 1.0  # whether it should have begun
BEGIN_TIMEOUT_S = 60.0  # for the container to say its first word; its image is there by then
MAX_RECORD_CHARS = 4096
Record = dict[str, object]


class NothingSaidError(Exception):
    """The container in the base image has not begun in time."""


class PodPipe:
    """The folder that the other container is handed, with its pipe open for reading."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pipe = os.open(folder / PIPE, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        if not stat.S_ISFIFO(os.fstat(self._pipe).st_mode):
            raise OSError(f"{folder / PIPE} is no pipe")
        (folder / READING).touch()
        self._begin_by: float | None = None  # until something has been said
        self._said = self._lines()

    def close(self) -> None:
        """Let the other container end."""
        (self._folder / ENDED).touch()
        os.close(self._pipe)

    def hand(self, files: dict[str, bytes], orders: object, programs: Collection[str] = ()) -> None:
        """Hand over the files, some of which may be run, then the orders, which are waited for."""
        for name, content in files.items():
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            if name in programs:
                path.chmod(0o755)
        draft = self._folder / f"{ORDERS}.tmp"
        draft.write_text(json.dumps(orders))
        draft.rename(self._folder / ORDERS)

    def take(self) -> None:
        """Say that what was compiled is no longer needed."""
        (self._folder / TAKEN).touch()

    def first_record(self) -> Record | None:
        """What is said first; None where the other container ended without it.

        Raises ``NothingSaidError``.
        """
        self._begin_by = time.monotonic() + BEGIN_TIMEOUT_S
        records = (record_of(line) for line in self._said)
        return next((record for record in records if record is not None), None)

    def lines(self) -> Iterator[str]:
        """Yield what is said from here on, until every process of the other container has ended."""
        return self._said

    def _lines(self) -> Iterator[str]:
        rest = b""
        while content := self._read():
            *whole, rest = (rest + content).split(b"\n")
            yield from map(_text, whole)
            while len(rest) > MAX_LINE_CHARS:  # a line without end is cut into several
                yield _text(rest)
                rest = rest[MAX_LINE_CHARS:]
        if rest:
            yield _text(rest)

    def _read(self) -> bytes:
        """What has been said since; empty where nobody is left to say anything."""
        poll = select.poll()
        poll.register(self._pipe, select.POLLIN)
        while True:
            if poll.poll(LOOK_EVERY_S * 1000):
                with suppress(BlockingIOError):  # somebody in the other container reads it, too
                    said = os.read(self._pipe, READ_BYTES)
                    self._begin_by = None
                    return said
            if self._begin_by is not None and time.monotonic() > self._begin_by:
                raise NothingSaidError


def record_of(line: str) -> Record | None:
    """The record that a line is; None of any other line."""
    if not line.startswith(RECORD) or len(line) > MAX_RECORD_CHARS:
        return None
    try:
        found = json.loads(line.removeprefix(RECORD))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _text(line: bytes) -> str:
    return line[:MAX_LINE_CHARS].decode(errors="replace")
