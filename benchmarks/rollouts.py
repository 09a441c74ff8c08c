"""Requests lost while pods are replaced: 20 rolling updates under load behind fronts, and ten of a
plain Service.

Two services with a front, of one replica and of two, and one of two without are updated ten times
each; clients ask them all the while, each time on a new connection, about two thirds of what the
replicas can run. Without a front a request goes to a replica at random, so it may wait there.
"""

import statistics
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import httpx

from benchmarks.bench import SETTINGS, Bench, show
from tests.cluster.on_demand import front_image
from tests.cluster.versions import SCORING_PORT
from tests.integration.scoring.service import wait_until
from tests.plain_http import CLIENT

UPDATES = 10  # of each service
RUN_S, PAUSE_S = 0.1, 0.05
PATIENCE_S = 240.0
SCRIPT = f"""\
import time


def init():
    pass


def run(data):
    time.sleep({RUN_S})
    return 1
"""


@dataclass(frozen=True)
class Served:
    replicas: int
    front: bool

    @property
    def name(self) -> str:
        return f"credit-{self.replicas}" if self.front else f"plain-{self.replicas}"


SERVICES = (Served(1, front=True), Served(2, front=True), Served(2, front=False))


@dataclass
class Load:
    address: str
    stop: threading.Event = field(default_factory=threading.Event)
    answers: Counter[str] = field(default_factory=Counter)

    def run(self) -> None:
        while not self.stop.is_set():
            self.answers[self.asked()] += 1
            time.sleep(PAUSE_S)  # between two requests of one client

    def asked(self) -> str:
        try:
            answer = CLIENT.post(self.address, json={}, timeout=60)
        except httpx.TransportError as error:
            return type(error).__name__
        return f"{answer.status_code} {answer.headers.get('x-fairlead-503-reason', '')}".strip()


def measure(bench: Bench) -> None:
    fronts = {"FAIRLEAD_FRONT_IMAGE": front_image(bench.places, bench.steps)}
    bench.kill_operator()
    bench.start_operator({**SETTINGS, **fronts})
    namespace = bench.namespace("rollouts")
    source = {"inline": {"files": {"score.py": SCRIPT}}}
    image = {"source": source, "entryScript": "score.py", "smokeTest": {"enabled": False}}
    bench.apply(namespace, "InferenceImage", "credit", image)
    several = len(SERVICES) * UPDATES
    with bench.steps.step(f"{several} updates under load"), ThreadPoolExecutor() as threads:
        rows = list(threads.map(partial(_updated, bench, namespace), SERVICES))
    show(
        "Updates under load",
        ("", "replicas", "updates", "requests", "lost", "seconds for one: median, longest"),
        rows,
    )


def _updated(bench: Bench, namespace: str, service: Served) -> tuple[str, ...]:
    name, replicas = service.name, service.replicas
    _serve(bench, namespace, service, 0)
    if service.front:
        _until(bench, namespace, name, "FrontReady")
    load = Load(_address(bench, namespace, name))
    wait_until(lambda: load.asked() == "200", "the way from this machine to the service")
    clients = [threading.Thread(target=load.run) for _ in range(replicas)]
    for client in clients:
        client.start()
    taken = [_serve(bench, namespace, service, n + 1) for n in range(UPDATES)]
    load.stop.set()
    for client in clients:
        client.join()
    lost = {answer: number for answer, number in load.answers.items() if answer != "200"}
    told = ", ".join(f"{number} x {answer}" for answer, number in lost.items()) or "0"
    seconds = f"{statistics.median(taken):.1f}, {max(taken):.1f}"
    way = "a front" if service.front else "Service alone"
    return way, str(replicas), str(UPDATES), str(load.answers.total()), told, seconds


def _serve(bench: Bench, namespace: str, service: Served, number: int) -> float:
    """Return the seconds until all replicas are of this revision."""
    wait = {} if service.front else {"concurrency": {"maxQueueWaitMilliseconds": 10_000}}
    spec: dict[str, Any] = {
        "imageRef": {"name": "credit"},
        "replicas": service.replicas,
        "front": {"enabled": service.front},
        **wait,
        "auth": {"enabled": False},
        "expose": {"type": "NodePort"},
        "resources": {"cpu": "50m", "memory": "64Mi", "limits": {"memory": "256Mi"}},
        "environmentVariables": {"UPDATE": str(number)},
    }
    bench.apply(namespace, "Webservice", service.name, spec)
    began = time.monotonic()
    _until(bench, namespace, service.name, "Serving")
    return time.monotonic() - began


def _until(bench: Bench, namespace: str, name: str, reason: str) -> None:
    """Wait until a condition of the newest generation has this reason."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        seen = bench.manifest(namespace, "webservice", name)
        status = seen.get("status", {})
        current = status.get("observedGeneration") == seen["metadata"]["generation"]
        types = ("Ready", "FrontReady") if reason == "FrontReady" else ("Ready",)
        if current and any(
            one["type"] in types and one["reason"] == reason for one in status["conditions"]
        ):
            return
        time.sleep(0.5)  # poll
    raise TimeoutError(f"{name} does not say {reason}: {status}")


def _address(bench: Bench, namespace: str, name: str) -> str:
    """Where this machine reaches the service: at a node's own address."""
    uri = str(bench.status(namespace, "webservice", name)["scoringUri"])
    if urlsplit(uri).port == SCORING_PORT:
        return uri
    return uri.replace("localhost", bench.cluster.node, 1)
