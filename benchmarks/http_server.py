"""Whether the runtime's own HTTP code could give way to uvicorn's: what that would cost.

The same runtime three times, one process slot each: with its own HTTP, and with that of uvicorn on
httptools and on h11. Each is asked directly, and through a real HAProxy, as behind a front. By
turns of a second, on one core; ``wrk`` and HAProxy have the other one.
"""

import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.bench import show
from benchmarks.front import LIMITS, PARAMETERS
from benchmarks.runtime import wrk
from benchmarks.runtime.cores import Cores, assigned, busy
from benchmarks.runtime.environments import environment
from benchmarks.runtime.peers import OURS, PEERS, Peer
from benchmarks.runtime.server import Server, serving
from tests.cluster.places import places
from tests.cluster.steps import Steps
from tests.haproxy import FrontProcess
from tests.integration.scoring.service import wait_until

TURNS, SECONDS = 20, 1  # of each: short ones, so that a busy moment meets all of them
WARM_UP = (8, 2)  # clients, seconds
RUNTIME = "{home}/opt/fairlead/runtime"
WAYS = (("direct", 1), ("direct", 8), ("front", 1), ("front", 8))  # and how many clients
MICROSECONDS = 1e6


@dataclass(frozen=True)
class Subject:
    server: Server
    front: str
    """Where HAProxy takes requests for it."""

    @property
    def title(self) -> str:
        return self.server.peer.title

    def loaded(self, way: str, clients: int) -> "Turn":
        before = self.server.cpu
        door = self.server.url if way == "direct" else f"{self.front}{self.server.peer.path}"
        load = wrk.put_load(door, clients, SECONDS)
        asked = max(load.rate * SECONDS, 1)
        return Turn(load.rate, (self.server.cpu - before) / asked * MICROSECONDS, load.failed)


@dataclass(frozen=True)
class Turn:
    """``cpu`` is processor time of one request in us, all processes of the server together."""

    rate: float
    cpu: float
    failed: int


def subjects() -> list[Peer]:
    """All of the same name, for they have the same environment."""
    [ours] = [peer for peer in PEERS if peer.name == OURS]
    ours = replace(ours, environment={**ours.environment, "FAIRLEAD_RUNTIME": RUNTIME})
    program = ("python", "-I", "-S", "{subjects}/uvicorn_http.py")
    return [
        replace(ours, title="its own"),
        *(
            replace(ours, title=f"uvicorn, {name}", arguments=(*program, name))
            for name in ("httptools", "h11")
        ),
    ]


def measure(steps: Steps) -> None:
    wrk.ensure()
    peers, others = subjects(), busy()
    home = environment(peers[0], places())
    cores = assigned()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        there = [
            stack.enter_context(_started(peer, home, cores, Path(folder) / str(number)))
            for number, peer in enumerate(peers)
        ]
        rows = {one.title: list[str]() for one in there}
        for way, clients in WAYS:
            with steps.step(f"{TURNS} turns of each, {way}, {clients} at a time"):
                found = _by_turns(there, way, clients)
            for title, turns in found.items():
                rows[title].append(_cell(turns, found[there[0].title]))
    show(
        "Requests/s; processor time of one in us; both as ratios to the runtime's own HTTP "
        f"({others:.0f} % of the machine was busy before)",
        ("HTTP", *(f"{way}, {clients}" for way, clients in WAYS)),
        [(title, *cells) for title, cells in rows.items()],
    )


@contextmanager
def _started(peer: Peer, home: Path, cores: Cores, folder: Path) -> Iterator[Subject]:
    folder.mkdir()
    with serving(peer, home, cores.server, folder / "server") as server:
        limits = replace(LIMITS, queue_wait_ms=10_000)
        here = [f"127.0.0.1:{server.port}"]
        front = FrontProcess(folder, replace(PARAMETERS, limits=limits), here)
        try:
            wait_until(lambda: front.ready_servers() == 1, "the front to see the server")
            wrk.put_load(f"{front.url}{peer.path}", *WARM_UP)
            yield Subject(server, front.url)
        finally:
            front.end()


def _by_turns(there: list[Subject], way: str, clients: int) -> dict[str, list[Turn]]:
    found: dict[str, list[Turn]] = {one.title: [] for one in there}
    for number in range(TURNS):
        at = number % len(there)
        for one in there[at:] + there[:at]:
            found[one.title].append(one.loaded(way, clients))
    return found


def _cell(turns: list[Turn], own: list[Turn]) -> str:
    """Medians; a ratio is that of two that took turns with each other."""
    pairs = list(zip(turns, own, strict=True))
    rate = statistics.median(turn.rate for turn in turns)
    cpu = statistics.median(turn.cpu for turn in turns)
    of_rate = statistics.median(one.rate / base.rate for one, base in pairs)
    of_cpu = statistics.median(one.cpu / base.cpu for one, base in pairs)
    failed = sum(turn.failed for turn in turns)
    told = f"{rate:,.0f}, {of_rate:.2f}x; {cpu:.0f}, {of_cpu:.2f}x"
    return f"{told}, {failed} failed" if failed else told
