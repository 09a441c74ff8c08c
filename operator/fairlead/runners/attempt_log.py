"""The log of one attempt on disk, bounded: its beginning, and its end in segments.

``log`` takes the first half of the allowed bytes. What follows goes into ``log.1``, ``log.2`` …, of
which the newest four are kept: a log without end stays readable at both ends, and no larger.
"""

import re
from io import FileIO
from pathlib import Path

from fairlead.contract import LOG_FILE
from fairlead.runners.regular_file import open_regular

SEGMENTS_KEPT = 4
HEAD_SHARE, SEGMENT_SHARE = 2, 8  # the head is a half, each segment an eighth
_SEGMENT = re.compile(rf"{LOG_FILE}\.([1-9][0-9]{{0,8}})")


class AttemptLog:
    """Takes bytes; never raises because of a disk that is full, and goes on when it is not."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._segment_bytes = max(max_bytes // SEGMENT_SHARE, 1)
        self._room = max(max_bytes // HEAD_SHARE, 1)
        self._number = 0  # of the file that is written: 0 is the head
        self._file: FileIO | None = None
        self._lost_bytes = 0

    @property
    def beyond_head(self) -> bool:
        """Whether from now on something may have to be dropped again."""
        return self._number > 0

    def write(self, content: bytes) -> None:
        """Append to the log; what the disk does not take is counted, and told later."""
        try:
            if self._lost_bytes:
                told = f"\n[{self._lost_bytes} bytes of this log could not be written]\n".encode()
                self._append(told)
                self._lost_bytes = 0
            self._append(content)
        except OSError:
            self._lost_bytes += len(content)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _append(self, content: bytes) -> None:
        rest = memoryview(content)
        while rest:
            if self._room == 0:
                self._next_segment()
            written = self._opened().write(rest[: self._room])  # all of it, or as much as fits
            self._room -= written
            rest = rest[written:]

    def _opened(self) -> FileIO:
        if self._file is None:
            self._file = FileIO(_path(self._folder, self._number), "ab")
        return self._file

    def _next_segment(self) -> None:
        self.close()
        self._number += 1
        self._room = self._segment_bytes
        oldest = self._number - SEGMENTS_KEPT
        if oldest > 0:
            _path(self._folder, oldest).unlink(missing_ok=True)


def read_log(folder: Path, max_bytes: int) -> bytes:
    """Return the log of an attempt, at most ``max_bytes`` of its end; empty where there is none.

    What has been dropped is told where it was.
    """
    pieces: list[bytes] = []
    room, newer = max_bytes, None
    for number in sorted(_numbers(folder), reverse=True):
        if room <= 0:
            break
        if newer is not None and number < newer - 1:
            pieces.append(b"\n[a part of this log was dropped here: it was too long]\n")
        end = _read_end(_path(folder, number), room)
        pieces.append(end)
        room, newer = room - len(end), number
    return b"".join(reversed(pieces))


def _read_end(path: Path, max_bytes: int) -> bytes:
    try:
        with open_regular(path) as file:
            size = file.seek(0, 2)
            file.seek(max(size - max_bytes, 0))
            return file.read(max_bytes)
    except OSError:  # a segment that has just been dropped, or what is no log
        return b""


def _numbers(folder: Path) -> set[int]:
    """The segments that there are; 0 for the head. None where the folder is gone."""
    try:
        names = {path.name for path in folder.iterdir()}
    except OSError:
        return set()
    segments = {int(match[1]) for match in map(_SEGMENT.fullmatch, names) if match}
    return segments | ({0} if LOG_FILE in names else set())


def _path(folder: Path, number: int) -> Path:
    return folder / (f"{LOG_FILE}.{number}" if number else LOG_FILE)
