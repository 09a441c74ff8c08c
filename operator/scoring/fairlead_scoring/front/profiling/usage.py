"""What the container uses: processor time and memory, as the kernel's cgroup counts them.

cgroup v2, else v1, else what the processes that have ended used (memory alone).
"""

import asyncio
import resource
import time
from dataclasses import dataclass, field
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
SAMPLE_INTERVAL_S = 0.1
CPU_WINDOW_S = 1.0  # that the highest use is the mean of
US_PER_S, NS_PER_S, KIB = 1_000_000, 1_000_000_000, 1024


@dataclass(frozen=True)
class CpuTime:
    """Since the container began; ``seconds`` is None where nothing counts them. ``periods`` are
    those of the limit, ``throttled`` those in which it was met."""

    at: float
    seconds: float | None
    periods: int = 0
    throttled: int = 0


@dataclass(frozen=True)
class CpuUse:
    """``cores`` between two moments, None where unknown; the share of throttled periods, 0 to 1."""

    cores: float | None
    throttled: float = 0.0


def cpu_use(before: CpuTime, after: CpuTime) -> CpuUse:
    passed = after.at - before.at
    if before.seconds is None or after.seconds is None or passed <= 0:
        return CpuUse(None)
    periods = after.periods - before.periods
    throttled = (after.throttled - before.throttled) / periods if periods > 0 else 0.0
    return CpuUse(max(after.seconds - before.seconds, 0.0) / passed, throttled)


@dataclass(frozen=True)
class Cgroup:
    root: Path = CGROUP

    def cpu_time(self) -> CpuTime:
        at, stat = time.monotonic(), _pairs(self.root / "cpu.stat")
        if "usage_usec" in stat:
            counts = (stat.get("nr_periods", 0), stat.get("nr_throttled", 0))
            return CpuTime(at, stat["usage_usec"] / US_PER_S, *counts)
        used = _number(self.root / "cpuacct/cpuacct.usage")
        return CpuTime(at, None if used is None else used / NS_PER_S)

    def working_set_bytes(self) -> int:
        """What the kernel cannot take back at once, as the kubelet counts it; 0 if unknown."""
        return max((_number(self.root / "memory.current") or 0) - self._idle_cache_bytes(), 0)

    def peak_bytes(self) -> int:
        """The most that was used, less the files' pages that lie idle now; 0 if unknown."""
        v1 = self.root / "memory/memory.max_usage_in_bytes"
        peak = _number(self.root / "memory.peak") or _number(v1)
        return max((peak or 0) - self._idle_cache_bytes(), 0)

    def _idle_cache_bytes(self) -> int:
        stat = _pairs(self.root / "memory.stat")
        if not stat:
            stat = _pairs(self.root / "memory/memory.stat")
        return stat.get("total_inactive_file", stat.get("inactive_file", 0))


@dataclass
class Watch:
    """Looks again and again while it runs: the highest working set, the highest use of CPU."""

    cgroup: Cgroup = field(default_factory=Cgroup)
    highest_bytes: int = 0
    highest_cores: float = 0.0

    async def run(self) -> None:
        window = self.cgroup.cpu_time()
        while True:
            await asyncio.sleep(SAMPLE_INTERVAL_S)
            self.highest_bytes = max(self.highest_bytes, self.cgroup.working_set_bytes())
            now = self.cgroup.cpu_time()
            if now.at - window.at >= CPU_WINDOW_S:
                self.highest_cores = max(self.highest_cores, cpu_use(window, now).cores or 0.0)
                window = now

    def peak_bytes(self) -> int:
        """Samples miss a short peak, and the kernel's own peak counts files' pages. To be asked
        once all processes have ended: where no cgroup counts, the largest of them tells."""
        return max(self.highest_bytes, self.cgroup.peak_bytes()) or largest_process_bytes()


def largest_process_bytes() -> int:
    """The front's own memory, and that of the largest process which has ended."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return KIB * sum(resource.getrusage(kind).ru_maxrss for kind in kinds)


def _number(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None


def _pairs(path: Path) -> dict[str, int]:
    """``name number`` on each line."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition(" ") for line in lines)
    return {name: int(value) for name, _, value in pairs if value.isdecimal()}
