"""What share of requests gets 503: a simulation with the admission rules of front and runtime.

Requests come at random (Poisson). With a front all replicas have one queue, without one each has
its own, and the Service picks a replica at random. A queue is first come, first served; who has
waited as long as a request may wait, or finds the queue full, gets 503. Nobody asks again.
"""

import heapq
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

QUEUED_PER_SLOT = 10  # as front and runtime have it
MAX_SLOTS = 20_000  # of all replicas together: then it takes some seconds
REQUESTS = 100_000
REQUESTS_PER_SLOT = 20  # at the least: all slots are taken anew so often
WARM_UP = 0.1  # share of the requests that is not counted
SEED = 1
PERCENT = 100


@dataclass(frozen=True)
class Scenario:
    """A load, and what is there for it. ``run_seconds`` is the mean; ``steady``: each takes as
    long; else times are exponential: many short, few long. Raises ``ValueError`` where there are
    more slots than ``MAX_SLOTS``."""

    requests_per_second: float
    run_seconds: float
    replicas: int
    slots: int = 1
    queue_wait_seconds: float = 0.5
    front: bool = True
    steady: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.replicas * self.slots <= MAX_SLOTS:
            raise ValueError(f"1 to {MAX_SLOTS} slots can be simulated")

    @property
    def queue_limit(self) -> int:
        """How many may wait in one queue. HAProxy counts per replica, and rounds up."""
        each = QUEUED_PER_SLOT * self.slots
        return (each - 1) * self.replicas + 1 if self.front else each


@dataclass(frozen=True)
class Prediction:
    """Shares are 0 to 1, waits those of requests that were served, in seconds."""

    requests: int
    queue_timeouts: int
    queue_full: int
    utilization: float
    wait_p50_s: float
    wait_p95_s: float

    @property
    def refused(self) -> int:
        return self.queue_timeouts + self.queue_full

    @property
    def refused_share(self) -> float:
        return self.refused / self.requests


def simulate(scenario: Scenario) -> Prediction:
    """Predict; the same for the same scenario."""
    return _Run(scenario).prediction()


@dataclass
class _Queue:
    slots: int
    busy: int = 0
    waiting: deque[float] = field(default_factory=deque)  # when each came


class _Run:
    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._random = random.Random(SEED)
        total = scenario.replicas * scenario.slots
        number = 1 if scenario.front else scenario.replicas
        self._queues = [_Queue(total // number) for _ in range(number)]
        self._ends: list[tuple[float, int]] = []
        self._waits: list[float] = []
        self._timeouts = self._full = 0
        self._worked_s = self._from_s = self._now_s = 0.0
        self._requests = max(REQUESTS, REQUESTS_PER_SLOT * total)
        self._fill()

    def prediction(self) -> Prediction:
        uncounted = int(self._requests * WARM_UP)
        for number, at_s in enumerate(self._arrivals()):
            if number == uncounted:
                self._count_from(at_s)
            self._arrive(at_s)
        slots = sum(queue.slots for queue in self._queues)
        waits = sorted(self._waits)
        return Prediction(
            requests=self._requests - uncounted,
            queue_timeouts=self._timeouts,
            queue_full=self._full,
            utilization=min(self._worked_s / (slots * (self._now_s - self._from_s)), 1.0),
            wait_p50_s=_quantile(waits, 0.5),
            wait_p95_s=_quantile(waits, 0.95),
        )

    def _count_from(self, at_s: float) -> None:
        self._waits.clear()
        self._timeouts = self._full = 0
        self._worked_s, self._from_s = 0.0, at_s

    def _arrivals(self) -> Iterator[float]:
        at_s = 0.0
        for _ in range(self._requests):
            at_s += self._random.expovariate(self._scenario.requests_per_second)
            yield at_s

    def _fill(self) -> None:
        """Begin with as many busy slots as the load keeps busy: so a state is there at once."""
        total = sum(queue.slots for queue in self._queues)
        offered = self._scenario.requests_per_second * self._scenario.run_seconds
        for number in range(round(min(offered, total))):
            at = number % len(self._queues)
            left_s = self._duration() * (self._random.random() if self._scenario.steady else 1)
            self._queues[at].busy += 1
            heapq.heappush(self._ends, (left_s, at))

    def _arrive(self, at_s: float) -> None:
        while self._ends and self._ends[0][0] <= at_s:
            self._end(*heapq.heappop(self._ends))
        self._now_s = at_s
        at = self._random.randrange(len(self._queues)) if len(self._queues) > 1 else 0
        queue = self._queues[at]
        self._expire(queue, at_s)
        if queue.busy < queue.slots:
            self._begin(at, at_s, at_s)
        elif len(queue.waiting) >= self._scenario.queue_limit:
            self._full += 1
        else:
            queue.waiting.append(at_s)

    def _end(self, at_s: float, at: int) -> None:
        queue = self._queues[at]
        queue.busy -= 1
        self._expire(queue, at_s)
        if queue.waiting:
            self._begin(at, at_s, queue.waiting.popleft())

    def _begin(self, at: int, now_s: float, came_s: float) -> None:
        duration_s = self._duration()
        self._queues[at].busy += 1
        self._waits.append(now_s - came_s)
        self._worked_s += duration_s
        heapq.heappush(self._ends, (now_s + duration_s, at))

    def _expire(self, queue: _Queue, now_s: float) -> None:
        while queue.waiting and now_s - queue.waiting[0] > self._scenario.queue_wait_seconds:
            queue.waiting.popleft()
            self._timeouts += 1

    def _duration(self) -> float:
        mean_s = self._scenario.run_seconds
        return mean_s if self._scenario.steady else self._random.expovariate(1 / mean_s)


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[int(share * (len(ordered) - 1))] if ordered else 0.0
