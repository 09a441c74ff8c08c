"""The memory of Fairlead's tasks while they run; pods are processes of this machine, too."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

POLL_S = 0.05
SETTLED_S = 2.0  # a process may still become another program


class Seen:
    """The most at any look, in bytes of resident memory."""

    def __init__(self) -> None:
        self.together_bytes = 0
        self.largest_bytes = 0

    def take(self, resident_bytes: list[int]) -> None:
        self.together_bytes = max(self.together_bytes, sum(resident_bytes))
        self.largest_bytes = max(self.largest_bytes, *resident_bytes, 0)


@contextmanager
def watched_tasks() -> Iterator[Seen]:
    """Look at all tasks, again and again, until the end of the block."""
    seen, over = Seen(), threading.Event()

    def watch() -> None:
        tasks = _Tasks()
        while not over.wait(POLL_S):
            seen.take([_resident_bytes(process) for process in tasks.now()])

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


class _Tasks:
    """The processes that are tasks of ours; each other one is asked what it is while it is new."""

    def __init__(self) -> None:
        self._others: set[int] = set()

    def now(self) -> list[psutil.Process]:
        there = set(psutil.pids())
        self._others &= there
        return [process for pid in there - self._others if (process := self._task(pid))]

    def _task(self, pid: int) -> psutil.Process | None:
        try:
            process = psutil.Process(pid)
            if any("fairlead.tasks" in word for word in process.cmdline()):
                return process
            if time.time() - process.create_time() > SETTLED_S:
                self._others.add(pid)
        except psutil.Error:  # it has ended meanwhile
            return None
        return None


def _resident_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
