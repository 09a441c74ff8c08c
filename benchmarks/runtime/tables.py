"""The figures as a person reads them: two tables, a row for each server."""

from collections import Counter
from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from benchmarks.runtime.figures import Answer, Behaviour, Health, Load, Round
from benchmarks.runtime.measure import CONCURRENCIES, Subject
from benchmarks.runtime.peers import REFERENCE


def speed(subjects: Sequence[Subject]) -> Table:
    title = "Requests/s, their ratio to the reference, and p50 / p99 in ms, at concurrency"
    table = _table(title, ("", *map(str, CONCURRENCIES), "CPU us each", "memory MB", "start s"))
    reference = next((s.figures for s in subjects if s.peer.name == REFERENCE), None)
    for subject in subjects:
        if (figures := subject.figures) is None:
            table.add_row(subject.peer.title, escape(subject.problem))
            continue
        loads = (throughput(figures, reference, c) for c in CONCURRENCIES)
        rest = (f"{figures.cpu:.0f}", f"{figures.memory:.0f}", f"{figures.start:.2f}")
        table.add_row(subject.peer.title, *loads, *rest)
    return table


def manners(subjects: Sequence[Subject]) -> Table:
    title = (
        "User code runs in; health while busy, p50 / p99 in ms; 12 slow requests at once; SIGTERM"
    )
    table = _table(title, ("", "code in", "health", "12 at once", "running, queued, new", "exit s"))
    for subject in subjects:
        place = "its process" if subject.peer.isolates else "the server"
        seen = _manners(subject.behaviour) if subject.behaviour else (escape(subject.problem),)
        table.add_row(subject.peer.title, place, *seen)
    return table


def throughput(figures: Round, reference: Round | None, concurrency: int) -> str:
    load = figures.loads[concurrency]
    ratio = f"{ratio_to(figures, reference, concurrency):.2f}x" if reference else "-"
    failed = f"\n{load.failed} failed" if load.failed else ""
    return f"{load.rate:,.0f}  {ratio}\n{_latency(load)}{failed}"


def ratio_to(figures: Round, reference: Round, concurrency: int) -> float:
    return figures.loads[concurrency].rate / reference.loads[concurrency].rate


def burst(answers: Sequence[Answer]) -> str:
    """``2x200 in 0.61 s, 10x503 in 0.51 s``: how many of each, and the slowest of them."""
    counts = Counter(answer.outcome for answer in answers)
    slowest = {o: max(a.seconds for a in answers if a.outcome == o) for o in counts}
    return "\n".join(f"{counts[o]}x{o} in {slowest[o]:.2f} s" for o in sorted(counts))


def _manners(behaviour: Behaviour) -> tuple[str, ...]:
    end = behaviour.termination
    became = f"{end.running}, {end.queued}, {end.new}"
    exited = "killed" if end.exit is None else f"{end.exit:.1f}"
    return (_health(behaviour.health), burst(behaviour.overload), became, exited)


def _health(health: Health) -> str:
    bad = f"\n{health.bad} not 200" if health.bad else ""
    return f"{_latency(health)}{bad}"


def _latency(measured: Load | Health) -> str:
    return f"{measured.p50:.2f} / {measured.p99:.1f}"


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", show_lines=True)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    return table
