"""Subjects as they are after a run, with figures that are easy to reckon with."""

from pathlib import Path

from benchmarks.runtime.figures import Answer, Behaviour, Health, Load, Round, Termination
from benchmarks.runtime.measure import CONCURRENCIES, Subject
from benchmarks.runtime.peers import PEERS

BEHAVIOUR = Behaviour(
    Health(p50=1.234, p99=9.94),
    [Answer("200", 0.31), Answer("503", 0.52), Answer("200", 0.614), Answer("503", 0.503)],
    Termination("200", "200", "refused", 1.234),
)


def subject(name: str, problem: str = "") -> Subject:
    """One that was not measured."""
    peer = next(peer for peer in PEERS if peer.name == name)
    return Subject(peer, Path("log"), problem=problem)


def measured(
    name: str,
    rate: float,
    *,
    memory: float = 40,
    start: float = 0.25,
    behaviour: Behaviour | None = BEHAVIOUR,
) -> Subject:
    """``rate`` is the requests/s at concurrency 1; at 8 it is 8 times that, and so on."""
    found = subject(name)
    loads = {c: Load(rate * c, p50=0.5 * c, p99=2.25 * c) for c in CONCURRENCIES}
    found.rounds = [Round(start, memory, 1e6 / rate, loads)]
    found.behaviour = behaviour
    return found
