"""A jump of the load against an autoscaler: the share of 503, and how long until replicas suffice.

A simulation, for no small cluster has room for the guide's example: one queue with the front's
rules, replicas that take a while to start, the autoscaler's formula each 15 s. What is ours is
real: the number that the metrics API tells (``fairlead.metrics_api.demand``, from rounds 2 s apart)
and the behavior in the HorizontalPodAutoscaler that the operator makes.
"""

import heapq
import itertools
import random
import statistics
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from benchmarks.bench import show
from fairlead.api.meta import WEBSERVICE
from fairlead.api.objects import read_webservice
from fairlead.api.refs import Manifest
from fairlead.desired.autoscaler import autoscaler
from fairlead.evidence import ScalingSettings
from fairlead.metrics_api.demand import Round, demand
from tests.cluster.steps import Steps

REPLICAS, MOST, UTILIZATION = 3, 200, 0.7
JUMP, JUMP_S, END_S = 20, 60.0, 300.0
WAIT_S, SYNC_S, POLL_S = 0.5, 15.0, 2.0
SEEDS = range(5)
ENOUGH = 0.9  # of the replicas that the load needs
KUBERNETES_OWN: Manifest = {  # what an autoscaler has whose behavior is not given
    "policies": [
        {"type": "Percent", "value": 100, "periodSeconds": 15},
        {"type": "Pods", "value": 4, "periodSeconds": 15},
    ],
    "tolerance": "0.1",
}


@dataclass(frozen=True)
class Load:
    """After the jump, which is to twenty times as many requests; times are exponential."""

    requests_per_second: float
    run_s: float

    @property
    def replicas(self) -> int:
        return ceil(self.requests_per_second * self.run_s / UTILIZATION)


@dataclass(frozen=True)
class Scaler:
    """``counts``: what it goes by, from the rounds of the metrics API; ``fast``: with the fast
    lane, which does not wait for Kubernetes' autoscaler where twice the replicas are needed."""

    name: str
    counts: Callable[[Sequence[Round], float], float]
    scale_up: Manifest
    fast: bool = False


def busy_and_queued(rounds: Sequence[Round], _: float) -> float:
    """As azureml-fe has it: what is refused counts for nothing."""
    return rounds[-1].busy + rounds[-1].queued


