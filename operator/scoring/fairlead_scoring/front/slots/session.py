"""Ends a slot's process with all that it has started."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def kill_session(leader: int) -> None:
    """Kill every process of the session that ``leader`` was started in, itself included.

    Its own group at once; then whoever has made another group, as shells and daemons do.
    """
    with suppress(ProcessLookupError, PermissionError):  # nothing is left of it
        os.killpg(leader, signal.SIGKILL)
    for pid in _members(leader):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def reap(leader: int) -> None:
    """Take note of the deaths in ``leader``'s group: as process 1 of a container we have inherited
    its children, and what nobody takes note of stays in the table of processes for ever."""
    with suppress(ChildProcessError):  # none of them is ours
        while os.waitpid(-leader, os.WNOHANG)[0]:
            pass


def _members(session: int) -> Iterator[int]:
    for entry in PROC.glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_text()
        except OSError:  # it has ended in the meantime
            continue
        _state, _parent, _group, its_session = stat.rpartition(") ")[2].split()[:4]
        if int(its_session) == session:
            yield int(entry.name)
