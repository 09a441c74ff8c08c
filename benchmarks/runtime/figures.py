"""What was measured, and what becomes of it when there are several of it."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Load:
    """One run of the load generator: requests/s, milliseconds; ``failed`` answers did not count."""

    rate: float
    p50: float
    p99: float
    failed: int = 0


@dataclass(frozen=True)
class Round:
    """``start`` in seconds, ``memory`` in MB, ``loads`` by concurrency.

    ``cpu`` is what one request costs the server, in microseconds of processor time.
    """

    start: float
    memory: float
    cpu: float
    loads: Mapping[int, Load]


@dataclass(frozen=True)
class Health:
    """Latency of health requests in milliseconds; ``bad``: how many were not answered with 200."""

    p50: float
    p99: float
    bad: int = 0


@dataclass(frozen=True)
class Answer:
    """What a request came to (``200``, ``reset``, …), and after how many seconds."""

    outcome: str
    seconds: float


@dataclass(frozen=True)
class Termination:
    """What became of three requests, and the seconds to the exit, None if it had to be killed."""

    running: str
    queued: str
    new: str
    exit: float | None


@dataclass(frozen=True)
class Behaviour:
    health: Health
    overload: Sequence[Answer]
    termination: Termination


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not below ``share`` (0 to 1) of them; at least one is needed."""
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]


def medians(rounds: Sequence[Round]) -> Round:
    """One round that has the median of each figure, and the failures of all."""
    return Round(
        _median(rounds, lambda one: one.start),
        _median(rounds, lambda one: one.memory),
        _median(rounds, lambda one: one.cpu),
        {c: _middle([one.loads[c] for one in rounds]) for c in rounds[0].loads},
    )


def _middle(loads: Sequence[Load]) -> Load:
    return Load(
        _median(loads, lambda one: one.rate),
        _median(loads, lambda one: one.p50),
        _median(loads, lambda one: one.p99),
        sum(one.failed for one in loads),
    )


def _median(measured: Sequence[T], figure: Callable[[T], float]) -> float:
    return statistics.median(map(figure, measured))
