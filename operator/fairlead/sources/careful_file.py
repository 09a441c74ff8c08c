"""Tables of contents and headers of archives, read in bounded memory and time.

``tarfile`` and ``zipfile`` read what an archive announces. Some Pythons that we run on search the
records of a tar with expressions that take quadratic time (CVE-2024-6232): records are looked at
before they are.
"""

import io
import re
from tarfile import BLOCKSIZE
from typing import IO

EXTENDED_TYPES = (b"x", b"g", b"X")  # records with attributes follow
LONG_NAME_TYPES = (b"L", b"K")
TYPE_OFFSET = 156  # of a tar's header
MAX_LENGTH_DIGITS = 20
_TOO_MANY_DIGITS = re.compile(rb"[0-9]{512}")


class TooMuchToReadError(Exception):
    """A table of contents, or a header, is larger than any that is meant well."""


class OddRecordsError(Exception):
    """The records before a member of a tar are none."""


class CarefulFile(io.RawIOBase):
    """A file of which no more is read than ``allow`` says, as for a table of contents."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._left: int | None = None

    def allow(self, most: int | None) -> None:
        """Let ``most`` more bytes be read, None for any number."""
        self._left = most

    def read(self, size: int = -1) -> bytes:
        if self._left is None:
            return self._file.read(size)
        content = self._file.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        self._left -= len(content)
        if self._left < 0:
            raise TooMuchToReadError
        self._look_at(content)
        return content

    def _look_at(self, content: bytes) -> None:
        """What is read while it is bounded."""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


class CarefulTar(CarefulFile):
    """The same for a tar: its records are looked at before ``tarfile`` sees them.

    ``tarfile`` reads a header of one block, and what it announces at once after it.
    """

    _announced = b""

    def allow(self, most: int | None) -> None:
        super().allow(most)
        self._announced = b""

    def _look_at(self, content: bytes) -> None:
        if self._announced in EXTENDED_TYPES:
            check_records(content)
        is_header = not self._announced and len(content) == BLOCKSIZE
        kind = content[TYPE_OFFSET : TYPE_OFFSET + 1] if is_header else b""
        self._announced = kind if kind in (*EXTENDED_TYPES, *LONG_NAME_TYPES) else b""


def check_records(content: bytes) -> None:
    """See that records are ``<length> <name>=<value>\\\\n``. Raises ``OddRecordsError``.

    Source: POSIX, pax, "pax Extended Header".
    """
    if _TOO_MANY_DIGITS.search(content):
        raise OddRecordsError
    at = 0
    while at < len(content) and content[at]:
        blank = content.find(b" ", at, at + MAX_LENGTH_DIGITS)
        length = content[at:blank] if blank > 0 else b""
        if not length.isdigit():
            raise OddRecordsError
        end = at + int(length)
        if (
            end <= blank + 1
            or content[end - 1 : end] != b"\n"
            or content.find(b"=", blank, end) < 0
        ):
            raise OddRecordsError
        at = end
