"""What the front counts and measures, as plain numbers; ``/metrics`` and ``/-/slots`` show it."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

# From less than a millisecond to an hour.
BUCKET_BOUNDS_S = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0),
)


class Histogram:
    """How many observed values lie below each of ``bounds``, and their sum."""

    def __init__(self, bounds: Sequence[float] = BUCKET_BOUNDS_S) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @property
    def total(self) -> int:
        return sum(self.counts)

    def cumulative(self) -> list[tuple[str, int]]:
        """Return each bound, as Prometheus writes it, with how many values are not above it."""
        names = [*map(str, self.bounds), "+Inf"]
        sums, total = [], 0
        for count in self.counts:
            total += count
            sums.append(total)
        return list(zip(names, sums, strict=True))


@dataclass
class Metrics:
    """Since the start; times in seconds. ``responses`` counts the answers of ``/score`` by status,
    ``rejections`` its 503s by reason, ``handed_back`` by reason what another replica is asked for,
    ``slot_restarts`` the slots that were started again, by what ended them, ``disconnects`` the
    requests whose client went away.
    """

    responses: Counter[int] = field(default_factory=Counter)
    rejections: Counter[str] = field(default_factory=Counter)
    handed_back: Counter[str] = field(default_factory=Counter)
    run_failures: int = 0
    disconnects: int = 0
    slot_restarts: Counter[str] = field(default_factory=Counter)
    queue_wait_s: Histogram = field(default_factory=Histogram)
    run_s: Histogram = field(default_factory=Histogram)
    init_s: float | None = None


@dataclass(frozen=True)
class PoolState:
    """``slots`` is how many there should be, ``ready`` how many there are; the rest is requests:
    ``places`` may run at once, ``busy`` do, ``waiting`` do not yet."""

    slots: int
    ready: int
    places: int
    busy: int
    waiting: int
