"""How long the event loop was busy with one thing at a time."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

INTERVAL_S = 0.001


@dataclass
class Lag:
    """``longest_s``: seconds for which nobody else had a turn."""

    longest_s: float = 0.0


@asynccontextmanager
async def measured_lag() -> AsyncIterator[Lag]:
    """Measure while the context lasts. What a busy machine adds, by letting this thread wait for a
    processor, is taken off; and so is the collector's work on what other tests left behind."""
    lag = Lag()
    gc.collect()
    gc.freeze()
    heart = asyncio.create_task(_beat(lag))
    await asyncio.sleep(0)
    try:
        yield lag
        await asyncio.sleep(2 * INTERVAL_S)
    finally:
        heart.cancel()
        gc.unfreeze()


async def _beat(lag: Lag) -> None:
    while True:
        before, waited = time.monotonic(), _waited_for_a_processor_s()
        await asyncio.sleep(INTERVAL_S)
        busy = time.monotonic() - before - (_waited_for_a_processor_s() - waited) - INTERVAL_S
        lag.longest_s = max(lag.longest_s, busy)


def _waited_for_a_processor_s() -> float:
    """Linux: `/proc/<pid>/schedstat` holds, in nanoseconds, the time on and the time waiting for a
    processor."""
    with open("/proc/thread-self/schedstat", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[1]) / 1e9
