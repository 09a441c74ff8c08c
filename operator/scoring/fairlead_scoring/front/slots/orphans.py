"""Reaps orphans: process 1 of a container inherits what user code has left behind.

The exit status of our own children is left to the event loop, which waits for them by their ids.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

REAP_INTERVAL_S = 1.0
EXITED_NOW = os.WEXITED | os.WNOHANG


class Children:
    """The processes that this one has started itself; all others that it can wait for are orphans.

    While one is being started its id is not known yet, and nothing is reaped.
    """

    def __init__(self) -> None:
        self._ids: set[int] = set()
        self._starting = 0

    @contextmanager
    def starting(self) -> Iterator[None]:
        self._starting += 1
        try:
            yield
        finally:
            self._starting -= 1

    def add(self, pid: int) -> None:
        self._ids.add(pid)

    def remove(self, pid: int) -> None:
        """Its exit status has been taken."""
        self._ids.discard(pid)

    def reap_orphans(self) -> None:
        if self._starting:
            return
        with suppress(ChildProcessError):  # there is no child at all
            while exited := os.waitid(os.P_ALL, 0, EXITED_NOW | os.WNOWAIT):
                if exited.si_pid in self._ids:  # the event loop is about to take it
                    return
                os.waitid(os.P_PID, exited.si_pid, EXITED_NOW)

    async def reap_for_ever(self) -> None:
        while True:
            await asyncio.sleep(REAP_INTERVAL_S)
            self.reap_orphans()


children = Children()
