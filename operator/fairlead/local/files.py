"""Files of this machine that a command names, read within bounds."""

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from fairlead.api.reasons import Reason
from fairlead.finding import Finding, shown
from fairlead.inputs.ignored import IGNORE_FILES, ignored_names
from fairlead.local.errors import LocalError, refusal

Files = Mapping[str, bytes]
MIB = 1024**2
MAX_FILE_BYTES = 100 * MIB  # bytes of a manifest, or of one file of the source
MAX_SOURCE_BYTES = 300 * MIB  # bytes of a whole source: v1's own limit for a folder
MAX_SOURCE_FILES = 5000
MAX_WALKED_FILES = 200_000  # of a folder, what is left out of the source among them
IGNORED = frozenset(
    (
        *("__pycache__", ".git", ".hg", ".svn", ".ipynb_checkpoints", ".mypy_cache"),
        *(".pytest_cache", ".ruff_cache", ".venv", "venv", "node_modules", ".DS_Store"),
    )
)

_WITH_KEYS = re.compile(r"\.env(\..*)?")  # where scripts keep keys for themselves


def read_bytes(path: Path) -> bytes:
    """Raises ``LocalError``."""
    try:
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "is not there"
            remedy = "Correct the path; it is taken from the folder that the command runs in."
            slashed = Path(str(path).replace("\\", "/"))
            if slashed != path and slashed.is_file():
                remedy = f"Write it with '/' between folders: {shown(str(slashed))}."
            raise refusal(Reason.FILE_NOT_FOUND, f"{path} {what}.", remedy)
        if path.stat().st_size > MAX_FILE_BYTES:
            said = f"{path} has more than {MAX_FILE_BYTES // MIB} MiB."
            raise refusal(Reason.FILE_UNREADABLE, said, "A model goes to --model.")
        return path.read_bytes()
    except OSError as error:
        said = f"{path} cannot be read: {os.strerror(error.errno or 0)}."
        remedy = "Let whoever runs this command read it."
        raise refusal(Reason.FILE_UNREADABLE, said, remedy) from error


def folder_files(folder: Path, without: Collection[str] = ()) -> dict[str, bytes]:
    """All files below ``folder`` but for what no script needs and ``.env``, which holds keys, by
    their relative paths; ``without`` what is directly below it and has one of these names.

    Raises ``LocalError``, for a link out of the folder, too: whoever wrote the folder must not
    choose among the other files of this machine.
    """
    paths = _paths(folder)
    return _read(folder, {name: paths[name] for name in paths if _top(name) not in without})


def source_files(folder: Path) -> dict[str, bytes]:
    """The same of a folder that is a source: without what `.amlignore`, else `.gitignore`, at its
    top leaves out, as of sources that the cluster fetches. Raises ``LocalError``."""
    paths = _paths(folder)
    file = next((name for name in IGNORE_FILES if name in paths), None)
    if file is None:
        return _read(folder, paths)
    _check_link(paths[file], folder)
    ignored = ignored_names(paths, read_bytes(paths[file]), file)
    if isinstance(ignored, Finding):
        raise LocalError(ignored)
    return _read(folder, {name: paths[name] for name in paths if name not in ignored})


def _paths(folder: Path) -> dict[str, Path]:
    """By their relative paths."""
    if not folder.is_dir():
        what = "is not there" if not folder.exists() else "is no folder"
        raise refusal(Reason.FILE_NOT_FOUND, f"{folder} {what}.", "Correct --source-directory.")
    found = dict[str, Path]()
    for path in _walked(folder):
        found[path.relative_to(folder).as_posix()] = path
        if len(found) > MAX_WALKED_FILES:
            raise _too_large(folder, f"{MAX_WALKED_FILES:,} files, those left out among them")
    return found


def _read(folder: Path, paths: Mapping[str, Path]) -> dict[str, bytes]:
    found, size = dict[str, bytes](), 0
    for name, path in paths.items():
        _check_link(path, folder)
        found[name] = content = read_bytes(path)
        size += len(content)
        if size > MAX_SOURCE_BYTES or len(found) > MAX_SOURCE_FILES:
            most = f"{MAX_SOURCE_BYTES // MIB} MiB or {MAX_SOURCE_FILES:,} files"
            raise _too_large(folder, most)
    return found


def _too_large(folder: Path, most: str) -> LocalError:
    said = f"{folder} is too large for a source: more than {most}."
    remedy = "Name a folder with the code alone (.amlignore leaves out the rest); models: --model."
    return refusal(Reason.SOURCE_TOO_LARGE, said, remedy)


def _top(name: str) -> str:
    return name.partition("/")[0]


def model_files(path: Path) -> list[Path]:
    """The file, or those of the folder but for ``.env``, in their order.

    Raises ``LocalError`` for a link that stands for anything but a file of the folder.
    """
    if not path.is_dir():
        return [path]
    found = list[Path]()
    for place, folders, names in os.walk(path):
        for one in (Path(place, name) for name in (*folders, *names) if not holds_keys(name)):
            if one.is_symlink() and not (one.is_file() and _is_inside(one, path)):
                raise _leads_out(one, path)
            found += [one] if one.is_file() else []
        folders[:] = [name for name in folders if not holds_keys(name)]
    return sorted(found)


def holds_keys(name: str) -> bool:
    """Whether a file of this name is never sent along with others."""
    return _WITH_KEYS.fullmatch(name) is not None


def _check_link(path: Path, folder: Path) -> None:
    if not _is_inside(path, folder):
        raise _leads_out(path, folder)


def _is_inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _leads_out(path: Path, folder: Path) -> LocalError:
    said = f"{shown(str(path))} is a link to what is no file of {shown(str(folder))}."
    remedy = "Copy what it stands for into the folder, or remove the link."
    return refusal(Reason.FILE_UNREADABLE, said, remedy)


def _walked(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(_kept(folders))
        for name in sorted(_kept(names)):
            path = Path(place, name)
            if path.is_file():
                yield path


def _kept(names: Iterable[str]) -> Iterator[str]:
    return (
        name
        for name in names
        if name not in IGNORED and not name.endswith(".pyc") and not holds_keys(name)
    )
