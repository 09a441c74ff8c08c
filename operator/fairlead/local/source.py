"""The user's source as it lies below an app root: put there whole, and changed file by file."""

import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path


def replace_files(root: Path, files: Mapping[str, bytes], keep: Collection[str]) -> None:
    """Make what lies below ``root`` be ``files``; each is there whole or not at all.

    ``keep``: names directly below ``root`` that are none of the source's.
    """
    root.mkdir(parents=True, exist_ok=True)
    for path in gone(root, files, keep):
        path.unlink()
    for name, content in files.items():
        path = root / name
        if path.is_file() and path.read_bytes() == content:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.new")
        draft.write_bytes(content)
        os.replace(draft, path)  # noqa: PTH105  (the same call, and said to be atomic)


def gone(root: Path, files: Collection[str], keep: Collection[str]) -> list[Path]:
    """The files below ``root`` that the source does not have any more."""
    found = list[Path]()
    for path in root.rglob("*"):
        name = path.relative_to(root)
        ours = name.parts[0] in keep or "__pycache__" in name.parts
        if path.is_file() and not ours and name.as_posix() not in files:
            found.append(path)
    return found
