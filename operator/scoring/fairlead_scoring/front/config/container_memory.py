"""How much memory the container may have, as the kernel knows it: cgroup v2 and v1."""

from collections.abc import Iterable
from pathlib import Path

LIMIT_FILES = (
    Path("/sys/fs/cgroup/memory.max"),  # cgroup v2
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),  # cgroup v1
)
NO_LIMIT_BYTES = 2**60  # cgroup v1 writes a number near 2**63 where there is no limit


def memory_limit_bytes(files: Iterable[Path] = LIMIT_FILES) -> int | None:
    """Return the limit in bytes, None where there is none or it cannot be read."""
    for path in files:
        try:
            text = path.read_text().strip()
        except OSError:
            continue
        if text.isdecimal() and 0 < int(text) < NO_LIMIT_BYTES:
            return int(text)
    return None
