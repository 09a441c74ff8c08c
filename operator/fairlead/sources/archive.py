"""Archives taken apart, as if everybody who packs one meant harm.

They are judged by the rules here alone, on every Python: only files and folders with plain relative
names come out, never a link or a device, and of one that comes twice the last. What an archive says
of itself is believed where it speaks against it, so that one that is too large is refused at once;
for the rest everything is counted as it comes. Nothing is read into memory at once.
"""

import errno
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from fairlead.api.reasons import Reason
from fairlead.redact import one_line
from fairlead.sources.base import Digests, Limits, Meter, SourceError, chunks
from fairlead.sources.careful_file import (
    CarefulFile,
    CarefulTar,
    OddRecordsError,
    TooMuchToReadError,
)
from fairlead.sources.compressed import declared_files, opened
from fairlead.sources.names import UnfitNameError, below, shown_name

ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")  # with members, and without
MAX_HEADER_BYTES = 64 * 1024  # before one member of a tar: names, attributes, a map of holes
MAX_TABLE_BYTES = 8 * 1024 * 1024  # of a zip's own table of contents
MAX_RATIO = 1000  # of what comes out to the archive, from MIN_RATIO_BYTES on
MIN_RATIO_BYTES = 100 * 1024 * 1024
MAX_ERROR_CHARS = 200
ENCRYPTED = 0x1
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
ARCHIVE_ERRNOS = {None, errno.EINVAL}  # bz2 and gzip say so of wrong data, seek() of wrong offsets
BROKEN = (
    OddRecordsError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    LZMAError,
    EOFError,
    RuntimeError,  # of zipfile; headers that announce headers; NotImplementedError: a compression
    ArithmeticError,  # offsets beyond everything
    ValueError,  # numbers and texts that are none
    LookupError,
)


@dataclass(frozen=True)
class Member:
    """One file of an archive: ``size`` is what that says of it; ``content`` is to be closed."""

    name: PurePosixPath
    size: int
    content: IO[bytes]
    mode: int = 0


def unpack(archive: Path, into: Path, limits: Limits) -> Digests:
    """Take a zip, tar, tar.gz, tar.bz2 or tar.xz apart. Raises ``SourceError``.

    Which of them it is its content says, not its name. Folders come with the files in them.
    """
    meter = _Meter(limits, archive)
    digests: Digests = {}
    with archive.open("rb") as file, _told(archive.name):
        for member in _members(file, meter):
            target = _place(member.name, into, meter, again=member.name.as_posix() in digests)
            meter.expect(member.size)
            with member.content:
                digests[member.name.as_posix()] = meter.store(chunks(member.content), target)
            _set_mode(target, member)
    return digests


def unpack_onto(
    layer: Path, into: Path, limits: Limits, digests: Digests, within: str = ""
) -> None:
    """Take a tar apart over what lies in ``into``, as the layers of an image lie on each other.

    ``digests`` are those of what lies there, and are kept so. ``within``: only what is in this
    folder counts, and goes without it. Raises ``SourceError``.
    """
    meter = _Meter(limits, layer)
    with layer.open("rb") as file, _told(layer.name):
        for member in _tar_members(file, meter, within):
            with member.content:
                if member.name.name.startswith(WHITEOUT):
                    _white_out(member.name, into, digests)
                    continue
                target = _place(member.name, into, meter, again=member.name.as_posix() in digests)
                meter.expect(member.size)
                digests[member.name.as_posix()] = meter.store(chunks(member.content), target)
                _set_mode(target, member)


def _set_mode(target: Path, member: Member) -> None:
    """Of a mode one thing counts: whether its owner may run the file."""
    if member.mode & stat.S_IXUSR:
        target.chmod(0o755)


def _white_out(name: PurePosixPath, into: Path, digests: Digests) -> None:
    """A layer says that a file, or all that is in a folder, is gone.

    Source: the OCI image specification, "Whiteouts".
    """
    gone = name.parent if name.name == OPAQUE else name.with_name(name.name[len(WHITEOUT) :])
    for known in [known for known in digests if PurePosixPath(known).is_relative_to(gone)]:
        del digests[known]
        (into / known).unlink()


class _Meter(Meter):
    """Counts what comes out, and compares it with the size of the archive."""

    def __init__(self, limits: Limits, archive: Path) -> None:
        super().__init__(limits, f"What {archive.name} holds")
        self._most = max(MIN_RATIO_BYTES, MAX_RATIO * archive.stat().st_size)

    def expect(self, size: int) -> None:
        super().expect(size)
        if self.bytes + size > self._most:
            raise SourceError(
                Reason.ARCHIVE_UNSAFE,
                f"The archive was refused: it unpacks to more than {MAX_RATIO:,} times its size.",
                "Offer its files without packing them, or leave out what is empty in them.",
            )


