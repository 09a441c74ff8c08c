"""What one change costs: seconds, bytes that the registry was sent, memory of the tasks."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import docker as engine_client

from benchmarks.builds.changes import MIB
from benchmarks.builds.task_memory import watched_tasks
from tests.cluster.engine import docker_lines
from tests.cluster.versions import REGISTRY_CONTAINER

SENT_AGAIN_MIB = 2.0  # requests, answers to what is read, and headers are less


@dataclass(frozen=True)
class Figures:
    """Of one change."""

    seconds: float
    sent_mib: float
    """What came to the registry over its network: a thousandth of what is read from it, too."""
    stored_mib: float
    read_mib: float
    """What the registry sent: the nodes' pulls are in it."""
    task_mib: float
    """The most resident memory that all tasks had at the same time."""
    largest_mib: float
    """The most that one process of them had."""
    load: float
    """Of the machine in the minute before."""

    def shown(self) -> str:
        again = self.sent_mib - self.stored_mib > SENT_AGAIN_MIB
        stored = f" ({self.stored_mib:,.1f} stored)" if again else ""
        memory = f", {self.task_mib:.0f} MiB" if self.task_mib else ""
        return f"{self.seconds:.1f} s, {self.sent_mib:,.1f} MiB{stored}{memory}"

    def told(self) -> str:
        """All of it, for a log."""
        return (
            f"{self.seconds:.1f} s; sent {self.sent_mib:,.1f}, stored {self.stored_mib:,.1f}, "
            f"read {self.read_mib:,.1f} MiB; tasks {self.task_mib:.0f} MiB, the largest process "
            f"{self.largest_mib:.0f} MiB; load {self.load:.1f}"
        )


def measured(work: Callable[[], None]) -> Figures:
    load, stored, (received, sent) = os.getloadavg()[0], _stored_bytes(), _registry_traffic()
    started = time.monotonic()
    with watched_tasks() as seen:
        work()
    seconds = time.monotonic() - started
    now_received, now_sent = _registry_traffic()
    return Figures(
        seconds=seconds,
        sent_mib=(now_received - received) / MIB,
        stored_mib=(_stored_bytes() - stored) / MIB,
        read_mib=(now_sent - sent) / MIB,
        task_mib=seen.together_bytes / MIB,
        largest_mib=seen.largest_bytes / MIB,
        load=load,
    )


def _stored_bytes() -> int:
    [line] = docker_lines("exec", REGISTRY_CONTAINER, "du", "-sb", "/var/lib/registry")
    return int(line.split()[0])


def _registry_traffic() -> tuple[int, int]:
    """Bytes that the registry's container has received and sent."""
    engine = engine_client.from_env()
    try:
        seen = engine.api.stats(REGISTRY_CONTAINER, stream=False, one_shot=True)
    finally:
        engine.close()
    networks = list(seen["networks"].values())
    return (
        sum(int(one["rx_bytes"]) for one in networks),
        sum(int(one["tx_bytes"]) for one in networks),
    )
