"""The work queue: keys that wait to be reconciled, each once, namespaces taking turns.

The semantics are those of client-go's workqueue: a key that is added while it waits is there once;
one that is added while it is being reconciled comes again afterwards; and no key is ever reconciled
by two workers. Beyond that, the namespaces take turns, so that one with thousands of objects delays
another by one reconcile and not by thousands, and none of them has more than ``NAMESPACE_SHARE``
keys in work, so that another's finds a worker, and an API server that has time for it; a key is not
begun more often than once in ``MIN_INTERVAL_S``, so that a burst of events is answered by one
reconcile; and what is urgent (what somebody has asked for and nobody has begun) comes before the
rest, which gets one turn in ``URGENT_TURNS`` at least.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

MIN_INTERVAL_S = 0.3
NAMESPACE_SHARE = 6  # keys of one namespace that are reconciled at a time
URGENT_TURNS = 8  # of urgent keys, before another one gets its turn


class Namespaced(Hashable, Protocol):
    """Whatever can be a key."""

    @property
    def namespace(self) -> str: ...


K = TypeVar("K", bound=Namespaced)


class Lane(Generic[K]):
    """Keys in their order, namespaces taking turns."""

    def __init__(self) -> None:
        self._keys: dict[str, dict[K, None]] = {}  # ordered sets
        self._turns: deque[str] = deque()

    def put(self, key: K) -> None:
        keys = self._keys.get(key.namespace)
        if keys is None:
            keys = self._keys[key.namespace] = {}
            self._turns.append(key.namespace)
        keys[key] = None

    def take(self, may_take: Callable[[str], bool]) -> K | None:
        """The first key of the first namespace that may have one taken; None if there is none."""
        namespace = next(filter(may_take, self._turns), None)
        if namespace is None:
            return None
        self._turns.remove(namespace)
        keys = self._keys[namespace]
        key = next(iter(keys))
        del keys[key]
        if keys:
            self._turns.append(namespace)
        else:
            del self._keys[namespace]
        return key

    def remove(self, key: K) -> None:
        keys = self._keys[key.namespace]
        del keys[key]
        if not keys:
            del self._keys[key.namespace]
            self._turns.remove(key.namespace)


class WorkQueue(Generic[K]):
    """All methods are called from one event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._urgent_lane, self._other_lane = Lane[K](), Lane[K]()
        self._urgent_in_a_row = 0
        self._queued: dict[K, Lane[K]] = {}
        self._urgent: set[K] = set()
        self._processing: set[K] = set()
        self._in_work: Counter[str] = Counter()  # how many of these are of each namespace
        self._again: set[K] = set()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._begun: dict[K, float] = {}
        self._failures: dict[K, int] = {}
        self._available = asyncio.Event()

    def __len__(self) -> int:
        """Keys that wait for a worker now; those that are due later do not count."""
        return len(self._queued)

    def pending(self, within_s: float = 0.0) -> int:
        """Keys that wait, are being reconciled, or come due within so many seconds."""
        until = self._loop.time() + within_s
        due = sum(timer.when() <= until for timer in self._timers.values())
        return len(self._queued) + len(self._processing) + due

    def add(self, key: K, *, urgent: bool = False) -> None:
        """Have ``key`` reconciled as soon as a worker is free, if ``urgent`` before what is not."""
        if urgent:
            self._urgent.add(key)
        if key in self._processing:
            self._again.add(key)
        elif key in self._queued:
            self._enqueue(key)
        else:
            wait = self._begun.get(key, float("-inf")) + MIN_INTERVAL_S - self._loop.time()
            if wait > 0:
                self.add_after(key, wait)
            else:
                self._enqueue(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Have ``key`` reconciled in ``seconds``, or earlier where that was asked for before."""
        due = self._loop.time() + seconds
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= due:
                return
            timer.cancel()
        self._timers[key] = self._loop.call_at(due, self._due, key)

    def failures(self, key: K) -> int:
        """How many reconciles in a row have failed."""
        return self._failures.get(key, 0)

    def failed(self, key: K) -> None:
        self._failures[key] = self.failures(key) + 1

    def succeeded(self, key: K) -> None:
        self._failures.pop(key, None)

    def forget(self, key: K) -> None:
        """The object is gone: nothing about its key is remembered."""
        self._failures.pop(key, None)
        self._begun.pop(key, None)
        self._urgent.discard(key)
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    async def get(self) -> K:
        """The next key. Whoever takes one calls ``done`` with it."""
        while (key := self._take()) is None:
            self._available.clear()
            await self._available.wait()
        del self._queued[key]
        self._urgent.discard(key)
        self._processing.add(key)
        self._in_work[key.namespace] += 1
        self._begun[key] = self._loop.time()
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        return key

    def done(self, key: K) -> None:
        """A worker has finished with ``key``; if it was added meanwhile it comes again."""
        self._processing.discard(key)
        self._in_work[key.namespace] -= 1
        if not self._in_work[key.namespace]:
            del self._in_work[key.namespace]
        self._available.set()
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def _due(self, key: K) -> None:
        self._timers.pop(key, None)
        if key in self._processing:
            self._again.add(key)
        elif key not in self._queued:
            self._enqueue(key)

    def _take(self) -> K | None:
        lanes = [self._urgent_lane, self._other_lane]
        if self._urgent_in_a_row >= URGENT_TURNS:
            lanes.reverse()
        for lane in lanes:
            key = lane.take(self._has_share)
            if key is not None:
                urgent = lane is self._urgent_lane
                self._urgent_in_a_row = self._urgent_in_a_row + 1 if urgent else 0
                return key
        return None

    def _has_share(self, namespace: str) -> bool:
        """Whether one more key of the namespace may be reconciled now."""
        return self._in_work[namespace] < NAMESPACE_SHARE

    def _enqueue(self, key: K) -> None:
        """Put the key into its lane, out of another one where it waits there."""
        lane = self._urgent_lane if key in self._urgent else self._other_lane
        known = self._queued.get(key)
        if known is lane:
            return
        if known is not None:
            known.remove(key)
        self._queued[key] = lane
        lane.put(key)
        self._available.set()
