"""Packages taken apart here, before anything of them is linked.

Only files and folders reach the disk: what a link is called and where it leads is kept aside, so
that nothing that is done with the unpacked tree can be led elsewhere. Every byte and every member
counts, as the archive announces it, against the limits of the whole environment and of this one.
"""

import bz2
import errno
import os
import shutil
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, NoReturn, cast

import zstandard

from fairlead.diagnosis.build.conda_causes import CondaError, PackageUnfit
from fairlead.finding import shown
from fairlead.images.environment_tree import GIB, Limits
from fairlead.sources.archive import (
    BROKEN,
    MAX_HEADER_BYTES,
    MAX_RATIO,
    MAX_TABLE_BYTES,
    MIN_RATIO_BYTES,
)
from fairlead.sources.careful_file import CarefulFile, CarefulTar, TooMuchToReadError

MAX_INFO_BYTES = 32 * 1024**2  # of one file that we read whole
CHUNK_BYTES = 1024 * 1024
MAX_NAME_BYTES, MAX_PATH_BYTES, MAX_TARGET_BYTES, MAX_DEPTH = 255, 1000, 4000, 60
INFO = "info"
READ = ("info/index.json", "info/paths.json", "info/link.json")
# bz2 and zipfile have none for wrong data; the others are of names that no two files can have
PACKAGE_ERRNOS = {
    *(None, errno.EINVAL, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG),
}
UNREADABLE = "cannot be read: it is a broken archive"


@dataclass
class Unpacked:
    """``files``: of the tree, by their paths; ``links``: where each leads; ``info``: as it came."""

    tree: Path
    files: set[str] = field(default_factory=set)
    links: dict[str, str] = field(default_factory=dict)
    info: dict[str, bytes] = field(default_factory=dict)


class Meter:
    """What one environment takes; several threads count together."""

    def __init__(self, limits: Limits) -> None:
        self._limits, self._lock = limits, threading.Lock()
        self._size_bytes = self._members = 0

    def count(self, size_bytes: int) -> str | None:
        """Count one member; return what is wrong with it, as the end of a sentence."""
        with self._lock:
            self._size_bytes += size_bytes
            self._members += 1
            if self._size_bytes > self._limits.size_bytes:
                most = self._limits.size_bytes // GIB
                return f"is one too many: unpacked, the packages take more than {most} GiB"
            if self._members > self._limits.files:
                most = self._limits.files
                return f"is one too many: the packages are more than {most:,} files"
        return None


def unpack(name: str, archive: Path, tree: Path, meter: Meter) -> Unpacked:
    """Take a ``.conda`` or ``.tar.bz2`` apart into the new folder ``tree``. Raises ``CondaError``,
    which calls the package by ``name``."""
    tree.mkdir(parents=True)
    ratio_bytes = max(MIN_RATIO_BYTES, MAX_RATIO * archive.stat().st_size)
    unpacking = _Unpacking(name, Unpacked(tree), meter, ratio_bytes)
    with _told(name), archive.open("rb") as file:
        if archive.suffix == ".conda":
            unpacking.conda(file)
        else:
            unpacking.tar(cast("IO[bytes]", bz2.BZ2File(file)))
    return unpacking.found


