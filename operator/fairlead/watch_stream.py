"""The stream of a watch, taken apart into events: one JSON document a line. Pure.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum

from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.deep_json import read_json
from fairlead.errors import ExpiredError, WaitingError

GONE = 410  # HTTP: the version is too old
MAX_EVENT_BYTES = 8 * 1024 * 1024  # etcd takes no object of more than 1.5 MiB


class EventType(StrEnum):
    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"


@dataclass(frozen=True)
class WatchEvent:
    """``manifest`` of a bookmark holds nothing but its resource version."""

    type: EventType
    manifest: Manifest


async def watch_events(pieces: AsyncIterator[bytes], what: str) -> AsyncIterator[WatchEvent]:
    """Yield the events of a stream that comes in ``pieces``; ``what`` is watched.

    Raises ``ExpiredError`` where the stream says 410, ``WaitingError`` for any other error in it.
    A last line that was cut is dropped: the next watch has it again.
    """
    async for line in _lines(pieces, what):
        event = _event(line, what)
        if event is not None:
            yield event


async def _lines(pieces: AsyncIterator[bytes], what: str) -> AsyncIterator[bytes]:
    parts, size = list[bytes](), 0
    async for piece in pieces:
        *whole, rest = piece.split(b"\n")
        for line in whole:
            yield b"".join((*parts, line))
            parts, size = [], 0
        parts.append(rest)
        size += len(rest)
        if size > MAX_EVENT_BYTES:
            message = f"Watching {what}: an event has more than {MAX_EVENT_BYTES:,} bytes."
            raise WaitingError(Reason.API_UNAVAILABLE, message)


def _event(line: bytes, what: str) -> WatchEvent | None:
    """The event of one line; None for an empty line and for a type of a newer API."""
    if not line.strip():
        return None
    try:
        document = read_json(line)
        kind, manifest = document["type"], document["object"]
        if kind == "ERROR":
            raise _error(manifest, what)
        if kind not in set(EventType) or not isinstance(manifest["metadata"], dict):
            return None
    except (ValueError, KeyError, TypeError) as error:
        message = f"Watching {what}: a line cannot be read ({type(error).__name__})."
        raise WaitingError(Reason.API_UNAVAILABLE, message) from error
    return WatchEvent(EventType(kind), manifest)


def _error(status: Manifest, what: str) -> WaitingError:
    message = f"Watching {what}: {str(status.get('message'))[:300]}"
    if status.get("code") == GONE:
        return ExpiredError(Reason.API_UNAVAILABLE, message)
    return WaitingError(Reason.API_UNAVAILABLE, message)
