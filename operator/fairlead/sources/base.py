"""Where models come from: one file per kind of source, one small Protocol.

The idea is repo2docker's content providers. A source fetches files into an empty folder; it knows
neither versions nor the registry.
"""

import hashlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass

CHUNK_BYTES = 1024 * 1024  # bytes
Digests = dict[str, str]
"""Relative path (``/`` between folders) to the digest of each file that was written."""


class SourceError(Exception):
    """The source cannot be had, or is not fit. The text is a sentence for people."""

    def __init__(
        self,
        reason: Reason,
        message: str,
        remedy: str,
        class_: FailureClass = FailureClass.USER,
        *,
        retryable: bool = False,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.class_ = class_
        self.remedy = remedy
        self.retryable = retryable


@dataclass(frozen=True)
class Limits:
    """What one model may cost: bytes, files, and the moment (``time.monotonic``) to stop at."""

    most_bytes: int
    most_files: int
    deadline: float

    @property
    def seconds_left(self) -> float:
        return self.deadline - time.monotonic()

    def check_time(self, what: str, come: str = "") -> None:
        """Refuse to go on when the time is over. ``come`` ends the sentence: what came so far."""
        if self.seconds_left <= 0:
            raise SourceError(
                Reason.TASK_TIMED_OUT,
                f"{what} did not arrive in time{come}.",
                "Offer it from a faster place, or raise FAIRLEAD_INGEST_TIMEOUT_SECONDS of the "
                "operator; it is tried again.",
                FailureClass.NETWORK,
                retryable=True,
            )


class Meter:
    """Counts what a source really sends, whatever it said it would send."""

    def __init__(self, limits: Limits, what: str, size: int = 0, files: int = 0) -> None:
        self._limits = limits
        self.what = what
        self.bytes = size
        self.files = files

    def expect(self, size: int) -> None:
        """Refuse at once what says itself that it is too large."""
        if self.bytes + size > self._limits.most_bytes:
            raise self._too_large(f"is larger than {self._limits.most_bytes:,} bytes")

    def count(self, size: int) -> None:
        """Take note of ``size`` bytes that have come."""
        self.expect(size)
        self.bytes += size
        self.check_time()

    def give_back(self, size: int) -> None:
        """``size`` bytes that were counted are gone again."""
        self.bytes -= size

    def check_time(self) -> None:
        """Refuse to go on when the time is over."""
        self._limits.check_time(self.what, f": {self.bytes:,} bytes came")

    def count_file(self) -> None:
        self.expect_files(self.files + 1)
        self.files += 1
        self.check_time()

    def expect_files(self, count: int) -> None:
        """Refuse at once what says itself that it holds too many files and folders."""
        if count > self._limits.most_files:
            raise self._too_large(f"holds more than {self._limits.most_files:,} files and folders")

    def store(self, chunks: Iterable[bytes], target: Path) -> str:
        """Write a new file, counted and hashed on the way; return its digest."""
        sha256 = hashlib.sha256()
        with target.open("xb") as file:
            for piece in chunks:
                self.count(len(piece))
                sha256.update(piece)
                file.write(piece)
        return f"sha256:{sha256.hexdigest()}"

    def _too_large(self, how: str) -> SourceError:
        return SourceError(
            Reason.MODEL_TOO_LARGE,
            f"{self.what} {how}, which is the limit of this operator.",
            "Make the model smaller, or raise FAIRLEAD_MODEL_MAX_BYTES or "
            "FAIRLEAD_MODEL_MAX_FILES of the operator.",
        )


class Source(Protocol):
    """One place a model comes from."""

    @property
    def origin(self) -> str:
        """Once it is fetched: where it came from, if that says more than the address."""
        ...

    def fetch(self, into: Path, limits: Limits) -> Digests:
        """Put the model's files into the empty folder ``into``. Raises ``SourceError``."""
        ...


def chunks(source: IO[bytes]) -> Iterator[bytes]:
    """The rest of ``source``, in chunks that fit into memory."""
    return iter(lambda: source.read(CHUNK_BYTES), b"")
