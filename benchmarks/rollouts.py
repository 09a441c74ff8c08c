"""Requests lost while pods are replaced: 20 rolling updates under load, behind fronts by default.

Two services, of one replica and of two, are updated ten times each; clients ask both all the while,
each time on a new connection, about two thirds of what the replicas can run.
"""

import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from benchmarks.bench import SETTINGS, Bench, show
from tests.cluster.on_demand import front_image
from tests.cluster.versions import SCORING_PORT
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
    bench.start_operator({**SETTINGS, **fronts, "FAIRLEAD_FRONT_DEFAULT": "true"})
    namespace = bench.namespace("rollouts")
    source = {"inline": {"files": {"score.py": SCRIPT}}}
    image = {"source": source, "entryScript": "score.py", "smokeTest": {"enabled": False}}
    bench.apply(namespace, "InferenceImage", "credit", image)
    rows: list[tuple[str, ...]] = []
    threads = [
        threading.Thread(target=lambda n=number: rows.append(_updated(bench, namespace, n)))
        for number in (1, 2)
    ]
    with bench.steps.step(f"{2 * UPDATES} updates under load"):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    show(
        "Updates under load, behind a front",
        ("replicas", "updates", "requests", "lost", "seconds for one: median, longest"),
        sorted(rows),
    )


def _updated(bench: Bench, namespace: str, replicas: int) -> tuple[str, ...]:
    name = f"credit-{replicas}"
    _serve(bench, namespace, name, replicas, 0)
    _until(bench, namespace, name, "FrontReady")
    load = Load(_address(bench, namespace, name))
    clients = [threading.Thread(target=load.run) for _ in range(replicas)]
    for client in clients:
        client.start()
    taken = [_serve(bench, namespace, name, replicas, n + 1) for n in range(UPDATES)]
    load.stop.set()
    for client in clients:
        client.join()
    lost = {answer: number for answer, number in load.answers.items() if answer != "200"}
    told = ", ".join(f"{number} x {answer}" for answer, number in lost.items()) or "0"
    longest = f"{statistics.median(taken):.1f}, {max(taken):.1f}"
    return str(replicas), str(UPDATES), str(load.answers.total()), told, longest


def _serve(bench: Bench, namespace: str, name: str, replicas: int, number: int) -> float:
    """Return the seconds until all replicas are of this revision."""
    spec: dict[str, Any] = {
        "imageRef": {"name": "credit"},
        "replicas": replicas,
        "auth": {"enabled": False},
        "expose": {"type": "NodePort"},
        "resources": {"cpu": "50m", "memory": "64Mi", "limits": {"memory": "256Mi"}},
        "environmentVariables": {"UPDATE": str(number)},
    }
    bench.apply(namespace, "Webservice", name, spec)
    began = time.monotonic()
    _until(bench, namespace, name, "Serving")
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
