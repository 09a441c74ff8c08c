"""Who may run and who waits: first in, first out, with a deadline and a cap.

Pure: it knows neither processes nor the event loop, and its clock is handed in. A *place* is room
for one request in a slot; what it really is, only the caller knows.
"""

from abc import ABC, abstractmethod
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

Place = TypeVar("Place")


class Reason(str, Enum):
    """Why a request is answered with 503: ``reason`` in its body, ``x-fairlead-503-reason``."""

    QUEUE_FULL = "queue_full"  # as many requests wait already as may wait
    QUEUE_TIMEOUT = "queue_timeout"  # it has waited as long as a request may wait
    STARTING = "starting"  # no slot has finished init(), or all of them are to be started again
    DRAINING = "draining"  # the service is shutting down
    BUSY = "busy"  # every slot runs a request, and requests may not wait


@dataclass(frozen=True)
class Limits:
    """``wait`` in seconds, ``queue`` in requests; None is no limit."""

    wait: float | None = None
    queue: int | None = None


class Turn(ABC, Generic[Place]):
    """One request's wait, which ends with a place or with a refusal."""

    deadline: float | None = None  # of the admission's clock

    @abstractmethod
    def admit(self, place: Place) -> None:
        """It is its turn."""

    @abstractmethod
    def refuse(self, reason: Reason) -> None:
        """It may not wait, or no longer."""


class Admission(Generic[Place]):
    """The free places and the queue. Never both: whoever waits gets the next free place."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._free: deque[Place] = deque()
        self._queue: OrderedDict[Turn[Place], None] = OrderedDict()

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def next_deadline(self) -> float | None:
        """That of whoever has waited longest."""
        return next(iter(self._queue)).deadline if self._queue else None

    @property
    def free(self) -> int:
        return len(self._free)

    def take(self) -> Place | None:
        """Return a free place, or None where the request must ``enter`` the queue."""
        return self._free.popleft() if self._free else None

    def refusal(self) -> Reason | None:
        """Return why a request that comes now would be refused, or None."""
        if self._free:
            return None
        if 0 in (self._limits.wait, self._limits.queue):
            return Reason.BUSY
        full = self._limits.queue is not None and len(self._queue) >= self._limits.queue
        return Reason.QUEUE_FULL if full else None

    def enter(self, turn: Turn[Place]) -> None:
        """Admit the request, let it wait, or refuse it."""
        refusal, place = self.refusal(), self.take()
        if refusal is not None:
            turn.refuse(refusal)
        elif place is not None:
            turn.admit(place)
        else:
            if self._limits.wait is not None:
                turn.deadline = self._clock() + self._limits.wait
            self._queue[turn] = None

    def offer(self, place: Place) -> None:
        """A place has become free: it is given to whoever waits longest."""
        self.expire()
        if self._queue:
            turn, _ = self._queue.popitem(last=False)
            turn.admit(place)
        else:
            self._free.append(place)

    def withdraw(self, place: Place) -> None:
        """The place is gone, and where it counted several times, all of it."""
        self._free = deque(one for one in self._free if one is not place)

    def leave(self, turn: Turn[Place]) -> None:
        """Whoever waits has gone away."""
        self._queue.pop(turn, None)

    def expire(self) -> None:
        """Refuse those whose deadline has come. All wait equally long: the first are the first."""
        while self._queue:
            turn = next(iter(self._queue))
            if turn.deadline is None or turn.deadline > self._clock():
                return
            del self._queue[turn]
            turn.refuse(Reason.QUEUE_TIMEOUT)

    def turn_away(self, reason: Reason) -> None:
        """Refuse everybody who waits."""
        while self._queue:
            turn, _ = self._queue.popitem(last=False)
            turn.refuse(reason)