class _Unpacking:
    def __init__(self, name: str, found: Unpacked, meter: Meter, left_bytes: int) -> None:
        self.found, self._meter = found, meter
        self._file, self._seen = name, set[str]()
        self._left_bytes = left_bytes

    def conda(self, file: IO[bytes]) -> None:
        careful = CarefulFile(file)
        careful.allow(MAX_TABLE_BYTES)
        with zipfile.ZipFile(cast("IO[bytes]", careful)) as outer:
            careful.allow(None)
            names = outer.namelist()
            for part in (INFO, "pkg"):
                fitting = [n for n in names if n.startswith(f"{part}-") and n.endswith(".tar.zst")]
                if len(fitting) != 1:
                    self._refuse(f"holds {len(fitting)} parts of the kind {part}")
                with outer.open(fitting[0]) as packed, _zstd(packed) as content:
                    self.tar(content, part)

    def tar(self, content: IO[bytes], part: str = "") -> None:
        """``part``: where a package has two, which of them may hold what describes it."""
        careful = CarefulTar(content)
        careful.allow(MAX_HEADER_BYTES)
        with tarfile.open(fileobj=cast("IO[bytes]", careful), mode="r:") as tar:
            while (member := tar.next()) is not None:
                careful.allow(None)
                self._take(tar, member, part)
                careful.allow(MAX_HEADER_BYTES)

    def _take(self, tar: tarfile.TarFile, member: tarfile.TarInfo, part: str) -> None:
        self._count(member)
        path = self._path(member.name)
        if member.isdir():
            return
        if part and (path.split("/")[0] == INFO) != (part == INFO):
            self._refuse(f"has a file in the wrong part of it ({shown(path)})")
        if path in self._seen:
            self._refuse(f"has a file twice ({shown(path)})")
        self._seen.add(path)
        if member.issym():
            self._link(path, member.linkname)
        elif member.islnk():
            self._second_name(path, self._path(member.linkname))
        elif member.isreg() and not member.issparse():
            self._store(tar, member, path)
        else:
            self._refuse(f"has something that is no file, folder or link ({shown(path)})")

    def _count(self, member: tarfile.TarInfo) -> None:
        if member.size < 0:
            self._refuse(UNREADABLE)
        self._left_bytes -= member.size
        if self._left_bytes < 0:
            self._refuse(f"unpacks to more than {MAX_RATIO:,} times its size")
        if wrong := self._meter.count(member.size):
            self._refuse(wrong)

    def _path(self, name: str) -> str:
        """A name in the one form that it may have in the tree."""
        path = PurePosixPath(name)
        longest = max((len(os.fsencode(part)) for part in path.parts), default=0)
        fits = len(os.fsencode(name)) <= MAX_PATH_BYTES and longest <= MAX_NAME_BYTES
        if path.is_absolute() or ".." in path.parts or "\0" in name:
            self._refuse(f"has a file outside of the environment ({shown(name)})")
        if not fits or len(path.parts) > MAX_DEPTH:
            self._refuse(f"has too long a name ({shown(name)})")
        return path.as_posix()

    def _store(self, tar: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
        content = tar.extractfile(member)
        if content is None:
            self._refuse(UNREADABLE)
        elif path in READ:
            if member.size > MAX_INFO_BYTES:
                self._refuse(f"describes itself in more than {MAX_INFO_BYTES:,} bytes")
            self.found.info[path] = content.read()
        elif path.split("/")[0] != INFO:
            target = self._place(path)
            with target.open("xb") as file:
                shutil.copyfileobj(content, file, CHUNK_BYTES)
            target.chmod(0o755 if member.mode & 0o111 else 0o644)
            self.found.files.add(path)

    def _link(self, path: str, target: str) -> None:
        if not 0 < len(os.fsencode(target)) <= MAX_TARGET_BYTES or "\0" in target:
            self._refuse(f"has a link that leads nowhere ({shown(path)})")
        self.found.links[path] = target

    def _second_name(self, path: str, first: str) -> None:
        if first not in self.found.files:
            self._refuse(f"has a second name for what it has not ({shown(path)})")
        self._place(path).hardlink_to(self.found.tree / first)
        self.found.files.add(path)

    def _place(self, path: str) -> Path:
        target = self.found.tree / path
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def _refuse(self, why: str) -> NoReturn:
        raise unfit(self._file, why)


def unfit(file: str, why: str) -> CondaError:
    return CondaError(PackageUnfit(file, why))


def _zstd(packed: IO[bytes]) -> zstandard.ZstdDecompressionReader:
    return zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)


@contextmanager
def _told(file: str) -> Iterator[None]:
    """What the libraries say of broken archives, without paths of this machine."""
    try:
        yield
    except (*BROKEN, TooMuchToReadError, zstandard.ZstdError) as error:
        raise unfit(file, UNREADABLE) from error
    except OSError as error:
        if error.errno not in PACKAGE_ERRNOS:
            raise
        raise unfit(file, UNREADABLE) from error
