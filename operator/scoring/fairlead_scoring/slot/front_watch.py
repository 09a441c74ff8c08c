"""Ends this process, and what user code has started in it, once the front is gone.

A pipe that the front alone holds open has the kernel kill our process group when it is closed. That
needs no thread, which a script that forks would be warned of, and works inside a call into C, too.
"""

import fcntl
import os
import select
import signal
from contextlib import suppress

PR_SET_PDEATHSIG = 1


def end_with_front(lifeline: int, front: int) -> None:
    """``lifeline`` is the pipe's end for reading, ``front`` the process id of the front.

    The parent-death signal is for a script that leaves the group or closes the pipe.
    """
    os.set_inheritable(lifeline, False)  # noqa: FBT003 - it takes no keyword
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    _set_parent_death_signal()
    if os.getppid() != front or _is_closed(lifeline):  # before the kernel was told
        os._exit(0)


def _set_parent_death_signal() -> None:
    with suppress(ImportError, OSError, AttributeError):  # a Python without ctypes
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _is_closed(lifeline: int) -> bool:
    poll = select.poll()
    poll.register(lifeline, 0)
    return bool(poll.poll(0))
