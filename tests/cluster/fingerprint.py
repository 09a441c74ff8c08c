"""Keys of what is cached: the same inputs, the same key. Content decides, never dates."""

import hashlib
from pathlib import Path


def fingerprint(*parts: str | Path) -> str:
    """12 hexadecimal digits over texts, files, and folders (names and contents, sorted)."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else _content(part))
        digest.update(b"\0")
    return digest.hexdigest()[:12]


def _content(path: Path) -> bytes:
    if path.is_file():
        return path.read_bytes()
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return b"\0".join(
        part for file in files for part in (str(file.relative_to(path)).encode(), file.read_bytes())
    )
