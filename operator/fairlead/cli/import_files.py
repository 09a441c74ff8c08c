"""The disk, as the conversion of v1's files may look at it, and where its result goes."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from fairlead.api.reasons import Reason
from fairlead.finding import Finding, Problem, combine, listed
from fairlead.inputs.ignored import IGNORE_FILES, ignored_names
from fairlead.inputs.ignored import MAX_FILE_BYTES as MAX_IGNORE_BYTES
from fairlead.local.errors import refusal
from fairlead.local.files import IGNORED, MAX_WALKED_FILES
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

    def walk(self, folder: str, *, source: bool = False) -> Walk:
        """Links to files of the folder are those files; other links are left out."""
        paths, left_out = dict[str, Path](), list[str]()
        for relative, path in self._below(Path(folder)):
            if path.is_file() and self.inside(str(path), folder):
                paths[relative] = path
            else:
                left_out.append(relative)
            if len(paths) + len(left_out) > MAX_WALKED_FILES:
                return Walk({}, tuple(left_out), too_large=True)
        ignored = self._ignored(paths) if source else frozenset[str]()
        if isinstance(ignored, Finding):
            return Walk({}, tuple(left_out), problem=ignored)
        files = {name: path.stat().st_size for name, path in paths.items() if name not in ignored}
        many = len(files) + len(left_out) > MAX_FILES or sum(files.values()) > MAX_SOURCE_BYTES
        return Walk(files, tuple(left_out), too_large=many, ignored=tuple(sorted(ignored)))

    def _below(self, root: Path) -> Iterator[tuple[str, Path]]:
        """Files, and links to folders, by their relative paths."""
        for place, folders, names in os.walk(root, onerror=_cannot_be_read):
            yield from (_placed(root, place, name) for name in folders if _is_link(place, name))
            folders[:] = sorted(name for name in folders if self._is_kept(Path(place, name)))
            for name in sorted(names):
                if name not in IGNORED and not name.endswith(".pyc"):
                    yield _placed(root, place, name)

    def _ignored(self, paths: Mapping[str, Path]) -> frozenset[str] | Finding:
        file = next((name for name in IGNORE_FILES if name in paths), None)
        if file is None:
            return frozenset()
        content = self.read(str(paths[file]), MAX_IGNORE_BYTES)
        if isinstance(content, Unread):
            return combine(
                file, [Problem(Reason.IGNORE_FILE_INVALID, 0, content.why, content.remedy)]
            )
        return ignored_names(paths, content, file)

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


def _placed(root: Path, place: str, name: str) -> tuple[str, Path]:
    path = Path(place, name)
    return path.relative_to(root).as_posix(), path


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
