"""What an installation left in the environment's folder, which may be anything: foreign code ran.

Nothing is followed: every file is opened relative to its folder's descriptor, and a link is read as
a link. What an image has no use for is left out (devices, sockets, pipes; names that mean a
deletion in a layer), and what goes beyond the limits is refused before any of it is packed.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from fairlead.finding import shown

GIB = 1024**3
WHITEOUT = ".wh."  # in a layer, the name of a file below that is gone
COMPILED_FOLDER, COMPILED_SUFFIX = "__pycache__", ".pyc"
COMPILED_HEADER_BYTES = 16
COMPILED_BY_36, DATE_OF_ALL = ".cpython-36.pyc", b"\0\0\0\0"
UNCHECKED_HASH = b"\x01\0\0\0"  # PEP 552: no date, and nothing is looked up
CHUNK_BYTES = 1024 * 1024
MAX_TOLD = 10  # of what is left out


class EnvironmentUnfitError(Exception):
    """What was installed cannot be made an image; the text says what and why."""


@dataclass(frozen=True)
class Limits:
    files: int = 500_000
    """Files, folders and links."""
    size_bytes: int = 40 * GIB
    """Of all files; one with several names counts as often."""
    depth: int = 64
    """Folders within each other."""
    path_bytes: int = 3000


@dataclass(frozen=True)
class Found:
    """A file, folder or link: its path within the tree, where it was found, and what it is."""

    path: str
    name: str
    folder: int
    """The descriptor of the folder that holds it; it is open until the next one is found."""
    about: os.stat_result

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.about.st_mode)

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.about.st_mode)

    @property
    def is_program(self) -> bool:
        return bool(self.about.st_mode & 0o111)

    def target(self) -> str:
        """Where a link leads."""
        with _readable(self.path):
            return os.readlink(self.name, dir_fd=self.folder)


@dataclass
class Survey:
    """What there is: ``left_out`` are paths that no image gets."""

    files: int = 0
    size_bytes: int = 0
    left_out: int = 0


def survey(root: Path, limits: Limits, say: Callable[[str], None]) -> Survey:
    """Go through the whole tree and count. Raises ``EnvironmentUnfitError`` beyond the limits."""
    seen = Survey()

    def left_out(path: str, what: str) -> None:
        seen.left_out += 1
        if seen.left_out <= MAX_TOLD:
            say(f"Left out of the image: {shown(path)} ({what}).")

    for found in walk(root, limits, left_out):
        seen.files += 1
        if not (found.is_folder or found.is_link):
            seen.size_bytes += found.about.st_size
        if seen.size_bytes > limits.size_bytes:
            _refuse(f"The packages take more than {limits.size_bytes // GIB} GiB")
    return seen


def walk(
    root: Path, limits: Limits, left_out: Callable[[str, str], None] = lambda *_: None
) -> Iterator[Found]:
    """Yield all that goes into an image, each folder before what is in it, in the order of names.

    Raises ``EnvironmentUnfitError``.
    """
    with _opened(str(root), None, str(root)) as folder:
        yield from _Walk(limits, left_out).folder(folder, "", 1)


class _Walk:
    def __init__(self, limits: Limits, left_out: Callable[[str, str], None]) -> None:
        self._limits, self._left_out = limits, left_out
        self._count = 0

    def folder(self, folder: int, path: str, depth: int) -> Iterator[Found]:
        for name in self._names(folder, path):
            found = self._found(folder, path, name)
            if found is None:
                continue
            yield found
            if not found.is_folder:
                continue
            if depth == self._limits.depth:
                _refuse(f"More than {depth} folders lie within each other at {shown(found.path)}")
            with _opened(name, folder, found.path) as inner:
                yield from self.folder(inner, found.path, depth + 1)

    def _names(self, folder: int, path: str) -> list[str]:
        names = list[str]()
        with _readable(path), os.scandir(folder) as entries:
            for entry in entries:
                names.append(entry.name)
                self._count += 1
                if self._count > self._limits.files:
                    _refuse(f"The packages are more than {self._limits.files:,} files")
        return sorted(names, key=os.fsencode)

    def _found(self, folder: int, path: str, name: str) -> Found | None:
        inner = f"{path}/{name}" if path else name
        if len(os.fsencode(inner)) > self._limits.path_bytes:
            _refuse(f"A path is longer than {self._limits.path_bytes:,} bytes: {shown(inner)}")
        with _readable(inner):
            about = os.stat(name, dir_fd=folder, follow_symlinks=False)
        what = _unwanted(name, about.st_mode)
        if what:
            self._left_out(inner, what)
            return None
        return Found(inner, name, folder, about)


def open_file(found: Found) -> Iterator[bytes] | None:
    """Return the content of a file in pieces; None for a compiled file that no image gets.

    Raises ``EnvironmentUnfitError``, also where the file is not what it was.
    """
    file = _opened_file(found)
    if is_compiled(found.path) and not _is_dateless(file, found.name):
        os.close(file)
        return None
    return _pieces(file, found)


def open_whole(found: Found) -> Iterator[bytes]:
    """Return the content of a file in pieces, whichever it is.

    Raises ``EnvironmentUnfitError``, also where the file is not what it was.
    """
    return _pieces(_opened_file(found), found)


def is_compiled(path: str) -> bool:
    return path.endswith(COMPILED_SUFFIX) and path.split("/")[-2:-1] == [COMPILED_FOLDER]


def _opened_file(found: Found) -> int:
    with _readable(found.path):
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        file = os.open(found.name, flags, dir_fd=found.folder)
    about = os.fstat(file)
    unchanged = stat.S_ISREG(about.st_mode) and about.st_size == found.about.st_size
    if not unchanged:
        os.close(file)
        _changed(found)
    return file


def _pieces(file: int, found: Found) -> Iterator[bytes]:
    left = found.about.st_size
    try:
        while left:
            piece = os.read(file, min(CHUNK_BYTES, left))
            if not piece:
                _changed(found)
            left -= len(piece)
            yield piece
    finally:
        os.close(file)


def _is_dateless(file: int, name: str) -> bool:
    """One that holds the date of its source would differ each time, and fit no file in an image.

    Python 3.6 knows no other: there the date of all files in an image is one that fits.
    """
    head = os.pread(file, COMPILED_HEADER_BYTES, 0)[4:8]
    return head == UNCHECKED_HASH or (name.endswith(COMPILED_BY_36) and head == DATE_OF_ALL)


def _unwanted(name: str, mode: int) -> str:
    """Why something is left out; empty where it is not."""
    if name.startswith(WHITEOUT):
        return "its name would delete a file of the base image"
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode):
        return ""
    return "it is no file, folder or link"


@contextmanager
def _opened(name: str, folder: int | None, path: str) -> Iterator[int]:
    with _readable(path):
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        inner = os.open(name, flags, dir_fd=folder)
    try:
        yield inner
    finally:
        os.close(inner)


@contextmanager
def _readable(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        said = f"{shown(path) or 'The folder'} cannot be read: {error.strerror}"
        raise EnvironmentUnfitError(f"{said}.") from error


def _changed(found: Found) -> NoReturn:
    _refuse(f"{shown(found.path)} changed while it was packed")


def _refuse(what: str) -> NoReturn:
    raise EnvironmentUnfitError(f"{what}.")
