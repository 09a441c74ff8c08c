"""What was hoped for, and whether this run has shown it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.runtime.figures import Round
from benchmarks.runtime.measure import Subject
from benchmarks.runtime.peers import OURS, REFERENCE
from benchmarks.runtime.tables import ratio_to

CONCURRENCY = 8  # concurrency
MIN_RATIO, MAX_HEALTH_P99_MS, MAX_MEMORY_MB, MAX_START_S = (
    3.0,
    10.0,
    60.0,
    0.5,
)  # times the reference, ms, MB, s


@dataclass(frozen=True)
class Aim:
    """``seen`` is what this run showed, in words."""

    wanted: str
    seen: str
    met: bool

    def __str__(self) -> str:
        return f"{'met' if self.met else 'missed':<6}  {self.wanted}: {self.seen}"


def aims(subjects: Sequence[Subject]) -> list[Aim]:
    """Only those that this run can say something about."""
    known = {subject.peer.name: subject for subject in subjects}
    ours, reference = known.get(OURS), known.get(REFERENCE)
    figures = ours.figures if ours else None
    if ours is None or figures is None:
        return []
    found = [_memory(figures), _start(figures), *_rank(figures, subjects), *_health(ours)]
    base = reference.figures if reference else None
    return [_faster(figures, base), *found] if base else found


def _faster(ours: Round, reference: Round) -> Aim:
    ratio = ratio_to(ours, reference, CONCURRENCY)
    wanted = f"at least {MIN_RATIO:g} times the reference's requests/s at concurrency {CONCURRENCY}"
    seen = math.floor(100 * ratio) / 100  # never rounded up to what is wanted
    return Aim(wanted, f"{seen:.2f} times", ratio >= MIN_RATIO)


def _rank(ours: Round, subjects: Sequence[Subject]) -> list[Aim]:
    """Among those that run user code in a process of its own; one that is alone has no rank."""
    rates = {
        subject.peer.title: subject.figures.loads[CONCURRENCY].rate
        for subject in subjects
        if subject.peer.isolates and subject.peer.name != OURS and subject.figures
    }
    if not rates:
        return []
    best, mine = max(rates, key=rates.__getitem__), ours.loads[CONCURRENCY].rate
    seen = f"{mine / rates[best]:.1f} times {best}, the next"
    wanted = "first among the servers that isolate user code"
    return [Aim(wanted, seen if mine > rates[best] else f"{best} is faster", mine > rates[best])]


def _health(ours: Subject) -> list[Aim]:
    if ours.behaviour is None:
        return []
    health = ours.behaviour.health
    seen = f"{health.p99:.1f} ms" + (f", {health.bad} not answered with 200" if health.bad else "")
    wanted = f"health p99 of at most {MAX_HEALTH_P99_MS:g} ms with all slots busy"
    return [Aim(wanted, seen, health.p99 <= MAX_HEALTH_P99_MS and not health.bad)]


def _memory(ours: Round) -> Aim:
    return Aim(
        f"less than {MAX_MEMORY_MB:g} MB", f"{ours.memory:.1f} MB", ours.memory < MAX_MEMORY_MB
    )


def _start(ours: Round) -> Aim:
    return Aim(
        f"start in less than {MAX_START_S:g} s", f"{ours.start:.2f} s", ours.start < MAX_START_S
    )
