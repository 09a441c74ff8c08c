"""What a process that user code forks does first, on Python 3.6, too, which has no hook for it."""

import functools
import os
from typing import Any, Callable, List

_in_child: List[Callable[[], object]] = []


def in_forked_child(call: Callable[[], object]) -> None:
    """Have ``call`` called in each process that this one forks, before it goes on."""
    register: Any = getattr(os, "register_at_fork", None)
    if register is not None:
        register(after_in_child=call)
        return
    if not _in_child:
        os.fork = _announcing(os.fork)
    _in_child.append(call)


def _announcing(fork: Callable[[], int]) -> Callable[[], int]:
    """Return ``fork`` with what the child does first; ``multiprocessing`` uses it, too."""

    @functools.wraps(fork)
    def announcing_fork() -> int:
        pid = fork()
        if pid == 0:
            for call in _in_child:
                call()
        return pid

    return announcing_fork
