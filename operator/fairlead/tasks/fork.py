"""A child that is a fork of this process: what both need is imported once.

``multiprocessing`` does the same, and imports for it what no task needs.
"""

import os
import sys
from collections.abc import Callable

CRASHED = 1  # as an interpreter ends that tells an exception


class Fork:
    """Runs ``work`` in a child, which ends with the code of its ``SystemExit``, else with 0."""

    def __init__(self, work: Callable[[], object]) -> None:
        """Raises ``OSError`` where there can be no more processes."""
        sys.stdout.flush()
        sys.stderr.flush()  # or the child would write it, too
        self._code: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            _end_with(work)

    @property
    def code(self) -> int | None:
        """As ``waitpid`` has it (below 0: the signal); None while it runs."""
        if self._code is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if ended else None
        return self._code


def _end_with(work: Callable[[], object]) -> None:
    """Never returns: what the parent still has to do is none of the child's."""
    code = CRASHED
    try:
        work()
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    finally:
        _finish(code & 0xFF)


def _finish(code: int) -> None:
    """Also where nobody takes what is still to be written, or a signal's handler raises."""
    try:
        _tell_crash()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _tell_crash() -> None:
    """Write what ends us to standard error, as an interpreter does."""
    kind, error, trace = sys.exc_info()
    if kind is not None and error is not None:
        sys.excepthook(kind, error, trace)
