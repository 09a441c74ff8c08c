"""The log's lines: the reference server's form, in UTC, on stdout and, for errors, on stderr."""

import logging
import os
import time
from typing import List, Optional

from .log_target import LogTarget
from .log_writer import FLUSH_TIMEOUT_S, LogWriter

STDOUT, STDERR = 1, 2
LOGGER_NAME = "fairlead"
INITIALS = {logging.INFO: "I", logging.WARNING: "W", logging.ERROR: "E"}


class LineClock:
    """Formats times as ``logging`` does, but the second only once."""

    def __init__(self) -> None:
        self._formatted = (-1, "")

    def format(self, now: float) -> str:
        """``now`` is in seconds since 1970."""
        formatted, text = self._formatted
        second = int(now)
        if second != formatted:
            text = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now))
            self._formatted = second, text
        return f"{text},{int((now - second) * 1000):03d}"


class Console:
    """Both streams of this process. With ``guarded``, user code runs in it."""

    def __init__(self, *, guarded: bool) -> None:
        self.out = LogWriter(LogTarget(STDOUT, guarded=guarded), self._describe_loss)
        self.err = LogWriter(LogTarget(STDERR, guarded=guarded), self._describe_loss)
        self._clock = LineClock()

    @property
    def lost_lines(self) -> int:
        return self.out.lost_lines + self.err.lost_lines

    def line(self, level: int, name: str, text: str, now: Optional[float] = None) -> bytes:
        """Return the line that has this text; ``level`` is ``logging``'s INFO, WARNING or ERROR."""
        timestamp = self._clock.format(time.time() if now is None else now)
        line = f"{timestamp} {INITIALS[level]} [{os.getpid()}] {name} - {text}\n"
        return line.encode("utf-8", "backslashreplace")

    def writer(self, level: int) -> LogWriter:
        return self.err if level >= logging.ERROR else self.out

    def write(self, level: int, name: str, text: str) -> None:
        """Write a line of the server's own; it is lost where there is no room for it."""
        self.writer(level).write(self.line(level, name, text))

    def flush(self, timeout_s: float = FLUSH_TIMEOUT_S) -> None:
        """Wait until everything is written, ``timeout_s`` seconds at most."""
        deadline = time.monotonic() + timeout_s
        for writer in (self.err, self.out):
            writer.flush(max(0.0, deadline - time.monotonic()))

    def _describe_loss(self, count: int, reason: str) -> bytes:
        lines = "1 line" if count == 1 else f"{count} lines"
        return self.line(
            logging.WARNING, LOGGER_NAME, f"{lines} of the log could not be written: {reason}."
        )


_opened: List[Console] = []


def open_console(*, guarded: bool) -> Console:
    """Hold on to stdout and stderr as they are now; ``console()`` returns these from now on."""
    _opened[:] = [Console(guarded=guarded)]
    return _opened[0]


def console() -> Console:
    return _opened[0] if _opened else open_console(guarded=True)


def encoded(text: str) -> bytes:
    """Return the line of a handler as it is written."""
    return f"{text}\n".encode("utf-8", "backslashreplace")
