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
from dulwich.pack import (
    DELTA_TYPES,
    Pack,
    PackData,
    PackIndexEntry,
    PackIndexer,
    UnpackedObject,
    UnresolvedDeltas,
    write_pack_index_v2,
)

from fairlead.api.reasons import Reason
from fairlead.redact import one_line
from fairlead.sources.base import Limits, SourceError

MAX_OBJECTS = 200_000  # of one pack: commits, folders and files of the whole repository
TIMES_LARGER = 20  # than the bytes that are fetched may be all objects of a pack, unpacked
MAX_SIZES_BYTES = 20  # of both numbers that a delta begins with
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

    def __init__(self, folder: Path, what: str, hashes: ObjectFormat, limits: Limits) -> None:
        """``folder`` holds ``pack.pack``."""
        self._what, self._limits = what, limits
        with self._told():
            with PackData(folder / "pack.pack", hashes) as data:
                data.check()
                entries = sorted(self._indexed(data, hashes))
                with (folder / "pack.idx").open("xb") as file:
                    write_pack_index_v2(file, entries, data.get_stored_checksum())
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

    def _indexed(self, data: PackData, hashes: ObjectFormat) -> Iterator[PackIndexEntry]:
        """Where each object lies. A small pack may stand for objects without end: so their sizes
        are added up before any delta is applied, and the time is looked at for each."""
        indexer, size = PackIndexer(None, hashes.hash_func, object_format=hashes), 0
        indexer.set_pack_data(data)
        most = TIMES_LARGER * self._limits.most_bytes
        for unpacked in data.iter_unpacked():
            size += _unpacked_bytes(unpacked)
            if size > most:
                raise too_large(self._what, f"sends objects of more than {most:,} bytes")
            self._limits.check_time(self._what)
            indexer.record(unpacked)
        for entry in indexer:
            self._limits.check_time(self._what)
            yield entry

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


def _unpacked_bytes(unpacked: UnpackedObject) -> int:
    """How large an object is, or becomes: a delta begins with the sizes of both its ends."""
    size = unpacked.decomp_len or 0
    if unpacked.pack_type_num not in DELTA_TYPES:
        return size
    head = b""
    for piece in unpacked.decomp_chunks:
        head += piece[:MAX_SIZES_BYTES]
        if len(head) >= MAX_SIZES_BYTES:
            break
    _, rest = _number(head)
    return max(size, _number(rest)[0])


def _number(head: bytes) -> tuple[int, bytes]:
    """A number of seven bits a byte, and what follows it."""
    number = 0
    for at, byte in enumerate(head):
        number |= (byte & 0x7F) << 7 * at
        if byte < 0x80:  # noqa: PLR2004  (the highest bit says that it goes on)
            return number, head[at + 1 :]
    raise ApplyDeltaError("a delta without sizes")


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
