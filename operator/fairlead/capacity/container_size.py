"""From what a container used under full load: how much it should be given. Pure."""

import math
from dataclasses import dataclass
from decimal import Decimal

from fairlead.api.quantity import amount

CPU_HEADROOM, MEMORY_HEADROOM = Decimal("1.2"), Decimal("1.25")
CPU_STEP_M, LEAST_CPU_M = 50, 50  # thousandths of a core
MIB = 2**20
MEMORY_STEP_MIB, LEAST_MEMORY_MIB = 32, 64
THROTTLED_PERCENT = 5  # from which on the limit decided how fast it was
NEAR_LIMIT = Decimal("0.9")
TAIL_REQUESTS = 1000  # that p99.9 needs at least


@dataclass(frozen=True)
class Used:
    """``cpu_cores`` is the average while all slots ran requests, None where unknown; ``given_cpu``
    and ``given_memory`` are quantities, the container's limits."""

    cpu_cores: float | None
    memory_bytes: int
    throttled_percent: int
    slots: int
    requests: int
    errors: int
    given_cpu: str
    given_memory: str


@dataclass(frozen=True)
class ContainerSize:
    """Quantities, None where unknown; ``arithmetic`` and ``advice`` are sentences, the latter empty
    where nothing is to be said."""

    cpu: str | None
    memory: str | None
    arithmetic: str
    advice: str


def container_size(used: Used) -> ContainerSize:
    """The average CPU and a fifth more, the highest memory and a quarter more, both rounded up."""
    cpu, cpu_words = _cpu(used)
    memory, memory_words = _memory(used)
    return ContainerSize(cpu, memory, f"{cpu_words} {memory_words}", " ".join(_advice(used)))


def mebibytes(size: int) -> str:
    """As a quantity, rounded up."""
    return f"{math.ceil(size / MIB)}Mi"


def _cpu(used: Used) -> tuple[str | None, str]:
    if used.cpu_cores is None:
        return None, "cpu: not known, for the node's kernel does not count it."
    cores = Decimal(str(used.cpu_cores))
    needed = math.ceil(cores * CPU_HEADROOM * 1000 / CPU_STEP_M) * CPU_STEP_M
    cpu = _cores(max(needed, LEAST_CPU_M))
    running = "1 request" if used.slots == 1 else f"{used.slots} requests"
    return cpu, (
        f"cpu: {used.cpu_cores:.3g} cores on average while {running} ran all the time, * "
        f"{CPU_HEADROOM}, rounded up to a multiple of {CPU_STEP_M}m = {cpu}."
    )


def _memory(used: Used) -> tuple[str | None, str]:
    if used.memory_bytes <= 0:
        return None, "memory: not known, for the node's kernel does not count it."
    steps = math.ceil(used.memory_bytes * MEMORY_HEADROOM / (MEMORY_STEP_MIB * MIB))
    memory = f"{max(steps * MEMORY_STEP_MIB, LEAST_MEMORY_MIB)}Mi"
    return memory, (
        f"memory: {mebibytes(used.memory_bytes)} at the most, * {MEMORY_HEADROOM}, rounded up to a "
        f"multiple of {MEMORY_STEP_MIB}Mi = {memory}."
    )


def _cores(thousandths: int) -> str:
    return f"{thousandths // 1000}" if thousandths % 1000 == 0 else f"{thousandths}m"


def _advice(used: Used) -> list[str]:
    told = []
    if used.errors:
        told.append(f"{used.errors} of {used.requests} requests failed: see firstError.")
    if used.throttled_percent >= THROTTLED_PERCENT:
        told.append(
            f"The limit of {used.given_cpu} cpu held it back in {used.throttled_percent} % of the "
            "periods: a profile with more spec.profile.cpu may be faster, and recommend more."
        )
    if used.memory_bytes >= NEAR_LIMIT * amount(used.given_memory):
        told.append(
            f"It came near to its limit of {used.given_memory}: a profile with more "
            "spec.profile.memory tells whether it would take more."
        )
    if used.requests < TAIL_REQUESTS:
        told.append(
            f"Of {used.requests} requests p999 is close to the slowest: it needs more "
            "(spec.profile.requests, spec.profile.seconds)."
        )
    return told
