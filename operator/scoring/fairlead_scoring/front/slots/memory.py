"""How often the kernel killed a process of this container because memory ran out."""

from collections.abc import Iterable
from pathlib import Path

COUNTERS = (
    Path("/sys/fs/cgroup/memory.events"),  # cgroup v2
    Path("/sys/fs/cgroup/memory/memory.oom_control"),  # cgroup v1
)


def oom_kills(counters: Iterable[Path] = COUNTERS) -> int:
    """Return the kernel's own count; 0 where it cannot be read."""
    for path in counters:
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return 0
