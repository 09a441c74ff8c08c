"""The log of a task: to standard output at once, and in memory so that it can be kept."""

import threading
import time
from collections import deque
from typing import TextIO

from fairlead.images.build_log import MAX_LOG_BYTES
from fairlead.redact import redacted

MAX_LINE_CHARS = 4000  # characters
MAX_TEXT_CHARS = 256 * 1024  # characters that are written at once; of more the middle is left out


class TaskLog:
    """Lines with the seconds since the start and the phase they belong to, redacted."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._mute = False
        self._start = time.monotonic()
        self._lines: deque[str] = deque()
        self._size = 0
        self._phase = "start"
        self._lock = threading.Lock()  # it is kept while it is written
        self.written_chars = 0
        """Of all lines, those that are not in memory any more included."""

    def phase(self, name: str) -> None:
        """What follows belongs to the phase ``name``."""
        self._phase = name

    def write(self, text: str) -> None:
        """Write one line, or several."""
        for line in redacted(_bounded(text)).rstrip("\n").split("\n"):
            shown = line if len(line) <= MAX_LINE_CHARS else f"{line[:MAX_LINE_CHARS]} …"
            self._put(f"{self.seconds:7.1f}s [{self._phase}] {shown}\n")

    @property
    def seconds(self) -> float:
        """Since the task began."""
        return time.monotonic() - self._start

    @property
    def text(self) -> str:
        with self._lock:
            return "".join(self._lines)

    def _put(self, line: str) -> None:
        with self._lock:
            self._lines.append(line)
            self._size += len(line)
            self.written_chars += len(line)
            while self._size > MAX_LOG_BYTES:
                self._size -= len(self._lines.popleft())
        if self._mute:
            return
        try:
            self._out.write(line)
            self._out.flush()
        except OSError:  # a full disk must not hide the failure that it causes
            self._mute = True


def _bounded(text: str) -> str:
    left_out = len(text) - MAX_TEXT_CHARS
    if left_out <= 0:
        return text
    half = MAX_TEXT_CHARS // 2
    return f"{text[:half]}\n[{left_out} characters were left out]\n{text[-half:]}"
