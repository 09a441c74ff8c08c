"""The disk, as the conversion of v1's files may look at it, and where its result goes."""

import os
from collections.abc import Mapping
from pathlib import Path

from fairlead.api.reasons import Reason
from fairlead.finding import listed
from fairlead.local.errors import refusal
from fairlead.local.files import IGNORED
from fairlead.local.source import below
from fairlead.v1files.carried import MAX_SOURCE_BYTES
from fairlead.v1files.tree import Unread, Walk

MAX_FILES = 5000


class Disk:
    """Files of this machine; ``avoided``: a folder whose content is none of any source."""

    def __init__(self, avoided: Path | None = None) -> None:
        self._avoided = avoided.resolve() if avoided else None

    def read(self, path: str, most: int) -> bytes | Unread:
        try:
            if not Path(path).is_file():
                return Unread("it is no file", "Correct the path.")
            with Path(path).open("rb") as file:
                content = file.read(most + 1)
        except OSError as error:
            why = f"it cannot be read: {os.strerror(error.errno or 0)}"
            return Unread(why, "Let whoever runs this read it.")
        if len(content) > most:
            return Unread(f"it is longer than {most // 1024} KiB", "Give a shorter one.")
        return content

    def is_file(self, path: str) -> bool:
        return _is(Path.is_file, path)

    def is_folder(self, path: str) -> bool:
        return _is(Path.is_dir, path)

    def inside(self, path: str, folder: str) -> bool:
        return Path(path).resolve().is_relative_to(Path(folder).resolve())

    def walk(self, folder: str) -> Walk:
        """Links to files of the folder are those files; other links are left out."""
        root = Path(folder)
        files, left_out, size = dict[str, int](), list[str](), 0
        for place, folders, names in os.walk(root, onerror=_cannot_be_read):
            left_out += [_relative(root, place, name) for name in folders if _is_link(place, name)]
            folders[:] = sorted(name for name in folders if self._is_kept(Path(place, name)))
            for name in sorted(names):
                path, relative = Path(place, name), _relative(root, place, name)
                if name in IGNORED or name.endswith(".pyc"):
                    continue
                if not path.is_file() or not self.inside(str(path), folder):
                    left_out.append(relative)
                    continue
                files[relative] = path.stat().st_size
                size += files[relative]
                if size > MAX_SOURCE_BYTES or len(files) + len(left_out) > MAX_FILES:
                    return Walk(files, tuple(left_out), too_large=True)
        return Walk(files, tuple(left_out))

    def _is_kept(self, folder: Path) -> bool:
        return folder.name not in IGNORED and folder.resolve() != self._avoided


def _cannot_be_read(error: OSError) -> None:
    """What cannot be looked at must not be left out without a word."""
    raise error


def _is(kind: object, path: str) -> bool:
    """A path that no system takes is nothing."""
    try:
        return bool(kind(Path(path)))  # type: ignore[operator]
    except (OSError, ValueError):
        return False


def _is_link(place: str, name: str) -> bool:
    return Path(place, name).is_symlink()


def _relative(root: Path, place: str, name: str) -> str:
    return Path(place, name).relative_to(root).as_posix()


def write_files(folder: Path, files: Mapping[str, bytes], *, force: bool) -> list[Path]:
    """Write them all, or nothing. Raises ``LocalError`` where files are there, unless ``force``."""
    paths = {name: below(folder, name) for name in files}
    there = [str(path) for path in paths.values() if path.is_symlink() or path.exists()]
    if there and not force:
        raise refusal(
            Reason.FILE_EXISTS,
            f"Nothing was written, for there are {listed(there, 5)}.",
            "Choose another --output-dir, or write over them with --force.",
        )
    for name, path in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.new")
        draft.unlink(missing_ok=True)  # a link would be written through
        draft.write_bytes(files[name])
        os.replace(draft, path)  # noqa: PTH105  (the same call, and said to be atomic)
    return list(paths.values())
