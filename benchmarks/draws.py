"""Requests as they come at random, drawn once: each way of serving gets the very same ones, and so
does a queue in which nothing takes any time but the runs."""

import heapq
import random
from collections.abc import Sequence
from typing import NamedTuple


class Draw(NamedTuple):
    """A request: when it comes, how long it runs, and which door it goes to, as a share of them."""

    at_s: float
    run_s: float
    door: float


def draws(seed: int, per_second: float, run_s: float, seconds: float) -> list[Draw]:
    """Poisson arrivals, exponential run times of ``run_s`` on average."""
    chance, doors = random.Random(seed), random.Random(f"doors {seed}")
    drawn, at_s = list[Draw](), 0.0
    while at_s < seconds:
        at_s += chance.expovariate(per_second)
        drawn.append(Draw(at_s, chance.expovariate(1 / run_s), doors.random()))
    return drawn


def refused_by_one_queue(drawn: Sequence[Draw], slots: int, wait_s: float) -> int:
    """How many have to wait for longer than ``wait_s`` where all slots have one queue, first come,
    first served. Where nobody knows how long a run will take, no order refuses fewer."""
    free_at_s, refused = [0.0] * slots, 0
    for one in drawn:
        begins_s = max(free_at_s[0], one.at_s)
        if begins_s - one.at_s > wait_s:
            refused += 1
        else:
            heapq.heapreplace(free_at_s, begins_s + one.run_s)
    return refused
