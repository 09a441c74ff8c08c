"""The run: all servers take turns in every round, so that a noisy minute meets them all."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.markup import escape

from benchmarks.runtime import wrk
from benchmarks.runtime.behaviour import observe
from benchmarks.runtime.cores import Cores
from benchmarks.runtime.environments import environment
from benchmarks.runtime.errors import PeerError
from benchmarks.runtime.figures import Behaviour, Round, medians
from benchmarks.runtime.options import Options
from benchmarks.runtime.peers import Peer
from benchmarks.runtime.server import serving
from tests.cluster.places import Places
from tests.cluster.steps import Steps

CONCURRENCIES = (1, 8, 32)
WARM_UP = (8, 1)  # concurrency, seconds
MICROSECONDS = 1e6


@dataclass
class Subject:
    """One server and what is known of it; ``problem`` is why there is no more to know."""

    peer: Peer
    log: Path
    home: Path = Path()
    rounds: list[Round] = field(default_factory=list)
    behaviour: Behaviour | None = None
    problem: str = ""

    @property
    def figures(self) -> Round | None:
        return medians(self.rounds) if self.rounds else None


def measure(options: Options, cores: Cores, places: Places, steps: Steps) -> list[Subject]:
    places.run.mkdir(parents=True, exist_ok=True)
    subjects = [
        Subject(peer, places.run / f"bench-runtime-{peer.name}.log") for peer in options.peers
    ]

    def install(subject: Subject) -> None:
        subject.home = environment(subject.peer, places)

    def load(subject: Subject) -> None:
        subject.rounds.append(_round(subject, cores, options.seconds))

    def watch(subject: Subject) -> None:
        subject.behaviour = _behaviour(subject, cores)

    _each(subjects, "Installed", install, steps)
    for number in range(options.rounds):
        turn = number % len(subjects)
        each = subjects[turn:] + subjects[:turn]
        _each(each, f"Round {number + 1} of {options.rounds}", load, steps)
    _each(subjects, "Overload and shutdown", watch, steps)
    return subjects


def _each(
    subjects: list[Subject], title: str, work: Callable[[Subject], None], steps: Steps
) -> None:
    """Do it with every server that is still in the race."""
    for subject in subjects:
        if subject.problem:
            continue
        try:
            with steps.step(f"{title}: {subject.peer.title}"):
                work(subject)
        except PeerError as error:
            subject.problem = str(error)
            for line in (*error.tail, subject.problem):
                steps.say(f"    {escape(line)}")


def _round(subject: Subject, cores: Cores, seconds: int) -> Round:
    with serving(subject.peer, subject.home, cores.server, subject.log) as server:
        wrk.put_load(server.url, *WARM_UP)
        before = server.cpu
        loads = {c: wrk.put_load(server.url, c, seconds) for c in CONCURRENCIES}
        requests = max(sum(load.rate for load in loads.values()) * seconds, 1)
        cpu = (server.cpu - before) / requests * MICROSECONDS
        return Round(server.start, server.memory, cpu, loads)


def _behaviour(subject: Subject, cores: Cores) -> Behaviour:
    peer = subject.peer
    with serving(peer, subject.home, cores.server, subject.log, peer.in_trouble) as server:
        return asyncio.run(observe(server))
