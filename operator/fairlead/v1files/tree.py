"""The files that the conversion may look at, whoever reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Protocol

from fairlead.finding import Finding


@dataclass(frozen=True)
class Unread:
    """Why a file was not read."""

    why: str
    remedy: str


@dataclass(frozen=True)
class Walk:
    """Regular files below a folder by their relative paths, with their bytes in size; ``left_out``
    are links that lead out of it, and what is no file; ``ignored`` what `.amlignore` or
    `.gitignore` at its top names; ``problem`` what is wrong with that file."""

    files: Mapping[str, int] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    too_large: bool = False
    ignored: tuple[str, ...] = ()
    problem: Finding | None = None


class Tree(Protocol):
    """Paths are relative to the folder that the command runs in, with '/' between their parts."""

    def read(self, path: str, most: int) -> bytes | Unread:
        """The content of a regular file of at most ``most`` bytes."""
        ...

    def is_file(self, path: str) -> bool: ...

    def is_folder(self, path: str) -> bool: ...

    def walk(self, folder: str, *, source: bool = False) -> Walk:
        """``source``: without what its `.amlignore`, else `.gitignore`, names."""
        ...

    def inside(self, path: str, folder: str) -> bool:
        """Whether ``path`` lies below ``folder``, links followed."""
        ...


def clean(path: str) -> str:
    """The same path with '/' between its parts, also where it was written on Windows."""
    return PurePosixPath(path.strip().replace("\\", "/")).as_posix()


def joined(folder: str, path: str) -> str:
    """``path`` below ``folder``, '.' and '..' resolved as far as that can be done by name."""
    parts = list[str]()
    whole = PurePosixPath(folder) / path
    for part in whole.parts:
        if part == ".." and parts and parts[-1] not in ("..", "/"):
            parts.pop()
        elif part != ".":
            parts.append(part)
    return str(PurePosixPath(*parts)) if parts else "."


def parent(path: str) -> str:
    return PurePosixPath(path).parent.as_posix()


def is_absolute(path: str) -> bool:
    """Also with a drive of Windows."""
    return path.startswith("/") or path[1:2] == ":"
