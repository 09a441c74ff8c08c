"""A semaphore that is fair between namespaces."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class FairSlots:
    """``slots`` at a time, at most ``most_each`` of them for one namespace.

    Within a namespace first come, first served; namespaces take turns.
    """

    def __init__(self, slots: int, most_each: int) -> None:
        self._free = slots
        self._most_each = most_each
        self._taken = Counter[str]()
        self._waiting = OrderedDict[str, deque[asyncio.Future[None]]]()

    @asynccontextmanager
    async def slot(self, namespace: str) -> AsyncIterator[None]:
        """Wait for a slot, and keep it while the context lasts."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(namespace, deque()).append(turn)
        self._grant()
        try:
            await turn
            yield
        finally:
            if turn.done() and not turn.cancelled():
                self._free += 1
                self._taken[namespace] -= 1
                self._taken += Counter()  # forgets those that have none
            self._grant()

    def _grant(self) -> None:
        while self._free and (namespace := self._next()) is not None:
            turns = self._waiting[namespace]
            turn = turns.popleft()
            if turns:
                self._waiting.move_to_end(namespace)
            else:
                del self._waiting[namespace]
            if not turn.cancelled():
                turn.set_result(None)
                self._free -= 1
                self._taken[namespace] += 1

    def _next(self) -> str | None:
        may = (name for name in self._waiting if self._taken[name] < self._most_each)
        return next(may, None)
