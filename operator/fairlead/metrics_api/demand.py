"""How many requests a Webservice would work on if it had replicas enough. Pure.

By Little's law: what runs and waits now, or, where requests are refused, what runs times how many
come for each that gets in. A client that asks again after a 503 would count again, so refused ones
count at most ``MAX_REFUSED_FOR_EACH`` times those that got in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

WINDOW_S = 15.0  # of the autoscaler's own period: what came and went between two of its looks
SUDDEN_S = 5.0
SUDDEN_RATIO = 1.5  # over the longer mean: then the load has jumped
RATE_WINDOW_S = 60.0  # of rates
STALE_S = 15.0  # an older round says nothing about now
MAX_REFUSED_FOR_EACH = 9.0  # then it is tenfold, the most that the autoscaler adds in one step
PERCENT = 100
SECONDS_PER_MINUTE = 60


@dataclass(frozen=True)
class Round:
    """What all sources of a Webservice said together. ``admitted``, ``rejected`` and
    ``run_seconds`` (by bound, cumulative) are those since the round before."""

    at_s: float
    busy: float
    queued: float
    admitted: float
    rejected: float
    slots: float
    """That the replicas have which are ready."""
    counted_on: float
    """Slots that the spec counts on them for. An image may have others: see ``demand``."""
    run_seconds: Mapping[float, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Measures:
    """Of one Webservice, over the last minute where it is a rate."""

    demand: float
    busy: float
    queued: float
    utilization_percent: float
    requests_per_second: float
    refused_per_minute: float
    refused_share: float
    run_seconds_p95: float | None
    """None where nothing ran."""


def measures(rounds: Sequence[Round], now_s: float) -> Measures | None:
    """None where nothing recent is known: no number is better than an old one."""
    if not rounds or now_s - rounds[-1].at_s > STALE_S:
        return None
    minute = _since(rounds, now_s - RATE_WINDOW_S)
    recent = _since(rounds, now_s - WINDOW_S)
    busy, queued = _mean([r.busy for r in recent]), _mean([r.queued for r in recent])
    slots = _mean([r.slots for r in recent])
    admitted, rejected = _came(minute)
    seconds = max(minute[-1].at_s - minute[0].at_s, WINDOW_S)
    return Measures(
        demand=demand(rounds, now_s),
        busy=busy,
        queued=queued,
        utilization_percent=PERCENT * (busy + queued) / slots if slots else 0.0,
        requests_per_second=(admitted + rejected) / seconds,
        refused_per_minute=rejected / seconds * SECONDS_PER_MINUTE,
        refused_share=rejected / (admitted + rejected) if rejected else 0.0,
        run_seconds_p95=_p95(minute),
    )


def demand(rounds: Sequence[Round], now_s: float) -> float:
    """Requests at a time, of at least one round, as if replicas had the slots that the spec counts
    on: where an image has more, each is worth less of a replica."""
    recent, latest = _since(rounds, now_s - WINDOW_S), _since(rounds, now_s - SUDDEN_S)
    usual = _mean([r.busy + r.queued for r in recent])
    sudden = _mean([r.busy + r.queued for r in latest])
    waiting = sudden if sudden > SUDDEN_RATIO * usual else usual
    worth = rounds[-1].counted_on / rounds[-1].slots if rounds[-1].slots else 1.0
    return max(waiting, _with_refused(recent)) * worth


def _with_refused(recent: Sequence[Round]) -> float:
    admitted, rejected = _came(recent)
    busy = _mean([r.busy for r in recent])
    for_each = rejected / max(admitted, busy, 1.0)
    return busy * (1 + min(for_each, MAX_REFUSED_FOR_EACH))


def _came(rounds: Sequence[Round]) -> tuple[float, float]:
    """How many were admitted, and rejected, in all of these."""
    return sum(r.admitted for r in rounds), max(sum(r.rejected for r in rounds), 0.0)


def _since(rounds: Sequence[Round], at_s: float) -> Sequence[Round]:
    """The newest rounds; the last one at the least."""
    return [r for r in rounds if r.at_s >= at_s] or rounds[-1:]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _p95(rounds: Sequence[Round]) -> float | None:
    """By the bound of the bucket that 95 % of the runs are in; straight between two bounds."""
    counts: dict[float, float] = {}
    for one in rounds:
        for bound, count in one.run_seconds.items():
            counts[bound] = counts.get(bound, 0.0) + count
    bounds = sorted(counts)
    if not bounds or counts[bounds[-1]] <= 0:
        return None
    wanted = 0.95 * counts[bounds[-1]]
    below_s, below = 0.0, 0.0
    for bound in bounds:
        if counts[bound] >= wanted:
            inside = counts[bound] - below
            share = (wanted - below) / inside if inside > 0 else 1.0
            return below_s + (bound - below_s) * min(max(share, 0.0), 1.0)
        below_s, below = bound, counts[bound]
    return bounds[-1]
