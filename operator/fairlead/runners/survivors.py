"""Processes that a task leaves behind: found by what they inherited, and killed.

A process group alone is not enough, for a child may have left it. Each process of a task inherits
the variable ``FAIRLEAD_TASK_FOLDER``, whatever its session and whoever is its parent by now.
"""

import os
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path

import psutil

TASK_FOLDER_VARIABLE = "FAIRLEAD_TASK_FOLDER"
KILL_TIMEOUT_S = 5.0  # seconds for the kernel to end what was killed


def end_survivors(folder: Path, sessions: Collection[int]) -> int:
    """Kill whatever belongs to an attempt in ``folder``, or below it; return how many it was.

    ``sessions`` are those that attempts were started with: what has emptied its environment is
    found by them.
    """

    def belongs(process: psutil.Process) -> bool:
        if os.getsid(process.pid) in sessions:
            return True
        inherited = process.environ().get(TASK_FOLDER_VARIABLE, "")
        return Path(inherited).is_relative_to(folder)

    return _kill(_matching(belongs))


def _matching(belongs: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        # Gone meanwhile, a zombie, or somebody else's: none of them is ours to end.
        with suppress(psutil.Error, ProcessLookupError, PermissionError):
            if process.pid != os.getpid() and belongs(process):
                found.append(process)
    return found


def _kill(processes: list[psutil.Process]) -> int:
    for process in processes:
        with suppress(psutil.Error):  # it knows by the start time whether the pid is still its own
            process.kill()
    _await_death(processes)
    return len(processes)


def _await_death(processes: Iterable[psutil.Process]) -> None:
    """A zombie is dead: who is to reap it may never do so. What is our own child we reap."""
    deadline = time.monotonic() + KILL_TIMEOUT_S
    for process in processes:
        while _lives(process) and time.monotonic() < deadline:
            time.sleep(0.01)
        with suppress(psutil.Error, ChildProcessError):
            if process.ppid() == os.getpid():
                os.waitpid(process.pid, os.WNOHANG)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
