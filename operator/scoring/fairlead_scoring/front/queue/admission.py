"""Which request runs and which waits: first in, first out, with a deadline and a maximum length.

Pure: it knows neither processes nor the event loop, and its clock is passed in. A *place* is room
for one request in a slot; only the caller knows what it really is.
"""

from abc import ABC, abstractmethod
from collections import OrderedDict, deque
from collections.abc import Callable
from enum import StrEnum
from typing import Generic, TypeVar

from fairlead_scoring.front.config.settings import QueueLimits

Place = TypeVar("Place")


class RejectionReason(StrEnum):
    """Why a request is answered with 503: ``reason`` in its body, ``x-fairlead-503-reason``."""

    QUEUE_FULL = "queue_full"  # as many requests wait already as may wait
    QUEUE_TIMEOUT = "queue_timeout"  # it has waited as long as a request may wait
    STARTING = "starting"  # no slot has finished init(), or all of them are to be started again
    DRAINING = "draining"  # the service is shutting down
    BODY_BUDGET = "body_budget"  # the bodies of other requests take all the memory for them
    BUSY = "busy"  # every slot runs a request, and requests may not wait


class QueueEntry(ABC, Generic[Place]):
    """One request in the queue. It is admitted or rejected, once."""

    deadline: float | None = None  # on the admission's clock

    @abstractmethod
    def on_admitted(self, place: Place) -> None:
        """The request has got a place."""

    @abstractmethod
    def on_rejected(self, reason: RejectionReason) -> None:
        """The request gets no place."""


class Admission(Generic[Place]):
    """The free places and the queue. One of them is empty: a waiting request gets a free place."""

    def __init__(self, limits: QueueLimits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._free: deque[Place] = deque()
        self._queue: OrderedDict[QueueEntry[Place], None] = OrderedDict()

    @property
    def waiting(self) -> int:
        """The length of the queue."""
        return len(self._queue)

    @property
    def next_deadline(self) -> float | None:
        """The deadline of the first entry."""
        return next(iter(self._queue)).deadline if self._queue else None

    @property
    def free(self) -> int:
        """The number of free places."""
        return len(self._free)

    def rejection(self) -> RejectionReason | None:
        """Return why a request that comes now would be rejected, or None."""
        if self._free:
            return None
        if 0 in (self._limits.max_wait_s, self._limits.max_entries):
            return RejectionReason.BUSY
        limit = self._limits.max_entries
        full = limit is not None and len(self._queue) >= limit
        return RejectionReason.QUEUE_FULL if full else None

    def enqueue(self, entry: QueueEntry[Place]) -> None:
        """Admit the request at once, let it wait, or reject it."""
        rejection = self.rejection()
        if rejection is not None:
            entry.on_rejected(rejection)
        elif self._free:
            entry.on_admitted(self._free.popleft())
        else:
            if self._limits.max_wait_s is not None:
                entry.deadline = self._clock() + self._limits.max_wait_s
            self._queue[entry] = None

    def release(self, place: Place) -> None:
        """Give a place that has become free to the first entry."""
        self.expire()
        if self._queue:
            entry, _ = self._queue.popitem(last=False)
            entry.on_admitted(place)
        else:
            self._free.append(place)

    def withdraw(self, place: Place) -> None:
        """Remove a place, every time that it is among the free ones."""
        self._free = deque(one for one in self._free if one is not place)

    def cancel(self, entry: QueueEntry[Place]) -> None:
        """Remove a request from the queue without a call."""
        self._queue.pop(entry, None)

    def expire(self) -> None:
        """Reject the entries past their deadline. All wait equally long, so the first is first."""
        while self._queue:
            entry = next(iter(self._queue))
            if entry.deadline is None or entry.deadline > self._clock():
                return
            del self._queue[entry]
            entry.on_rejected(RejectionReason.QUEUE_TIMEOUT)

    def reject_all(self, reason: RejectionReason) -> None:
        """Reject every entry."""
        while self._queue:
            entry, _ = self._queue.popitem(last=False)
            entry.on_rejected(reason)