def ours() -> Manifest:
    """``scaleUp`` of the autoscaler that the operator makes."""
    name = {"name": "credit", "namespace": "demo", "uid": "u", "generation": 1}
    body = {
        "metadata": {**name, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "kind": WEBSERVICE.kind,
        "spec": {"image": "credit:1", "autoscale": {"maxReplicas": MOST}},
    }
    made = autoscaler(read_webservice(body), ScalingSettings(installed=True, tolerance=True))
    assert made
    scale_up: Manifest = made["spec"]["behavior"]["scaleUp"]
    return scale_up


@dataclass
class Run:
    """One spike; ``refused`` are the times of the 503."""

    load: Load
    scaler: Scaler
    start_s: float
    seed: int
    ready: int = REPLICAS
    desired: int = REPLICAS
    now: float = 0.0
    busy: int = 0
    came: int = 0
    enough_s: float | None = None
    refused: list[float] = field(default_factory=list)
    queue: deque[float] = field(default_factory=deque)
    rounds: deque[Round] = field(default_factory=lambda: deque(maxlen=30))
    since: list[int] = field(default_factory=lambda: [0, 0])  # admitted, refused

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.order = itertools.count()
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.rate = self.load.requests_per_second / JUMP

    def simulate(self) -> "Run":
        self.after(self.chance.expovariate(self.rate), self.arrive)
        self.after(self.chance.uniform(0, SYNC_S), self.sync)
        self.after(0, self.poll)
        self.after(JUMP_S, self.jump)
        while self.events[0][0] <= END_S:
            self.now, _, happens = heapq.heappop(self.events)
            while self.queue and self.now - self.queue[0] > WAIT_S:
                self.refuse(self.queue.popleft() + WAIT_S)
            happens()
        return self

    def after(self, seconds: float, happens: Callable[[], None]) -> None:
        heapq.heappush(self.events, (self.now + seconds, next(self.order), happens))

    def refuse(self, at_s: float) -> None:
        self.refused.append(at_s)
        self.since[1] += 1

    def jump(self) -> None:
        self.rate = self.load.requests_per_second

    def arrive(self) -> None:
        self.came += 1
        self.after(self.chance.expovariate(self.rate), self.arrive)
        if self.busy < self.ready:
            self.begin()
        elif len(self.queue) >= 9 * self.ready + 1:  # as HAProxy counts ten for each
            self.refuse(self.now)
        else:
            self.queue.append(self.now)

    def begin(self) -> None:
        self.busy += 1
        self.since[0] += 1
        self.after(self.chance.expovariate(1 / self.load.run_s), self.end)

    def end(self) -> None:
        self.busy -= 1
        self.drain()

    def started(self) -> None:
        self.ready += 1
        self.drain()
        if self.enough_s is None and self.ready >= ENOUGH * self.load.replicas:
            self.enough_s = self.now - JUMP_S

    def drain(self) -> None:
        while self.queue and self.busy < self.ready:
            self.queue.popleft()
            self.begin()

    def poll(self) -> None:
        admitted, refused = self.since
        slots = float(self.ready)
        self.rounds.append(
            Round(self.now, self.busy, len(self.queue), admitted, refused, slots, slots)
        )
        self.since = [0, 0]
        needed = ceil(self.scaler.counts(self.rounds, self.now) / UTILIZATION - 1e-9)
        if self.scaler.fast and needed >= 2 * self.desired:
            self.grow(needed)
        self.after(POLL_S, self.poll)

    def sync(self) -> None:
        total = self.scaler.counts(self.rounds, self.now)
        ratio = total / (UTILIZATION * self.desired)
        if ratio > 1 + float(self.scaler.scale_up["tolerance"]):
            self.grow(min(ceil(total / UTILIZATION - 1e-9), self.limit()))
        self.after(SYNC_S, self.sync)

    def grow(self, wanted: int) -> None:
        for _ in range(min(wanted, MOST) - self.desired):
            self.after(self.start_s, self.started)
        self.desired = max(self.desired, min(wanted, MOST))

    def limit(self) -> int:
        policies: list[dict[str, Any]] = self.scaler.scale_up["policies"]
        more = (
            float(one["value"]) * (self.desired / 100 if one["type"] == "Percent" else 1)
            for one in policies
        )
        return self.desired + ceil(max(more))


def measure(steps: Steps) -> None:
    scalers = (
        Scaler("busy and queued, Kubernetes' own behavior", busy_and_queued, KUBERNETES_OWN),
        Scaler("busy and queued, ours", busy_and_queued, ours()),
        Scaler("demand, Kubernetes' own behavior", demand, KUBERNETES_OWN),
        Scaler("demand, ours", demand, ours()),
        Scaler("demand, ours, fast lane", demand, ours(), fast=True),
    )
    for load in (Load(4, 10), Load(40, 1), Load(200, 0.2)):
        with steps.step(f"{load.requests_per_second:g} requests/s of {load.run_s:g} s"):
            rows = [_row(load, scaler) for scaler in scalers]
        show(
            f"From {load.requests_per_second / JUMP:g} to {load.requests_per_second:g} requests/s "
            f"of {load.run_s:g} s (needs {load.replicas} replicas; {REPLICAS} at first); 240 s",
            ("autoscaler", *(f"starts in {s} s: 503, enough after, last" for s in (20, 5))),
            rows,
        )


def _row(load: Load, scaler: Scaler) -> tuple[str, ...]:
    return (scaler.name, *(_cell(load, scaler, start_s) for start_s in (20.0, 5.0)))


def _cell(load: Load, scaler: Scaler, start_s: float) -> str:
    runs = [Run(load, scaler, start_s, seed).simulate() for seed in SEEDS]
    refused = sum(len(run.refused) for run in runs) / sum(run.came for run in runs)
    enough = statistics.mean(END_S if run.enough_s is None else run.enough_s for run in runs)
    last = statistics.mean(max(run.refused, default=JUMP_S) - JUMP_S for run in runs)
    return f"{refused:.1%}, {enough:.0f} s, {last:.0f} s"
