"""The objects of a pack that a stranger's server sent, within bounds of number and of memory."""

import resource
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dulwich.errors import (
    ApplyDeltaError,
    ChecksumMismatch,
    FileFormatException,
    GitProtocolError,
    WrongObjectException,
)
from dulwich.object_format import ObjectFormat
from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tag, Tree
from dulwich.pack import Pack, PackData, UnresolvedDeltas

from fairlead.api.reasons import Reason
from fairlead.redact import one_line
from fairlead.sources.base import SourceError

MAX_OBJECTS = 200_000  # of one pack: commits, folders and files of the whole repository
MAX_TAGS = 10  # that a tag leads to before there is a commit
MAX_ERROR_CHARS = 200
HEADER = struct.Struct(">4sLL")
SPARE_BYTES = 512 * 1024 * 1024  # of memory: what else a task needs
COPIES = 2  # of one object in memory, while it is unpacked
BROKEN = (
    *(FileFormatException, ChecksumMismatch, ApplyDeltaError, WrongObjectException),
    *(UnresolvedDeltas, GitProtocolError),
    zlib.error,
    struct.error,
    AssertionError,  # dulwich checks so, too
    ValueError,
    LookupError,
    EOFError,
)


class Objects:
    """The objects of a pack by their hashes. Raises ``SourceError`` for what is broken."""

    def __init__(self, folder: Path, what: str, hashes: ObjectFormat) -> None:
        """``folder`` holds ``pack.pack``."""
        self._what = what
        with self._told():
            with PackData(folder / "pack.pack", hashes) as data:
                data.check()
                data.create_index(str(folder / "pack.idx"), version=2)
            self._pack = Pack(str(folder / "pack"), object_format=hashes)

    def close(self) -> None:
        self._pack.close()

    def commit(self, wanted: ObjectID) -> Commit:
        """The commit that a hash stands for, or the tag that it is."""
        for _ in range(MAX_TAGS):
            found = self._object(wanted)
            if isinstance(found, Commit):
                return found
            if not isinstance(found, Tag):
                break
            wanted = found.object[1]
        raise self._broken("what it has under that name leads to no commit")

    def entries(self, wanted: ObjectID) -> list[tuple[bytes, int, ObjectID]]:
        """Name, mode and hash of what is in a folder."""
        found = self._object(wanted)
        if not isinstance(found, Tree):
            raise self._broken("a folder in it is none")
        with self._told():
            return [(entry.path, entry.mode, entry.sha) for entry in found.items()]

    def content(self, wanted: ObjectID) -> bytes:
        """The content of a file."""
        found = self._object(wanted)
        if not isinstance(found, Blob):
            raise self._broken("a file in it is none")
        return bytes(found.data)

    def _object(self, wanted: ObjectID) -> ShaFile:
        with self._told():
            return self._pack[wanted]

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except BROKEN as error:
            raise self._broken(one_line(str(error)) or type(error).__name__) from error
        except (MemoryError, BufferError) as error:  # the second where dulwich cleans up after it
            raise too_large(self._what, "holds a file that does not fit into memory") from error

    def _broken(self, why: str) -> SourceError:
        return SourceError(
            Reason.MODEL_SOURCE_REFUSED,
            f"What {self._what} sends is no repository that we read ({why[:MAX_ERROR_CHARS]}).",
            "See `git fsck` there; it is tried again.",
            retryable=True,
        )


def check_count(pack: Path, what: str) -> None:
    """Refuse a pack of too many objects before any of them is looked at."""
    with pack.open("rb") as file:
        head = file.read(HEADER.size)
    if len(head) < HEADER.size:
        raise too_large(what, "sends nothing", Reason.MODEL_SOURCE_NOT_FOUND)
    _, _, count = HEADER.unpack(head)
    if count > MAX_OBJECTS:
        raise too_large(what, f"sends {count:,} objects, and {MAX_OBJECTS:,} are read")


@contextmanager
def bounded_memory(most_bytes: int) -> Iterator[None]:
    """An object is unpacked in memory, however large it is: so that is bounded meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _used() + SPARE_BYTES + COPIES * most_bytes
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def too_large(what: str, why: str, reason: Reason = Reason.MODEL_TOO_LARGE) -> SourceError:
    remedy = "Keep the code in a repository of its own, without large files."
    return SourceError(reason, f"{what} {why}.", remedy)


def _used() -> int:
    """Bytes of address space that this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()
