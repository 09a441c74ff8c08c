"""The tree of a folder as lines of text, for the log of a failed ``init()``."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator


def walk(path: Path, depth: int = 0) -> Iterator[str]:
    """Yield the name of ``path`` and, indented below it, of all that it holds."""
    indent = " " * 4 * depth
    if not path.is_dir():
        yield f"{indent}{path.name}"
        return
    yield f"{indent}{path.name}/"
    for child in sorted(path.iterdir()):
        yield from walk(child, depth + 1)
