"""Which core the server has, and which one the load: they must not take time from each other."""

import os
from dataclasses import dataclass

import psutil

from tests.cluster.errors import ClusterError

MEASURE_S = 1.0


@dataclass(frozen=True)
class Cores:
    server: int
    load: int


def assigned() -> Cores:
    """Keep this process, and so ``wrk``, to one core, and leave another one to the server."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) == 1:
        raise ClusterError(
            "This machine has one core, and a benchmark needs two: one for the server, one for "
            "the load."
        )
    cores = Cores(server=usable[0], load=usable[-1])
    os.sched_setaffinity(0, {cores.load})
    return cores


def busy() -> float:
    """Return how busy the machine is with other things, in percent, before anything is measured."""
    return psutil.cpu_percent(MEASURE_S)
