"""Requests lost in 20 rolling updates, without a cluster: real runtimes, a real HAProxy, a DNS
server that answers from a cache, and, in the place of kube-proxy, what passes connections on to a
replica that is ready. ``python -m benchmarks rollouts`` does the same on kind.

A replica takes the place of another as a Deployment has it: it is ready for ``HANDOVER_S`` first.
"""

import random
import socket
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx

from benchmarks.bench import show
from benchmarks.front import LIMITS, PARAMETERS, Machine, installed
from fairlead.desired.deployment import DRAIN_S, HANDOVER_S
from tests.cluster.ports import free_port
from tests.cluster.steps import Steps
from tests.dns_server import DnsServer
from tests.haproxy import FrontProcess
from tests.integration.scoring.service import Service, wait_until
from tests.plain_http import CLIENT

UPDATES = 10  # with each number of replicas
CACHES_S = (0.0, 5.0, 30.0)
ADDRESS_S = 0.5  # until the DNS could tell of a pod
RUN_S, PAUSE_S = 0.1, 0.05
CHUNK = 65536
SCRIPT = f"""\
import time


def init():
    pass


def run(data):
    time.sleep({RUN_S})
    return 1
"""


class Place:
    """Where replicas come and go: ``known`` are their addresses, ``ready`` those that a Service
    leads to."""

    def __init__(self, machine: Machine, network: int) -> None:
        self.machine, self.network, self.number = machine, network, 0
        self.port = free_port()
        self.known = dict[str, Service]()
        self.ready = list[str]()

    def start(self) -> str:
        self.number += 1
        address = f"127.0.{self.network}.{self.number}"
        folder = Path(tempfile.mkdtemp(dir=self.machine.folder))
        there = {"FAIRLEAD_HOST": address, "FAIRLEAD_PORT": str(self.port)}
        drain = {"FAIRLEAD_DRAIN_SECONDS": str(DRAIN_S), "FAIRLEAD_MAX_QUEUE_WAIT_MS": "500"}
        files = {"score.py": SCRIPT}
        service = Service(folder, self.machine.runtime, files, {**there, **drain})
        service.url = f"http://{address}:{self.port}"
        self.machine.stack.callback(service.end)
        time.sleep(ADDRESS_S)
        self.known[address] = service
        service.until_ready()
        self.ready.append(address)
        return address

    def stop(self, address: str) -> None:
        """Told to end: no Service leads to it any more, and it is gone once it has drained."""
        self.ready.remove(address)
        self.known[address].told_to_stop()

    def forget_ended(self) -> None:
        for address, service in list(self.known.items()):
            if service.process.poll() is not None:
                del self.known[address]


@contextmanager
def _repeated(act: Callable[[], None], period_s: float) -> Iterator[None]:
    ends = threading.Event()

    def run() -> None:
        while not ends.wait(period_s):
            act()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()


class AnyOne:
    """Passes each connection on to a replica that is ready, as kube-proxy does."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._server.accept()
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, suppress(OSError, IndexError):
            address = random.choice(self._place.ready)
            with socket.create_connection((address, self._place.port)) as replica:
                back = threading.Thread(target=_copy, args=(replica, client), daemon=True)
                back.start()
                _copy(client, replica)
                back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(CHUNK):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)


def measure(steps: Steps) -> None:
    with installed(steps) as folder:
        rows = [row for cache_s in CACHES_S for row in _both(steps, folder, cache_s)]
    show(
        f"{UPDATES} updates under load behind a front ({HANDOVER_S} s of handover)",
        ("DNS answers from a cache for", "replicas", "requests", "not 200", "s for one (median)"),
        rows,
    )


def _both(steps: Steps, folder: Path, cache_s: float) -> list[tuple[str, ...]]:
    rows = list[tuple[str, ...]]()
    with steps.step(f"{2 * UPDATES} updates, a cache of {cache_s:.0f} s"):
        threads = [
            threading.Thread(target=lambda n=n: rows.append(_updated(folder, cache_s, n)))
            for n in (1, 2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return sorted(rows)


def _updated(folder: Path, cache_s: float, replicas: int) -> tuple[str, ...]:
    with ExitStack() as stack, DnsServer() as dns:
        place = Place(Machine(folder / "runtime", folder, stack), replicas)
        serving = [place.start() for _ in range(replicas)]

        def tell() -> None:
            place.forget_ended()
            dns.addresses = list(place.known)

        tell()
        stack.enter_context(_repeated(tell, max(cache_s, 0.1)))
        limits = replace(LIMITS, queue_wait_ms=500)
        front = replace(PARAMETERS, limits=limits, port=place.port)
        at = Path(tempfile.mkdtemp(dir=folder))
        process = FrontProcess(at, front, dns=dns.port, anyone=AnyOne(place).address)
        stack.callback(process.end)
        wait_until(lambda: process.ready_servers() == replicas, "the front to see all")
        answers, taken = Counter[str](), list[float]()

        def ask() -> None:
            answers.update([_asked(process.url)])

        with ExitStack() as clients:
            for _ in range(replicas):
                clients.enter_context(_repeated(ask, PAUSE_S))
            for _ in range(UPDATES):
                began = time.monotonic()
                serving = [_replaced(place, old) for old in serving]
                taken.append(time.monotonic() - began)
        lost = {answer: count for answer, count in answers.items() if answer != "200"}
        told = ", ".join(f"{count} x {answer}" for answer, count in lost.items()) or "0"
        cache = f"{cache_s:.0f} s"
        return (cache, str(replicas), str(answers.total()), told, f"{statistics.median(taken):.1f}")


def _replaced(place: Place, old: str) -> str:
    new = place.start()
    time.sleep(HANDOVER_S)
    place.stop(old)
    return new


def _asked(url: str) -> str:
    try:
        answer = CLIENT.post(f"{url}/score", json={}, timeout=60)
    except httpx.TransportError as error:
        return type(error).__name__
    return f"{answer.status_code} {answer.headers.get('x-fairlead-503-reason', '')}".strip()
