"""The goal at 70 % load: at most 0.5 % of 503 with ten replicas, against 28 to 30 % by a Service.

Both figures are of two runs of ten seconds: runs of 100 ms, a wait of 50 ms, Poisson arrivals. Here
the front gets the requests of those runs again, number by number, and then ones of ten times as
long, the last of these also five times as slow, for which a busy machine matters less; beside it
stands what one queue refuses of the same requests where nothing but the runs takes time.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.bench import show
from benchmarks.draws import Draw, draws, refused_by_one_queue
from benchmarks.front import LIMITS, SLEEPS, Answer, answers, installed, machine
from tests.cluster.steps import Steps

REPLICAS, LOAD, RUN_S, WAIT_MS = 10, 0.7, 0.1, 50
SEEDS, SHORT_S, LONG_S, SLOWER = (1, 2), 10.0, 100.0, 5
REFUSED = 503


def measure(steps: Steps) -> None:
    spans = [*((seed, SHORT_S) for seed in SEEDS), *((seed, LONG_S) for seed in SEEDS)]
    asked = [draws(seed, LOAD * REPLICAS / RUN_S, RUN_S, seconds) for seed, seconds in spans]
    best = [refused_by_one_queue(drawn, REPLICAS, WAIT_MS / 1000) for drawn in asked]
    busy = os.getloadavg()[0]
    rows = [("one queue, in theory", *map(_cell, best, asked)), *_measured(steps, asked)]
    show(
        f"503 of {REPLICAS} replicas at {LOAD:.0%} load (the machine's before: {busy:.1f})",
        ("", *(f"seed {seed}, {seconds:.0f} s" for seed, seconds in spans)),
        rows,
    )


def _measured(steps: Steps, asked: list[list[Draw]]) -> Iterator[tuple[str, ...]]:
    with installed(steps) as folder:
        for way, fronts in (("one front", 1), ("Service", 0)):
            with steps.step(f"{REPLICAS} replicas, {way}"), _doors(folder, fronts) as doors:
                found = [asyncio.run(answers(doors, drawn)) for drawn in asked]
            yield way, *map(_share, found)
        slowly = [_slower(one) for one in asked[-1]]
        with steps.step(f"{SLOWER} times as slow"), _doors(folder, 1, SLOWER) as doors:
            found = [asyncio.run(answers(doors, slowly))]
        yield f"one front, {SLOWER} times as slow", *("" for _ in asked[1:]), *map(_share, found)


def _slower(one: Draw) -> Draw:
    return one._replace(at_s=one.at_s * SLOWER, run_s=one.run_s * SLOWER)


@contextmanager
def _doors(folder: Path, fronts: int, slower: int = 1) -> Iterator[list[str]]:
    """Those of a front, or of the replicas themselves."""
    with machine(folder) as there:
        services = there.replicas(REPLICAS, SLEEPS, WAIT_MS * slower)
        limits = replace(LIMITS, queue_wait_ms=WAIT_MS * slower)
        doors = [there.front(services, limits=limits).url for _ in range(fronts)]
        yield doors or [service.url for service in services]


def _share(found: list[Answer]) -> str:
    failed = sum(one.status not in (200, REFUSED) for one in found)
    refused = sum(one.status == REFUSED for one in found)
    return _cell(refused, found) + (f", {failed} failed" if failed else "")


def _cell(refused: int, of: list[Answer] | list[Draw]) -> str:
    return f"{refused} of {len(of)}: {refused / len(of):.2%}"
