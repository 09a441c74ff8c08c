"""What a build prints without end: all of it is read, not all of it is kept or logged."""

from collections import deque
from collections.abc import Callable

from fairlead.redact import printable

MAX_LINES, MAX_LINE_CHARS = 5000, 20_000  # lines and characters of each, kept for the diagnosis
MAX_OUTPUT_CHARS = 4_000_000  # characters of all lines that are kept
MAX_LOGGED_LINES, LAST_LOGGED_LINES = 20_000, 500  # from the start, and from the end, of one stream


class OutputLines:
    """The lines of one stream: the last are kept, in bounded memory, and not all are logged.

    What is not logged is not looked at either: it costs no more than to be counted.
    """

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._kept = deque[str]()
        self._chars = 0
        self._count = 0

    def add(self, line: str) -> None:
        self._count += 1
        self._keep(line)
        if self._count <= MAX_LOGGED_LINES:
            self._log(printable(line))
        elif self._count == MAX_LOGGED_LINES + 1:
            words = f"the last {LAST_LOGGED_LINES} follow when this step has ended"
            self._log(f"[that was line {MAX_LOGGED_LINES}: the next are left out; {words}]")

    def finished(self) -> tuple[str, ...]:
        """The last lines, at most ``MAX_LINES`` of them."""
        lines = tuple(map(printable, self._kept))
        missing = self._count - MAX_LOGGED_LINES
        if missing > 0:
            shown = lines[-min(missing, LAST_LOGGED_LINES) :]
            self._log(f"[{missing - len(shown)} lines were left out]")
            for line in shown:
                self._log(line)
        return lines

    def _keep(self, line: str) -> None:
        self._kept.append(line)
        self._chars += len(line)
        while len(self._kept) > MAX_LINES or self._chars > MAX_OUTPUT_CHARS:
            self._chars -= len(self._kept.popleft())
