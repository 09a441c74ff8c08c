"""The layer of an environment: what was installed, as bytes that depend on nothing else.

Everything belongs to root and dates from 1970; a file is 0755 where anybody may run it and 0644
else, so that no set-user-ID bit and no folder that others may write to comes with it. A link stays
the link that it is; a file with two names is stored twice. The archive is streamed and compressed
on its way: there is never a second copy on disk.
"""

import hashlib
import struct
import tarfile
import zlib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path, PurePosixPath

from fairlead.images.environment_tree import EnvironmentUnfitError, Found, Limits, open_file, walk
from fairlead.images.layers import GZIP_HEADER, TAR_BLOCK_BYTES

GZIP_LEVEL = 3  # packages are large: a third of the time of level 6, a twentieth more bytes
MAX_UINT32 = 0xFFFFFFFF


def environment_tar(root: Path, within: str, limits: Limits) -> Iterator[bytes]:
    """Yield the archive of the tree at ``root`` as the folder ``within`` of an image.

    Raises ``EnvironmentUnfitError``.
    """
    yield header(entry(within, tarfile.DIRTYPE, 0o755))
    size_bytes = 0  # counted again: whoever installs may still write
    for found in walk(root, limits):
        size_bytes += 0 if found.is_folder or found.is_link else found.about.st_size
        if size_bytes > limits.size_bytes:
            raise EnvironmentUnfitError("The packages grew while they were packed.")
        yield from _member(found, f"{within}/{found.path}")
    yield bytes(2 * TAR_BLOCK_BYTES)


def folders_tar(
    folders: Iterable[str],
    files: Iterable[tuple[str, bytes]] = (),
    programs: Collection[str] = (),
) -> bytes:
    """Return the archive of folders and files, named relative to the root of the image;
    ``programs``: the files that may be run."""
    entries = {folder: entry(folder, tarfile.DIRTYPE, 0o755) for folder in folders}
    contents = dict(files)
    for name, content in contents.items():
        mode = 0o755 if name in programs else 0o644
        entries[name] = entry(name, tarfile.REGTYPE, mode)
        entries[name].size = len(content)
    ordered = sorted(entries, key=lambda name: PurePosixPath(name).parts)
    pieces = (header(entries[name]) + _padded(contents.get(name, b"")) for name in ordered)
    return b"".join((*pieces, bytes(2 * TAR_BLOCK_BYTES)))


class Gzipped:
    """Pieces of an archive, compressed as they pass by. ``diff_id`` is there once all have."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self._sha256 = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        deflate = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._sha256 = hashlib.sha256()
        checksum = size = 0
        yield GZIP_HEADER
        for piece in self._pieces:
            self._sha256.update(piece)
            checksum, size = zlib.crc32(piece, checksum), size + len(piece)
            packed = deflate.compress(piece)
            if packed:
                yield packed
        yield deflate.flush() + struct.pack("<II", checksum, size & MAX_UINT32)

    @property
    def diff_id(self) -> str:
        return f"sha256:{self._sha256.hexdigest()}"


def header(entry: tarfile.TarInfo) -> bytes:
    """Names that are no UTF-8 are written as the bytes that they are."""
    return entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _member(found: Found, name: str) -> Iterator[bytes]:
    if found.is_folder:
        yield header(entry(name, tarfile.DIRTYPE, 0o755))
    elif found.is_link:
        link = entry(name, tarfile.SYMTYPE, 0o777)
        link.linkname = found.target()
        yield header(link)
    elif (content := open_file(found)) is not None:
        yield from file_member(found, name, content)


def file_member(found: Found, name: str, content: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the pieces of an archive that hold a file and its content."""
    file = entry(name, tarfile.REGTYPE, 0o755 if found.is_program else 0o644)
    file.size = found.about.st_size
    yield header(file)
    yield from content
    yield bytes(-file.size % TAR_BLOCK_BYTES)


def entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    """Return what an archive says of a file, folder or link: of 1970, and root's."""
    about = tarfile.TarInfo(name)
    about.type, about.mode = kind, mode
    return about


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % TAR_BLOCK_BYTES)
