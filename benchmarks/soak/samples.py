"""What the server's processes look like between two bursts of requests."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from benchmarks.runtime.client import ask

MB = 1e6
QUIET_TIMEOUT_S = 60.0
POLL_INTERVAL_S = 0.05
WARM_UP_SHARE = 0.2  # of a run: until then memory may grow
MAX_GROWTH_MB = 5.0
QUIET = ("fairlead_slots_busy 0.0", "fairlead_queue_length 0.0", "fairlead_body_bytes 0.0")


class NeverQuietError(Exception):
    """The server goes on with something, though nobody asks for anything."""


@dataclass(frozen=True)
class Sample:
    """``seconds`` since the start; of the front: resident memory and open descriptors; of all that
    it has started: zombies and processes."""

    seconds: float
    memory_mb: float
    descriptors: int
    zombies: int
    processes: int


async def sample(process: psutil.Process, port: int, began: float) -> Sample:
    """Wait until nothing is done any more, and look. Raise ``NeverQuietError``."""
    await _quiet(port)
    family = process.children(recursive=True)
    return Sample(
        time.monotonic() - began,
        process.memory_info().rss / MB,
        process.num_fds(),
        sum(one.status() == psutil.STATUS_ZOMBIE for one in family),
        len(family),
    )


async def _quiet(port: int) -> None:
    """All slots are idle, the budget of bodies is free, and no connection is open but our own."""
    deadline = time.monotonic() + QUIET_TIMEOUT_S
    last = ""
    while time.monotonic() < deadline:
        last = (await ask(port, "GET", "/metrics", b"", QUIET_TIMEOUT_S)).content.decode()
        ready = "fairlead_ready 1.0" in last and all(f"\n{line}\n" in last for line in QUIET)
        if ready and not _connections(port):
            return
        await asyncio.sleep(POLL_INTERVAL_S)
    raise NeverQuietError(last)


def _connections(port: int) -> int:
    """How many connections the server still has; one that nobody uses any more is none."""
    found = psutil.net_connections("tcp")
    gone = (psutil.CONN_TIME_WAIT, psutil.CONN_LISTEN, psutil.CONN_NONE)
    mine = [one for one in found if one.laddr and one.laddr[1] == port]
    return sum(one.status not in gone for one in mine)


def growth_mb(samples: Sequence[Sample]) -> float:
    """How far memory was apart after the warm-up."""
    end = samples[-1].seconds
    memory = [one.memory_mb for one in samples if one.seconds >= WARM_UP_SHARE * end]
    return max(memory) - min(memory)


def problems(samples: Sequence[Sample]) -> list[str]:
    """What does not hold of that which must."""
    found = []
    if growth_mb(samples) > MAX_GROWTH_MB:
        found.append(f"memory is not flat: {growth_mb(samples):.1f} MB apart")
    descriptors = sorted({one.descriptors for one in samples})
    if len(descriptors) > 1:
        found.append(f"the number of descriptors changes: {descriptors}")
    if any(one.zombies for one in samples):
        found.append(f"zombies: {max(one.zombies for one in samples)}")
    return found