def _members(file: BinaryIO, meter: Meter) -> Iterator[Member]:
    magic = file.read(8)
    file.seek(0)
    return _zip_members(file, meter) if magic.startswith(ZIP_MAGIC) else _tar_members(file, meter)


def _tar_members(file: BinaryIO, meter: Meter, within: str = "") -> Iterator[Member]:
    careful = CarefulTar(opened(file))
    careful.allow(MAX_HEADER_BYTES)
    with tarfile.open(fileobj=cast("IO[bytes]", careful), mode="r:") as tar:
        for member in tar:
            called = _called(member.name, within)
            if called is None:
                meter.check_time()
                careful.allow(MAX_HEADER_BYTES)
                continue
            meter.count_file()
            name = checked_name(called)
            if not (member.isreg() or member.isdir()):
                raise unsafe(member.name, f"is a {_kind(member)}")
            if member.size < 0:
                raise _invalid(f"{member.name} in it has a size that is none")
            careful.allow(None)
            source = tar.extractfile(member) if member.isreg() else None
            if source is not None:
                yield Member(name, member.size, source, member.mode)
            careful.allow(MAX_HEADER_BYTES)


def _called(name: str, within: str) -> str | None:
    """What a member is called below ``within``; None where it is elsewhere, or is that folder."""
    if not within:
        return name
    below_it = name.removeprefix("./").removeprefix(f"{within}/")
    return below_it if below_it and below_it != name.removeprefix("./") else None


def _zip_members(file: BinaryIO, meter: Meter) -> Iterator[Member]:
    meter.expect_files(declared_files(file))
    careful = CarefulFile(file)
    careful.allow(MAX_TABLE_BYTES)
    with zipfile.ZipFile(cast("IO[bytes]", careful)) as archive:
        careful.allow(None)
        last = {_judged(member, meter): member for member in archive.infolist()}
        files = {name: member for name, member in last.items() if not member.is_dir()}
        meter.expect(sum(member.file_size for member in files.values()))
        for name, member in files.items():
            mode = member.external_attr >> 16
            yield Member(name, member.file_size, archive.open(member), mode)


def _judged(member: zipfile.ZipInfo, meter: Meter) -> PurePosixPath:
    meter.count_file()
    name = checked_name(member.filename)
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise unsafe(member.filename, "is a link or a device")
    if member.flag_bits & ENCRYPTED:
        raise _invalid(f"{member.filename} in it is encrypted")
    return name


def _place(name: PurePosixPath, into: Path, meter: Meter, *, again: bool) -> Path:
    """Where a file goes. One that was there before goes away."""
    target = into / name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if again:
            meter.give_back(target.stat().st_size)
            target.unlink()
    except (FileExistsError, NotADirectoryError) as error:
        raise _both(name) from error
    if target.is_dir():
        raise _both(name)
    return target


def checked_name(name: str) -> PurePosixPath:
    """Return a member's name as a path below the folder it is unpacked to, else refuse it."""
    try:
        return below(name, "archive")
    except UnfitNameError as error:
        raise unsafe(error.shown, str(error)) from error


def unsafe(member: str, why: str) -> SourceError:
    return SourceError(
        Reason.ARCHIVE_UNSAFE,
        f"The archive was refused: its member {shown_name(member)} {why}.",
        "Pack it again with plain files and folders and relative names.",
    )


def _both(name: PurePosixPath) -> SourceError:
    return _invalid(f"{name} in it is both a file and a folder: the archive is broken")


def _invalid(why: str) -> SourceError:
    return SourceError(
        Reason.ARCHIVE_INVALID,
        f"The file cannot be unpacked: {why}.",
        "Offer a zip, tar, tar.gz, tar.bz2 or tar.xz; of a model, leave spec.unpack out to keep "
        "the file as it is.",
    )


@contextmanager
def _told(name: str) -> Iterator[None]:
    """What the libraries say of a broken archive, without any path of this machine."""
    try:
        yield
    except TooMuchToReadError as error:
        raise _invalid(
            f"{name} is a broken archive (its table of contents is too large)"
        ) from error
    except BROKEN as error:
        said = one_line(str(error))[:MAX_ERROR_CHARS] or type(error).__name__
        raise _invalid(f"{name} is no archive that we read, or a broken one ({said})") from error
    except OSError as error:
        if error.errno not in ARCHIVE_ERRNOS:
            raise
        said = one_line(error.strerror or str(error))[:MAX_ERROR_CHARS]
        raise _invalid(f"{name} is a broken archive ({said})") from error


def _kind(member: tarfile.TarInfo) -> str:
    return "link" if member.issym() or member.islnk() else "device or another special file"
