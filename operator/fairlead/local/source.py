"""The user's source as it lies below an app root: put there whole, and changed file by file."""

import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path, PurePath

from fairlead.api.reasons import Reason
from fairlead.finding import shown
from fairlead.local.errors import refusal


def replace_files(root: Path, files: Mapping[str, bytes], keep: Collection[str]) -> None:
    """Make what lies below ``root`` be ``files``; each is there whole or not at all.

    ``keep``: names directly below ``root`` that are none of the source's. Raises ``LocalError``
    before anything is written where a name leads out of ``root``.
    """
    root.mkdir(parents=True, exist_ok=True)
    for name in files:
        below(root, name)
    for path in gone(root, files, keep):
        path.unlink()
    for name, content in files.items():
        path = below(root, name)
        if path.is_file() and not path.is_symlink() and path.read_bytes() == content:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.new")
        draft.unlink(missing_ok=True)  # a link would be written through
        draft.write_bytes(content)
        os.replace(draft, path)  # noqa: PTH105  (the same call, and said to be atomic)


def below(root: Path, name: str) -> Path:
    """``root / name``, which lies below ``root``, links followed. Raises ``LocalError``."""
    path = root / name
    inside = path.parent.resolve().is_relative_to(root.resolve())
    if not inside or ".." in PurePath(name).parts:
        message = f"The path '{shown(name)}' leads out of the folder that the files go to."
        raise refusal(Reason.INVALID_SPEC, message, "Name files by paths below that folder.")
    return path


def gone(root: Path, files: Collection[str], keep: Collection[str]) -> list[Path]:
    """The files below ``root`` that the source does not have any more."""
    found = list[Path]()
    for path in root.rglob("*"):
        name = path.relative_to(root)
        ours = name.parts[0] in keep or "__pycache__" in name.parts
        if path.is_file() and not ours and name.as_posix() not in files:
            found.append(path)
    return found
