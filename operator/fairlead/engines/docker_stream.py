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
    """Write every line to ``log`` as it comes, to the end of the stream."""
    lines = deque[str](maxlen=MAX_LINES)
    last: dict[str, Any] = {}
    for line in map(printable, _lines(_noted(entries, last))):
        log(line)
        lines.append(line[:MAX_LINE_CHARS])
    detail, aux = last.get("errorDetail", {}), last.get("aux", {})
    error = str(detail.get("message") or last.get("error", "")).strip()
    return Ending(tuple(lines), error, aux.get("Digest"))


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
            yield from whole
        elif "status" in entry and not entry["status"].startswith(SKIPPED_STATES):
            layer = f"{entry['id']}: " if "id" in entry else ""
            if not entry.get("progressDetail"):
                yield f"{layer}{entry['status']}"
    if rest:
        yield rest
