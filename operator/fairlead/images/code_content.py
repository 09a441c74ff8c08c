"""What the source of an image is, once it is on disk: a folder of files, whatever it came as.

One file that is not Python is an archive, and taken apart. Where the script is in the one folder
that everything lies in, as archives of repositories and `oras push` have it, that folder is the
source.
"""

import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fairlead.images.layers import Entry
from fairlead.images.layout import APP_ROOT
from fairlead.sources.archive import unpack
from fairlead.sources.base import Digests, Limits

SCRIPT_SUFFIX = ".py"
MAX_READ_BYTES = 1024 * 1024  # of one file that is parsed; the parsers take less
CLUTTER = frozenset({"__MACOSX", ".DS_Store", ".git"})  # and ._files: what a Mac leaves in archives


class FolderFiles(Mapping[str, bytes]):
    """The files of a folder by their paths; what is asked for is read, up to a bound."""

    def __init__(self, folder: Path, names: Iterator[str]) -> None:
        self._folder, self._names = folder, dict.fromkeys(names)

    def __getitem__(self, name: str) -> bytes:
        if name not in self._names:
            raise KeyError(name)
        with (self._folder / name).open("rb") as file:
            return file.read(MAX_READ_BYTES + 1)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names


@dataclass(frozen=True)
class Code:
    """``digests``: sha256 in hexadecimal of each file, by its path below ``folder``."""

    folder: Path
    digests: Mapping[str, str]

    @property
    def files(self) -> Mapping[str, bytes]:
        return FolderFiles(self.folder, iter(sorted(self.digests)))

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum((self.folder / name).stat().st_size for name in self.digests)

    @property
    def programs(self) -> list[str]:
        """The files that may be run."""
        return [name for name in sorted(self.digests) if _is_program(self.folder / name)]

    def without(self, names: Collection[str]) -> "Code":
        """The same but for these files."""
        kept = {name: digest for name, digest in self.digests.items() if name not in names}
        return Code(self.folder, kept)

    def entries(self) -> Iterator[Entry]:
        """The files as they lie in images."""
        for name in self.digests:
            path = self.folder / name
            yield Entry(f"{APP_ROOT}/{name}", path, _is_program(path))


def unpacked(folder: Path, digests: Digests, into: Path, limits: Limits) -> tuple[Path, Digests]:
    """What was fetched to ``folder``, taken apart to ``into`` where it is an archive.

    Raises ``SourceError``.
    """
    names = list(digests)
    if len(names) != 1 or names[0].endswith(SCRIPT_SUFFIX):
        return folder, digests
    into.mkdir()
    return into, unpack(folder / names[0], into, limits)


def code_of(folder: Path, digests: Digests, entry_script: str) -> Code:
    """The source in ``folder``, whose ``digests`` are as sources tell them."""
    kept = {name: digest for name, digest in digests.items() if not _is_clutter(name)}
    top = _only_folder(kept)
    if top and entry_script not in kept and f"{top}/{entry_script}" in kept:
        kept = {name.removeprefix(f"{top}/"): digest for name, digest in kept.items()}
        folder = folder / top
    return Code(folder, {name: digest.partition(":")[2] for name, digest in kept.items()})


def _only_folder(names: Mapping[str, str]) -> str:
    """The folder that everything lies in; empty where there is no such."""
    tops = {name.partition("/")[0] for name in names}
    return next(iter(tops)) if len(tops) == 1 and next(iter(tops)) not in names else ""


def _is_clutter(name: str) -> bool:
    return any(part in CLUTTER or part.startswith("._") for part in name.split("/"))


def _is_program(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IXUSR)
