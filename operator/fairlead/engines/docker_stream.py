"""What Docker Engine says while it pulls, builds and pushes: lines for the log, and how it ended.

None of the three raises when it fails (``images.push`` of the SDK least of all): the last word is
an entry of the stream, and the HTTP status was 200 long before.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fairlead.redact import printable

MAX_LINES, MAX_LINE_CHARS = 5000, 20_000  # lines and characters of each, kept for the diagnosis
MAX_OUTPUT_CHARS = 4_000_000  # characters of all lines that are kept
MAX_LOGGED_LINES, LAST_LOGGED_LINES = 20_000, 500  # from the start, and from the end, of one stream
SKIPPED_STATES = (
    "Preparing",
    "Waiting",
    "Retrying in",
    "Pulling fs layer",
    "Verifying",
    "Download complete",
)


@dataclass(frozen=True)
class Ending:
    """``error`` is empty where all went well; ``digest`` is there after a push that did."""

    lines: tuple[str, ...]
    error: str = ""
    digest: str | None = None


def follow(entries: Iterable[Mapping[str, Any]], log: Callable[[str], None]) -> Ending:
    """Write the lines to ``log`` as they come, to the end of the stream; of a stream without end
    the first and, when it ends, the last."""
    output, last = _Output(log), dict[str, Any]()
    for line in _lines(_noted(entries, last)):
        output.add(line)
    detail, aux = last.get("errorDetail", {}), last.get("aux", {})
    error = str(detail.get("message") or last.get("error", "")).strip()
    return Ending(output.finished(), error, aux.get("Digest"))


class _Output:
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


def _noted(
    entries: Iterable[Mapping[str, Any]], last: dict[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Pass the entries on and note in ``last`` the latest that says how it ends."""
    for entry in entries:
        last.update({key: entry[key] for key in ("error", "errorDetail", "aux") if key in entry})
        yield entry


def _lines(entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Whole lines: of a build the output, which comes in pieces; of the rest the states."""
    rest = ""
    for entry in entries:
        if "stream" in entry:
            *whole, rest = (rest + str(entry["stream"])).split("\n")
            yield from (line[:MAX_LINE_CHARS] for line in whole)
            while len(rest) > MAX_LINE_CHARS:  # a line without end is cut into several
                yield rest[:MAX_LINE_CHARS]
                rest = rest[MAX_LINE_CHARS:]
        elif "status" in entry and not str(entry["status"]).startswith(SKIPPED_STATES):
            layer = f"{entry['id']}: " if "id" in entry else ""
            if not entry.get("progressDetail"):
                yield f"{layer}{entry['status']}"
    if rest:
        yield rest
