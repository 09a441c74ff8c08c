"""``make soak``: one server for minutes under all that clients do; exit code 0 if all holds."""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.runtime.cores import assigned
from benchmarks.runtime.environments import environment
from benchmarks.runtime.errors import PeerError
from benchmarks.runtime.peers import OURS, PEERS
from benchmarks.runtime.server import serving
from benchmarks.soak.client import Client, WrongAnswerError
from benchmarks.soak.requests import KINDS, MAX_BODY_MB, SCORING_TIMEOUT_MS
from benchmarks.soak.samples import NeverQuietError, Sample, growth_mb, problems, sample
from tests.cluster.errors import ClusterError
from tests.cluster.places import places

CLIENTS = 16
SAMPLES = 40
MAX_REPORTED = 20
TABLE_WIDTH = 100
SETTINGS = {
    "AML_APP_ROOT": str(Path(__file__).parent),
    "WORKER_COUNT": "2",
    "SCORING_TIMEOUT_MS": str(SCORING_TIMEOUT_MS),
    "FAIRLEAD_MAX_BODY_MB": str(MAX_BODY_MB),
}


@dataclass
class Results:
    """How many requests of each kind there were, how long they took at most, which were wrong."""

    sent: Counter[str] = field(default_factory=Counter)
    slowest_s: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def add(self, kind: str, seconds: float, wrong: str = "") -> None:
        self.sent[kind] += 1
        self.slowest_s[kind] = max(seconds, self.slowest_s.get(kind, 0.0))
        if wrong:
            self.wrong.append(f"{kind}: {wrong}")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="default: 10")
    parser.add_argument("--requests", type=int, default=200_000, help="default: 200000")
    options = parser.parse_args(arguments)
    [ours] = (peer for peer in PEERS if peer.name == OURS)
    where = places()
    try:
        where.run.mkdir(parents=True, exist_ok=True)
        cores = assigned()
        peer = replace(ours, environment={**ours.environment, **SETTINGS})
        log = where.run / "soak.log"
        with serving(peer, environment(peer, where), cores.server, log) as server:
            front = psutil.Process(server.process.pid)
            seconds = options.minutes * 60
            results = asyncio.run(soak(front, server.port, seconds, options.requests))
    except (ClusterError, PeerError, NeverQuietError) as error:
        print(error, *getattr(error, "tail", ()), sep="\n", file=sys.stderr)  # noqa: T201
        return 1
    return report(results)


async def soak(front: psutil.Process, port: int, seconds: float, count: int) -> Results:
    """Send ``count`` requests within ``seconds``, in bursts, and look at the server between."""
    results, chance, began = Results(), random.Random(0), time.monotonic()
    results.samples.append(await sample(front, port, began))
    for burst in range(SAMPLES):
        kinds = chance.choices(
            list(KINDS), [weight for _, weight in KINDS.values()], k=count // SAMPLES
        )
        until = began + seconds * (burst + 1) / SAMPLES
        await send(kinds, until, port, chance, results)
        results.samples.append(await sample(front, port, began))
    return results


async def send(
    kinds: Sequence[str], until: float, port: int, chance: random.Random, results: Results
) -> None:
    """Send one request of each of ``kinds``, evenly until then."""
    began = time.monotonic()
    pending = iter(enumerate(kinds))

    async def work() -> None:
        client = Client(port)
        for number, kind in pending:
            due = began + (until - began) * number / len(kinds)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            started = time.monotonic()
            try:
                await client.exchange(KINDS[kind][0](chance))
            except WrongAnswerError as error:
                results.add(kind, time.monotonic() - started, str(error))
            else:
                results.add(kind, time.monotonic() - started)
        await client.close()

    await asyncio.gather(*(work() for _ in range(CLIENTS)))


def report(results: Results) -> int:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=TABLE_WIDTH)
    asked = Table("requests", "how many", "slowest, ms", title="What was asked")
    for kind in KINDS:
        slowest_ms = 1000 * results.slowest_s.get(kind, 0.0)
        asked.add_row(kind, str(results.sent[kind]), f"{slowest_ms:.0f}")
    asked.add_row("all", str(results.sent.total()), "")
    looked = Table("minute", "memory, MB", "descriptors", "zombies", "processes", title="The front")
    for one in results.samples[:: max(1, SAMPLES // 10)]:
        looked.add_row(
            f"{one.seconds / 60:.1f}",
            f"{one.memory_mb:.1f}",
            str(one.descriptors),
            str(one.zombies),
            str(one.processes),
        )
    console.print(asked, looked, sep="\n")
    console.print(
        f"{len(results.wrong)} wrong answers; after the warm-up memory is "
        f"{growth_mb(results.samples):.1f} MB apart"
    )
    found = [*results.wrong[:MAX_REPORTED], *problems(results.samples)]
    console.print(*found or ["All of it holds."], sep="\n", markup=False)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
