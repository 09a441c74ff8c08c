"""Holding the Lease: taken before anything is reconciled, renewed meanwhile, given back at the end.

kubernetes.aio.leaderelection is not used: it tells an expired lease by the wall clock, sets its
requests no deadline, so that a request without an answer keeps a lost lease for ever, and gives
nothing back.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog

from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest, Ref
from fairlead.cluster import Cluster
from fairlead.errors import OperatorError, WaitingError
from fairlead.leader.lease import (
    API_VERSION,
    Lease,
    SeenLease,
    held_spec,
    may_take,
    read_lease,
    released_spec,
    seen_lease,
)

logger = structlog.get_logger("fairlead")
RENEW_DEADLINE_S = 10.0  # without a renewal, until the holder stops working; below the duration
RETRY_PERIOD_S = 2.0
RELEASE_DEADLINE_S = 3.0


class Election:
    """One candidate. ``clock`` gives monotonic seconds."""

    def __init__(
        self, cluster: Cluster, ref: Ref, identity: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cluster = cluster
        self._ref = ref
        self._identity = identity
        self._clock = clock
        self._seen: SeenLease | None = None
        self._renewed_s = float("-inf")
        self._said = ""

    @property
    def holder(self) -> str:
        """Who held the lease when it was looked at last; empty where that is not known."""
        return self._seen.lease.holder if self._seen else ""

    async def acquire(self) -> None:
        """Return once the lease is ours, however long that takes."""
        while not await self._tried(RENEW_DEADLINE_S):
            self._say(f"waits for the lease that {self.holder or 'nobody'} holds")
            await asyncio.sleep(RETRY_PERIOD_S)
        self._say("leads")

    async def lost(self) -> None:
        """Renew the lease; return when it is another's, or could not be renewed in time."""
        while True:
            await asyncio.sleep(RETRY_PERIOD_S)
            left_s = self._renewed_s + RENEW_DEADLINE_S - self._clock()
            if left_s <= 0:
                return
            if not await self._tried(left_s) and self.holder not in ("", self._identity):
                return

    async def release(self) -> None:
        """Give the lease back, where it is ours and that is quickly done."""
        if self._seen is None or self.holder != self._identity:
            return
        lease = self._seen.lease
        try:
            async with asyncio.timeout(RELEASE_DEADLINE_S):
                await self._write(released_spec(lease, datetime.now(UTC)), lease)
        except (OperatorError, TimeoutError) as error:
            logger.warning("lease not given back", why=str(error) or "no answer in time")

    async def _tried(self, seconds: float) -> bool:
        """Whether the lease is ours after one look at it; False where that cannot be known."""
        try:
            async with asyncio.timeout(seconds):
                return await self._try()
        except (OperatorError, TimeoutError) as error:
            self._say(f"the lease cannot be had: {str(error) or 'no answer in time'}")
            return False

    async def _try(self) -> bool:
        begun_s = self._clock()
        found = await self._cluster.get(self._ref)
        if found is None:
            await self._create()
        else:
            self._seen = seen_lease(self._seen, read_lease(found), begun_s)
            if not may_take(self._seen, self._identity, begun_s):
                return False
            lease = self._seen.lease
            await self._write(held_spec(self._identity, lease, datetime.now(UTC)), lease)
        self._renewed_s = begun_s  # not the answer's time: others count from the write
        return True

    async def _create(self) -> None:
        """Raises ``WaitingError`` where another was quicker."""
        metadata = {"name": self._ref.name, "namespace": self._ref.namespace}
        spec = held_spec(self._identity, None, datetime.now(UTC))
        head = {"apiVersion": API_VERSION, "kind": "Lease"}
        if not await self._cluster.create({**head, "metadata": metadata, "spec": spec}):
            raise WaitingError(Reason.API_UNAVAILABLE, "another operator has just made it")
        self._seen = SeenLease(Lease(self._identity, 0, "", 0, ""), self._clock())

    async def _write(self, spec: Manifest, before: Lease) -> None:
        """Raises ``WaitingError`` where the lease is not what it was, any more."""
        patch = {"metadata": {"resourceVersion": before.version}, "spec": spec}
        written = await self._cluster.merge(self._ref, patch)
        if written is None:
            raise WaitingError(Reason.API_UNAVAILABLE, "somebody has deleted it")
        self._seen = SeenLease(read_lease(written), self._clock())

    def _say(self, words: str) -> None:
        if words != self._said:
            logger.info(words, lease=f"{self._ref.namespace}/{self._ref.name}", us=self._identity)
            self._said = words


@asynccontextmanager
async def leading(election: Election) -> AsyncIterator["asyncio.Task[None]"]:
    """Hold the lease while the context lasts; the task it gives ends when the lease is lost."""
    await election.acquire()
    lost = asyncio.create_task(election.lost(), name="lease")
    try:
        yield lost
    finally:
        lost.cancel()
        await asyncio.gather(lost, return_exceptions=True)
        await election.release()
