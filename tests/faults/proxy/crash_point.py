"""The moment at which the operator is to be killed: right after one of its writes.

From then on nothing of the operator reaches the API server any more, whatever it still does in the
moment until it is dead: the crash point is exact.
"""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.proxy.record import Recorded


@dataclass
class CrashPoint:
    """``chosen`` is asked about each write in turn, once the API server has done it.

    ``withheld``: the operator is not told the outcome. ``reached`` is set when it may be killed;
    ``given_up`` when nobody waits for it any more.
    """

    chosen: Callable[[Recorded], bool]
    withheld: bool = False
    reached: threading.Event = field(default_factory=threading.Event)
    given_up: bool = False


class Gate:
    """Lets requests pass until a crash point is met. Lives on the proxy's event loop."""

    def __init__(self) -> None:
        self._point: CrashPoint | None = None
        self._frozen = False
        self._writing = 0
        self._quiet = asyncio.Event()

    def arm(self, point: CrashPoint) -> None:
        self._point, self._frozen = point, False

    def disarm(self) -> bool:
        """Forget a crash point that was not met; return whether one was, and the crash goes on."""
        if not self._frozen:
            self._point = None
        return self._frozen

    def thaw(self) -> None:
        """For the next operator: whoever was stopped here before never goes on."""
        self._point, self._frozen = None, False

    async def enter(self, recorded: Recorded) -> None:
        """Return when the request may be forwarded; from the crash point on, never."""
        if self._frozen:
            recorded.fault = "after the crash point"
            await stopped()
        if recorded.request.is_write:
            self._writing += 1
            self._quiet.clear()

    def leave(self, recorded: Recorded) -> None:
        """The API server has answered, or will not."""
        if recorded.request.is_write:
            self._writing -= 1
        if not self._writing:
            self._quiet.set()

    def meets(self, recorded: Recorded) -> bool:
        """Whether the answered request is the chosen write; if so, nothing passes any more."""
        if self._point is None or self._frozen or not recorded.is_done_write:
            return False
        self._frozen = self._point.chosen(recorded)
        return self._frozen

    @property
    def withholds(self) -> bool:
        return self._point is not None and self._point.withheld

    async def signal(self) -> None:
        """Tell the test, once no other write is under way."""
        await self._quiet.wait()
        if self._point:
            self._point.reached.set()


async def stopped() -> None:
    """Wait for ever; ends when the connection does."""
    await asyncio.Event().wait()
