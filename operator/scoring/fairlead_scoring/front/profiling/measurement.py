"""What was measured, in numbers that say it all. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fairlead_scoring.front.profiling.client import Answer

MS_PER_S, PERCENT = 1000, 100
DIGITS = 4  # that count, of every number
PERCENTILES = (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999))


@dataclass
class Tally:
    """The answers so far: how long the good ones took, and what the first bad one was."""

    seconds: list[float] = field(default_factory=list)
    errors: int = 0
    first_error: str = ""

    def add(self, answer: Answer) -> None:
        if answer.good:
            self.seconds.append(answer.seconds)
            return
        self.errors += 1
        self.first_error = self.first_error or answer.words


@dataclass(frozen=True)
class Measurement:
    """``window_s`` is how long requests were measured, ``start_s`` how long the import and
    ``init()`` took. CPU in cores, None where unknown; ``throttled`` is a share from 0 to 1."""

    tally: Tally
    window_s: float
    start_s: float
    restarts: int
    memory_bytes: int
    cpu_cores: float | None
    highest_cores: float | None
    throttled: float

    def as_json(self) -> dict[str, Any]:
        """The result, as the operator reads it."""
        good = len(self.tally.seconds)
        return {
            "seconds": rounded(self.window_s),
            "startSeconds": rounded(self.start_s),
            "requests": good + self.tally.errors,
            "errors": self.tally.errors,
            "firstError": self.tally.first_error or None,
            "restarts": self.restarts,
            "requestsPerSecond": rounded(good / self.window_s) if self.window_s else 0.0,
            "latencyMilliseconds": latencies_ms(self.tally.seconds),
            "cpuCores": None if self.cpu_cores is None else rounded(self.cpu_cores),
            "highestCpuCores": None if self.highest_cores is None else rounded(self.highest_cores),
            "throttledPercent": round(PERCENT * self.throttled),
            "memoryBytes": self.memory_bytes,
        }


def latencies_ms(seconds: Sequence[float]) -> dict[str, float]:
    """The mean, the highest, and the percentiles by nearest rank. At least one is needed."""
    ordered = sorted(seconds)
    found = {name: percentile(ordered, share) for name, share in PERCENTILES}
    found |= {"mean": sum(ordered) / len(ordered), "highest": ordered[-1]}
    return {name: rounded(MS_PER_S * value) for name, value in found.items()}


def percentile(ordered: Sequence[float], share: float) -> float:
    """The least value that ``share`` of them do not exceed."""
    return ordered[max(math.ceil(round(share * len(ordered), 6)), 1) - 1]


def rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
