"""Try the sample, then serve as a service would, ask again and again, and measure.

The sample is tried first in a slot of its own, by the smoke test: what fails there is told as that
tells it. Then the script is started as for a service, behind the same HTTP server at the loopback
interface. As many clients as there are slots send the sample, so that each slot always runs one
request and none waits. What the first requests took is dropped.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial

from fairlead_scoring.front.config.debug import LOOPBACK, DebugSettings
from fairlead_scoring.front.config.settings import Settings
from fairlead_scoring.front.http.app import App
from fairlead_scoring.front.http.server import HttpServer, listen
from fairlead_scoring.front.metrics import Metrics
from fairlead_scoring.front.profiling.client import ScoreClient
from fairlead_scoring.front.profiling.measurement import Measurement, Tally
from fairlead_scoring.front.profiling.order import Profile
from fairlead_scoring.front.profiling.usage import CpuUse, Watch, cpu_use
from fairlead_scoring.front.slots.in_flight import Outcome
from fairlead_scoring.front.slots.orphans import children
from fairlead_scoring.front.slots.pool import SlotPool
from fairlead_scoring.front.slots.slot import Slot
from fairlead_scoring.front.slots.startup import StartFailedError
from fairlead_scoring.front.smoke_test import run_smoke_test
from fairlead_scoring.slot.console import LOGGER_NAME
from fairlead_scoring.slot.record import Failure, Record, make_record

logger = logging.getLogger(LOGGER_NAME)
WARM_UP_REQUESTS = 3  # of each client, that are not measured
WARM_UP_S = 10.0  # after which no further one is dropped
READY_POLL_S = 0.02


class ProfileFailedError(Exception):
    """The record says why."""

    def __init__(self, record: Record) -> None:
        super().__init__(record["message"])
        self.record = record


@dataclass
class Load:
    """Requests that are still to be sent, and until when (in seconds of the monotonic clock)."""

    requests: int
    ends_at: float
    tally: Tally = field(default_factory=Tally)

    def take(self) -> bool:
        """Whether one more is to be sent."""
        if self.requests <= 0 or time.monotonic() >= self.ends_at:
            return False
        self.requests -= 1
        return True


async def run_profile(settings: Settings, order: Profile) -> Measurement:
    """Raise ``ProfileFailedError``; ``PortTakenError`` if the service's port cannot be opened."""
    deadline = time.monotonic() + order.trial.timeout_s
    settings = _alone(settings)
    record = await run_smoke_test(settings, order.trial)
    if record is not None:
        raise ProfileFailedError(record)
    sample = order.trial.body(settings.layout.app_root) or b""
    watch, metrics = Watch(), Metrics()
    with _watching(watch):
        async with _serving(settings, metrics, deadline):
            load, window_s, used = await _measured(settings, order, sample, watch, deadline)
    _check(load.tally, metrics, settings)
    return Measurement(
        tally=load.tally,
        window_s=window_s,
        start_s=metrics.init_s or 0.0,
        restarts=sum(metrics.slot_restarts.values()),
        memory_bytes=watch.peak_bytes(),
        cpu_cores=used.cores,
        highest_cores=None if used.cores is None else max(watch.highest_cores, used.cores),
        throttled=used.throttled,
    )


def _alone(settings: Settings) -> Settings:
    """Reached by nobody else, without keys and debuggers."""
    return replace(
        settings,
        host=LOOPBACK,
        health_port=None,
        metrics_port=None,
        keys_dir=None,
        debug=DebugSettings(),
    )


@contextmanager
def _watching(watch: Watch) -> Iterator[None]:
    looking = asyncio.create_task(watch.run())
    try:
        yield
    finally:
        looking.cancel()


@asynccontextmanager
async def _serving(settings: Settings, metrics: Metrics, deadline: float) -> AsyncIterator[None]:
    """The service, once all its slots are ready. Raise ``ProfileFailedError``."""
    spawn = partial(Slot.spawn, settings)
    pool = SlotPool(settings.processes, settings.queue_limits, spawn, metrics)
    server = HttpServer(App(pool, settings, metrics))
    listener = listen(settings.port, settings.host)
    reaping = asyncio.create_task(children.reap_for_ever())
    slots = asyncio.create_task(pool.run())
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await _ready(pool, slots, deadline, settings)
        yield
    finally:
        server.abort()
        await pool.close()
        await asyncio.gather(serving, slots, return_exceptions=True)
        reaping.cancel()


async def _ready(
    pool: SlotPool, slots: asyncio.Task[None], deadline: float, settings: Settings
) -> None:
    while not pool.ready:
        if slots.done():
            try:
                slots.result()
            except StartFailedError as error:
                raise ProfileFailedError(error.record) from error
        if time.monotonic() >= deadline:
            said = "Not all slots had started when the time of the profile was up."
            late = _record(Failure("init", "InitInterrupted", said), settings)
            raise ProfileFailedError(pool.interruption() or late)
        await asyncio.sleep(READY_POLL_S)


async def _measured(
    settings: Settings, order: Profile, sample: bytes, watch: Watch, deadline: float
) -> tuple[Load, float, CpuUse]:
    """The load, how many seconds it took, and what it used."""
    clients = [ScoreClient(LOOPBACK, settings.port, sample) for _ in range(settings.slots)]
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline - time.monotonic()):
                await asyncio.gather(*(_warm_up(client) for client in clients))
        began, before = time.monotonic(), watch.cgroup.cpu_time()
        load = Load(order.requests, min(began + order.seconds, deadline))
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline - began):
                await asyncio.gather(*(_ask(client, load) for client in clients))
        used = cpu_use(before, watch.cgroup.cpu_time())
        return load, time.monotonic() - began, used
    finally:
        for client in clients:
            client.close()


async def _warm_up(client: ScoreClient) -> None:
    began = time.monotonic()
    for _ in range(WARM_UP_REQUESTS):
        await client.score()
        if time.monotonic() - began >= WARM_UP_S:
            return


async def _ask(client: ScoreClient, load: Load) -> None:
    while load.take():
        load.tally.add(await client.score())


def _check(tally: Tally, metrics: Metrics, settings: Settings) -> None:
    """Raise ``ProfileFailedError`` where what was measured means nothing."""
    failure = None
    if metrics.slot_restarts[Outcome.OUT_OF_MEMORY.value]:
        said = f"The process that runs {settings.layout.script_name} ran out of memory under load."
        failure = Failure("run", "OutOfMemory", said)
    elif not tally.seconds and not tally.errors:
        said = "run() had not answered a request when the time of the profile was up."
        failure = Failure("run", "RunTimedOut", said)
    elif not tally.seconds:
        said = f"run() answered the sample once, and then none of {tally.errors} requests"
        failure = Failure("run", "AnsweredWithError", f"{said}: {tally.first_error}")
    if failure is not None:
        raise ProfileFailedError(_record(failure, settings))


def _record(failure: Failure, settings: Settings) -> Record:
    return make_record(failure, settings.layout.models, 0.0)
