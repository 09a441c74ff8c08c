"""The share of 503 at a given load: a random replica for each connection, as a Service has it,
against one queue in a front, and two fronts; and the time that a front adds to a request.

Real runtimes and a real HAProxy on this machine, without a cluster. Requests arrive at random
(Poisson) and take an exponentially distributed time: Azure ML v1's second and its wait of 500 ms,
twice as fast; all ways get the same requests.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil

from benchmarks.bench import show
from benchmarks.draws import Draw, draws, refused_by_one_queue
from fairlead.desired.front_configuration import FrontParameters
from fairlead.desired.request_limits import RequestLimits
from fairlead.images.bundled_runtime import Runtime
from fairlead.images.runtime_layer import install
from fairlead.settings import Settings
from tests.cluster.steps import Steps
from tests.haproxy import FrontProcess
from tests.integration.scoring.service import Service, wait_until

RUN_S = 0.5
LIMITS = RequestLimits(slots=1, queue_wait_ms=250, scoring_timeout_ms=60_000, body_mb=1)
PARAMETERS = FrontParameters(
    "credit", "credit.demo.svc", 5001, 21, LIMITS, "any.demo.svc", "few.demo.svc"
)
REPLICAS = (3, 10)
LOADS = (0.5, 0.7, 0.85)
CELL_S = 45.0
IDLE, IDLE_S = 100, 60.0
MEGABYTE = 1024**2
LOST_OF, LOST_AT = 10, 0.5  # replicas and load while a front dies
ROUND_TRIPS = 1500
SEED = 1
OK = 200
WHEELS = Path(__file__).parents[1] / "operator/fairlead/images/runtime"
SLEEPS = """\
import time


def init():
    pass


def run(data):
    time.sleep(float(data))
    return data
"""
ECHO = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"
HEAD = "POST /score HTTP/1.1\r\nhost: credit\r\n"
KEPT = f"{HEAD}content-length: 1\r\n\r\n1".encode()


class Answer(NamedTuple):
    status: int
    seconds: float


@dataclass(frozen=True)
class Machine:
    """What is started, where it writes, and the runtime's folder."""

    runtime: Path
    folder: Path
    stack: ExitStack

    def replicas(self, number: int, script: str, wait_ms: int) -> list[Service]:
        environment = {"FAIRLEAD_MAX_QUEUE_WAIT_MS": str(wait_ms)}
        started = []
        for _ in range(number):
            folder = Path(tempfile.mkdtemp(dir=self.folder))
            started.append(Service(folder, self.runtime, {"score.py": script}, environment))
            self.stack.callback(started[-1].end)
        return [service.until_ready() for service in started]

    def front(
        self, services: Sequence[Service], fronts: int = 1, limits: RequestLimits = LIMITS
    ) -> FrontProcess:
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        servers = [urlsplit(service.url).netloc for service in services]
        parameters = replace(PARAMETERS, fronts=fronts, limits=limits)
        process = FrontProcess(folder, parameters, servers)
        self.stack.callback(process.end)
        wait_until(lambda: process.ready_servers() == len(services), "the front to see all")
        return process


@contextmanager
def installed(steps: Steps) -> Iterator[Path]:
    """A folder with the runtime in its ``runtime``."""
    with tempfile.TemporaryDirectory() as folder:
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        [wheel] = WHEELS.glob("fairlead_scoring-*.whl")
        with steps.step("The runtime installed"):
            install(Runtime(wheel, python), Path(folder) / "runtime", Settings(), lambda _: None)
        yield Path(folder)


def measure(steps: Steps) -> None:
    with installed(steps) as folder:
        rows = [row for number in REPLICAS for row in _refusals(steps, folder, number)]
        show(
            f"Share of 503, and p50/p95 of the others in ms; {CELL_S:.0f} s each",
            ("replicas", "way", *(f"{load:.0%} load" for load in LOADS)),
            rows,
        )
        with machine(folder) as there, steps.step("One of two fronts dies"):
            rows = [_lost(there)]
        show(
            f"Two fronts before {LOST_OF} replicas at {LOST_AT:.0%} load, one of them killed",
            ("requests", "broken off", "503", "in the second after it"),
            rows,
        )
        with machine(folder) as there, steps.step(f"{IDLE} idle fronts"):
            rows = [_idle(there)]
        show(
            f"{IDLE} fronts, each before one replica, with nothing to do",
            ("own memory of one, MiB", "of all", "processor of one, m", "of all"),
            rows,
        )
        with machine(folder) as there, steps.step("What a front adds"):
            rows = _added(there)
        show("One client, one connection: ms for a request", ("", "p50", "p99"), rows)


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    with ExitStack() as stack:
        yield Machine(folder / "runtime", folder, stack)


def _refusals(steps: Steps, folder: Path, number: int) -> Iterator[tuple[str, ...]]:
    for way, fronts in (("Service", 0), ("front", 1), ("two fronts", 2)):
        with machine(folder) as there, steps.step(f"{number} replicas, {way}"):
            wait_ms = 0 if fronts > 1 else LIMITS.queue_wait_ms
            services = there.replicas(number, SLEEPS, wait_ms)
            doors = [there.front(services, fronts).url for _ in range(fronts)]
            doors = doors or [service.url for service in services]
            asked = (_drawn(load, number) for load in LOADS)
            cells = [_cell(asyncio.run(answers(doors, drawn))) for drawn in asked]
        yield str(number), way, *cells
    yield str(number), "in theory", *(_best(_drawn(load, number), number) for load in LOADS)


