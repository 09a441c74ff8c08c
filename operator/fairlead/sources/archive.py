"""Archives taken apart, as if everybody who packs one meant harm.

Only files and folders with plain relative names come out; everything is counted as it comes, not as
the archive says; nothing is read into memory at once. ``tarfile``'s own ``data`` filter (PEP 706)
stands behind our checks.
"""

import bz2
import errno
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from fairlead.api.reasons import Reason
from fairlead.sources.base import Digests, Limits, Meter, SourceError, chunks

OPENERS: Mapping[bytes, Callable[[BinaryIO], object]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
ZIP = (b"PK\x03\x04", b"PK\x05\x06")  # with members, and without
MAX_READ_BYTES = 16 * 1024 * 1024  # bytes of an archive's own table of contents
MAX_NAME_BYTES, MAX_PATH_CHARS, MAX_PATH_DEPTH = 255, 2000, 64
ENCRYPTED = 0x1
ARCHIVE_ERRNOS = {None, errno.EINVAL}  # bz2 and gzip say so of wrong data, seek() of wrong offsets
BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,  # a compression that zipfile does not know
    FileExistsError,
    NotADirectoryError,
    IsADirectoryError,
    UnicodeDecodeError,
    RecursionError,  # headers that announce headers that announce headers
)


def unpack(archive: Path, into: Path, limits: Limits) -> Digests:
    """Take a zip, tar, tar.gz, tar.bz2 or tar.xz apart. Raises ``SourceError``.

    Which of them it is its content says, not its name. Folders come with the files in them.
    """
    meter, digests = Meter(limits, f"What {archive.name} holds"), {}
    with archive.open("rb") as file, _told(archive.name):
        for name, source in _members(file, into, meter):
            target = into / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with source:
                digests[name.as_posix()] = meter.store(chunks(source), target)
    return digests


def _members(file: BinaryIO, into: Path, meter: Meter) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
    magic = file.read(8)
    file.seek(0)
    if magic.startswith(ZIP):
        return _zip_members(file, meter)
    opener = next((o for m, o in OPENERS.items() if magic.startswith(m)), None)
    return _tar_members(cast("IO[bytes]", opener(file)) if opener else file, into, meter)


def _tar_members(
    content: IO[bytes], into: Path, meter: Meter
) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
    with tarfile.open(fileobj=cast("IO[bytes]", _Careful(content)), mode="r:") as tar:
        for member in tar:
            meter.count_file()
            name = checked_name(member.name)
            if not (member.isreg() or member.isdir()):
                raise unsafe(member.name, f"is a {_kind(member)}")
            tarfile.data_filter(member, str(into))
            meter.expect(member.size)
            source = tar.extractfile(member) if member.isreg() else None
            if source is not None:
                yield name, source


def _zip_members(file: BinaryIO, meter: Meter) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
    with zipfile.ZipFile(cast("IO[bytes]", _Careful(file))) as archive:
        for member in archive.infolist():
            meter.count_file()
            name = checked_name(member.filename)
            if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise unsafe(member.filename, "is a link or a device")
            if member.flag_bits & ENCRYPTED:
                raise _invalid(f"{member.filename} in it is encrypted")
            meter.expect(member.file_size)
            if not member.is_dir():
                yield name, archive.open(member)


def checked_name(name: str) -> PurePosixPath:
    """Return a member's name as a path below the folder it is unpacked to, else refuse it."""
    path = PurePosixPath(name)
    if not name:
        raise unsafe(name, "has no name")
    if path.is_absolute() or "\\" in name or name[1:2] == ":":
        raise unsafe(name, "has an absolute name, or one of another system")
    if ".." in path.parts:
        raise unsafe(name, "reaches outside the archive")
    if not name.isprintable():
        raise unsafe(name, "has a name with characters that cannot be shown")
    longest = max((len(part.encode()) for part in path.parts), default=0)
    if longest > MAX_NAME_BYTES or len(name) > MAX_PATH_CHARS or len(path.parts) > MAX_PATH_DEPTH:
        raise unsafe(f"{name[:60]}…", "has too long a name")
    return path


def unsafe(member: str, why: str) -> SourceError:
    shown = ascii(member)[1:-1] if not member.isprintable() else member
    return SourceError(
        Reason.ARCHIVE_UNSAFE,
        f"The archive was refused: its member {shown[:200]} {why}.",
        "Pack it again with plain files and folders and relative names.",
    )


def _invalid(why: str) -> SourceError:
    return SourceError(
        Reason.ARCHIVE_INVALID,
        f"spec.unpack is set, but the file cannot be unpacked: {why}.",
        "Offer a zip, tar, tar.gz, tar.bz2 or tar.xz, or leave spec.unpack out to keep the file as "
        "it is.",
    )


@contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except tarfile.FilterError as error:
        raise unsafe(error.tarinfo.name, "is not safe to unpack") from error
    except BROKEN as error:
        raise _invalid(f"{name} is no archive that we read, or a broken one ({error})") from error
    except OSError as error:
        if error.errno not in ARCHIVE_ERRNOS:
            raise
        raise _invalid(f"{name} is a broken archive ({error})") from error


def _kind(member: tarfile.TarInfo) -> str:
    return "link" if member.issym() or member.islnk() else "device or another special file"


class _Careful(io.RawIOBase):
    """A file that is never read in one great gulp, as tables of contents and long names are."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file

    def read(self, size: int = -1) -> bytes:
        wanted = min(size, MAX_READ_BYTES + 1) if size >= 0 else MAX_READ_BYTES + 1
        content = self._file.read(wanted)
        if len(content) > MAX_READ_BYTES:
            raise zipfile.BadZipFile("its table of contents is too large")
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True
