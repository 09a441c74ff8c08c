"""Layers: tar archives that depend on nothing but names and contents, and gzip without a date.

Every file is 0644 (folders and programs 0755), dates from 1970, and belongs to root: code to the
image's user, for a script may be let write beside itself. Entries are sorted. POSIX (pax) headers
are written only where a name or a size needs them. Large files are streamed from disk: there is
never a second copy.
"""

import struct
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fairlead.registry.oci import OCI_LAYER_GZIP, Descriptor, descriptor, digest_of

GZIP_HEADER = bytes(
    [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]
)  # RFC 1952: no flags, no time, no system
GZIP_LEVEL = 6


def gzipped(content: bytes) -> bytes:
    """Return ``content`` as one gzip member."""
    deflate = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(content) + deflate.flush()
    trailer = struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)
    return GZIP_HEADER + body + trailer


def gunzipped(content: bytes, most: int) -> bytes:
    """Return the first ``most`` bytes of what was compressed. Raises ``zlib.error``."""
    return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content, most)


TAR_BLOCK_BYTES = tarfile.BLOCKSIZE
CHUNK_BYTES = 1024 * 1024  # bytes


@dataclass(frozen=True)
class Entry:
    """A file at ``name``, relative to the root of the image: on disk, or in memory."""

    name: str
    content: Path | bytes
    program: bool = False
    """Whether it may be run."""

    @property
    def size(self) -> int:
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size


@dataclass(frozen=True)
class Layer:
    """A small layer, ready to be pushed. ``diff_id`` is the digest of what is not compressed."""

    content: bytes
    diff_id: str
    descriptor: Descriptor


def tar(entries: Iterable[Entry], within: str, owner: int = 0) -> Iterator[bytes]:
    """Yield the archive of ``entries`` in pieces, with their folders from ``within`` downwards;
    all belong to ``owner``, a user and a group.

    Folders above ``within`` are the base image's own: their owners and modes are left as they are.
    """
    folders: set[str] = set()
    for entry in sorted(entries, key=lambda entry: PurePosixPath(entry.name).parts):
        for folder in _folders(entry.name, within):
            if folder not in folders:
                folders.add(folder)
                yield _header(folder, tarfile.DIRTYPE, 0, owner)
        yield _header(entry.name, tarfile.REGTYPE, entry.size, owner, program=entry.program)
        yield from _pieces(entry)
        yield bytes(-entry.size % TAR_BLOCK_BYTES)
    yield bytes(2 * TAR_BLOCK_BYTES)


def compressed_layer(entries: Iterable[Entry], within: str, owner: int = 0) -> Layer:
    """Return a small layer, compressed: code, not weights."""
    content = b"".join(tar(entries, within, owner))
    packed = gzipped(content)
    return Layer(packed, digest_of(content), descriptor(OCI_LAYER_GZIP, packed))


def _header(name: str, kind: bytes, size: int, owner: int, *, program: bool = False) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    info.uid = info.gid = owner
    info.mode = 0o755 if program or kind == tarfile.DIRTYPE else 0o644
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def _folders(name: str, within: str) -> Iterator[str]:
    """The folders that lead to ``name``, outermost first, from ``within`` on."""
    parents = [str(parent) for parent in PurePosixPath(name).parents][-2::-1]
    return (p for p in parents if PurePosixPath(p).is_relative_to(within))


def _pieces(entry: Entry) -> Iterator[bytes]:
    if isinstance(entry.content, bytes):
        yield entry.content
        return
    with entry.content.open("rb") as file:
        yield from iter(lambda: file.read(CHUNK_BYTES), b"")