def _drawn(load: float, replicas: int) -> list[Draw]:
    return draws(SEED, load * replicas / RUN_S, RUN_S, CELL_S)


def _best(drawn: Sequence[Draw], replicas: int) -> str:
    """What one queue refuses of them where nothing but the runs takes time."""
    refused = refused_by_one_queue(drawn, replicas, LIMITS.queue_wait_ms / 1000)
    return f"{refused / len(drawn):.2%}"


def _cell(answers: Sequence[Answer]) -> str:
    codes = Counter(answer.status for answer in answers)
    served = sorted(answer.seconds * 1000 for answer in answers if answer.status == OK)
    refused, others = codes.pop(503, 0), sum(codes.values()) - len(served)
    failed = f", {others} failed" if others else ""
    p50, p95 = _quantile(served, 0.5), _quantile(served, 0.95)
    return f"{refused / len(answers):.2%} ({p50:.0f}/{p95:.0f}){failed}"


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


async def answers(doors: Sequence[str], drawn: Sequence[Draw]) -> list[Answer]:
    """Of all of them, each asked by a new connection."""
    asked, begun = list[asyncio.Task[Answer]](), time.monotonic()
    for one in drawn:
        await asyncio.sleep(begun + one.at_s - time.monotonic())
        door = doors[int(one.door * len(doors))]
        asked.append(asyncio.create_task(_ask(door, one.run_s)))
    return await asyncio.gather(*asked)


def _idle(machine: Machine) -> tuple[str, ...]:
    """Memory that a front shares with no other process, as in a pod on a node of its own image."""
    [service] = machine.replicas(1, ECHO, LIMITS.queue_wait_ms)
    fronts = [psutil.Process(machine.front([service]).process.pid) for _ in range(IDLE)]
    before = sum(_worked_s(one) for one in fronts)
    time.sleep(IDLE_S)
    worked = (sum(_worked_s(one) for one in fronts) - before) / IDLE_S * 1000
    memory = sum(one.memory_full_info().uss for one in fronts) / MEGABYTE
    each = (memory / IDLE, memory, worked / IDLE, worked)
    return f"{each[0]:.1f}", f"{each[1]:.0f}", f"{each[2]:.1f}", f"{each[3]:.0f}"


def _worked_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _lost(machine: Machine) -> tuple[str, ...]:
    """What comes to the dead one goes to the other, as by a Service that knows."""
    services = machine.replicas(LOST_OF, SLEEPS, wait_ms=0)
    fronts = [machine.front(services, 2) for _ in range(2)]
    before, after = asyncio.run(_killed(fronts, _drawn(LOST_AT, LOST_OF)))
    codes, then = (Counter(one.status for one in some) for some in ([*before, *after], after))
    sent = len(before) + len(after)
    return str(sent), str(codes[0]), str(codes[503]), f"{then[OK]} of {len(after)} served"


async def _killed(
    fronts: Sequence[FrontProcess], drawn: Sequence[Draw]
) -> tuple[list[Answer], list[Answer]]:
    """Half of the time with both, then one is killed and the other one is asked for a second."""
    doors, half_s = [front.url for front in fronts], CELL_S / 2
    before = asyncio.create_task(answers(doors, [one for one in drawn if one.at_s < half_s]))
    await asyncio.sleep(half_s)
    fronts[0].process.kill()
    rest = [one._replace(at_s=one.at_s - half_s) for one in drawn if 0 <= one.at_s - half_s < 1]
    after = await answers(doors[1:], rest)
    return await before, after


async def _ask(door: str, run_s: float) -> Answer:
    began = time.monotonic()
    address, body = urlsplit(door), f"{run_s:.6f}"
    request = f"{HEAD}connection: close\r\ncontent-length: {len(body)}\r\n\r\n{body}"
    try:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(request.encode())
        answer = await reader.read()
        writer.close()
        status = int(answer.split(maxsplit=2)[1])
    except (OSError, IndexError, ValueError):
        status = 0
    return Answer(status, time.monotonic() - began)


def _added(machine: Machine) -> list[tuple[str, ...]]:
    """By turns, so that what else the machine does falls on both."""
    [service] = machine.replicas(1, ECHO, LIMITS.queue_wait_ms)
    front = machine.front([service])
    direct, through = asyncio.run(_by_turns([service.url, front.url]))
    rows = [
        (name, f"{_quantile(found, 0.5):.3f}", f"{_quantile(found, 0.99):.3f}")
        for name, found in (("replica", direct), ("front and replica", through))
    ]
    added = statistics.median(through) - statistics.median(direct)
    memory = Path(f"/proc/{front.process.pid}/status").read_text()
    resident = int(memory.partition("VmRSS:")[2].split()[0]) / 1024
    return [*rows, ("added", f"{added:.3f}", ""), (f"(front: {resident:.1f} MiB resident)", "", "")]


async def _by_turns(doors: Sequence[str]) -> list[list[float]]:
    addresses = [urlsplit(door) for door in doors]
    opened = [await asyncio.open_connection(one.hostname, one.port) for one in addresses]
    times: list[list[float]] = [[] for _ in doors]
    for _ in range(ROUND_TRIPS):
        for (reader, writer), taken in zip(opened, times, strict=True):
            began = time.perf_counter()
            writer.write(KEPT)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split()[0])
            await reader.readexactly(length)
            taken.append((time.perf_counter() - began) * 1000)
    for _, writer in opened:
        writer.close()
    return [sorted(taken) for taken in times]
