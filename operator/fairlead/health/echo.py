"""Proof that events still arrive: a ConfigMap of our own is written, and its change awaited.

That an HTTP server answers says nothing about a watch that has gone silent or a token that no watch
takes any more: such an operator would look healthy and do nothing.
"""

import asyncio
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from fairlead.cluster import Cluster
from fairlead.errors import OperatorError
from fairlead.informer.store import version_number
from fairlead.observe.cache import Cache

logger = structlog.get_logger("fairlead")
NAME = "fairlead-operator-echo"
PERIOD_S = 30.0
MAX_SILENCE_S = 150.0  # after a write that was not heard of
MANAGER = "fairlead-operator-echo"


class Echo:
    """Writes now and then, and knows since when a write has not been heard of.

    A write that fails proves nothing: an API server that is away is no fault of this process.
    """

    def __init__(
        self,
        cluster: Cluster,
        cache: Cache,
        namespace: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._namespace = namespace
        self._clock = clock
        self._written = 0
        self._unheard_since_s: float | None = None

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self.write()
            await asyncio.sleep(PERIOD_S * random.uniform(0.8, 1.0))

    async def write(self) -> None:
        metadata = {"name": NAME, "namespace": self._namespace}
        data = {"written": datetime.now(UTC).isoformat(timespec="seconds")}
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        try:
            answer = await self._cluster.apply(manifest, existing=False, manager=MANAGER)
        except OperatorError as error:
            logger.warning("echo not written", why=str(error))
            return
        if self.silent_s() is None:
            self._unheard_since_s = self._clock()
        self._written = version_number(str(answer["metadata"].get("resourceVersion", "")))

    def silent_s(self) -> float | None:
        """Seconds since the first write that was not heard of; None where all were."""
        entry = self._cache.config_map(self._namespace, NAME)
        if entry is not None and entry.version >= self._written:
            self._unheard_since_s = None
        if self._unheard_since_s is None:
            return None
        return self._clock() - self._unheard_since_s

    def problem(self) -> str:
        """What is wrong, in a sentence; empty where nothing is."""
        silent_s = self.silent_s()
        if silent_s is None or silent_s <= MAX_SILENCE_S:
            return ""
        written = f"Our own ConfigMap '{NAME}' was written {silent_s:.0f} s ago"
        return f"{written} and no watch has told of it."
