"""What Docker Engine says while it pulls, builds and pushes: lines for the log, and how it ended.

None of the three raises when it fails (``images.push`` of the SDK least of all): the last word is
an entry of the stream, and the HTTP status was 200 long before.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fairlead.engines.output_lines import MAX_LINE_CHARS, OutputLines

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
    output, last = OutputLines(log), dict[str, Any]()
    for line in _lines(_noted(entries, last)):
        output.add(line)
    detail, aux = last.get("errorDetail", {}), last.get("aux", {})
    error = str(detail.get("message") or last.get("error", "")).strip()
    return Ending(output.finished(), error, aux.get("Digest"))


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
