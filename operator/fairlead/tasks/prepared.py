"""``python -m fairlead.tasks.prepared FD``: short tasks without an interpreter to start for each.

The `local` runner keeps this process beside it: an interpreter of its own, which has imported what
these programs need. A task is a fork of it, with a session, a log and an environment of its own, as
if it had been started. The process itself reads no request, opens no connection and holds nothing
of any task, so that none can leave anything to the next.

FD is one end of a stream socket. What is asked for comes as one line of JSON with the descriptor of
the log; a line tells the task's process, or why there is none, another one its end. When the other
end is closed all tasks are killed and the process ends; also when it was not needed for ``IDLE_S``.
However it ends, its tasks end with it: the kernel sees to that.
"""

import ctypes
import errno
import gc
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

from fairlead.contract import (
    AssembleRequest,
    AssembleResult,
    PublishRequest,
    PublishResult,
    ResolveRequest,
    ResolveResult,
    TaskResult,
)
from fairlead.registry.oci import ImageConfig, Manifest
from fairlead.tasks.assemble import assemble
from fairlead.tasks.fork import Fork
from fairlead.tasks.program import run
from fairlead.tasks.publish import publish
from fairlead.tasks.resolve import resolve

IDLE_S = 600.0
MAX_LINE_BYTES = 64 * 1024
MAX_DESCRIPTORS = 256  # more than this process ever has, for it gives low numbers to all
PARENT_DEATH_SIGNAL = 1  # of prctl(2)
PROGRAMS: Mapping[str, Callable[[], int]] = {
    "assemble": partial(run, AssembleRequest, assemble),
    "publish": partial(run, PublishRequest, publish),
    "resolve": partial(run, ResolveRequest, resolve),
}
BUILT = (AssembleRequest, PublishRequest, ResolveRequest, ImageConfig, Manifest)
BUILT_RESULTS = (AssembleResult, PublishResult, ResolveResult, TaskResult)
"""Both: types whose validators are made once, and not by each task."""


class Forks:
    """The tasks that run."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._running: dict[int, Fork] = {}
        self._ended, self._ends = socket.socketpair()  # a byte for each child that has ended

    def serve(self) -> None:
        """Start what is asked for, and tell how it ends, until nobody asks any more."""
        self._ends.settimeout(0)
        signal.set_wakeup_fd(self._ends.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            idle_s = None if self._running else IDLE_S
            ready, _, _ = select.select([self._channel, self._ended], [], [], idle_s)
            if self._ended in ready:
                self._ended.recv(MAX_LINE_BYTES)
                self._tell_ends()
            if not ready or (self._channel in ready and not self._begin()):
                break
        for pid in self._running:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)

    def _begin(self) -> bool:
        """Start the next task; return whether there was one."""
        line, descriptors, _, _ = socket.recv_fds(self._channel, MAX_LINE_BYTES, 1)
        if not line:
            return False
        [log] = descriptors
        try:
            told = {"pid": self._forked(json.loads(line), log)}
        except OSError as error:  # no more processes: those that run are not to suffer for it
            told = {"errno": error.errno or errno.EAGAIN}
        finally:
            os.close(log)
        self._tell(told)
        return True

    def _forked(self, asked: Mapping[str, Any], log: int) -> int:
        """The task's process, once it has a session: nobody could end it before."""
        program, folder, more = asked["program"], asked["folder"], asked["more"]
        apart, told = os.pipe()
        try:
            fork = Fork(partial(self._task, os.getpid(), program, folder, more, log))
        except OSError:
            os.close(apart)
            raise
        finally:
            os.close(told)
        os.read(apart, 1)
        os.close(apart)
        self._running[fork.pid] = fork
        return fork.pid

    def _task(
        self, parent: int, program: str, folder: str, more: Mapping[str, str], log: int
    ) -> NoReturn:
        """What a fresh interpreter would find: a session, signals, streams, variables, words."""
        os.setsid()
        _die_with(parent)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number in (1, 2):
            os.dup2(log, number)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.closerange(3, MAX_DESCRIPTORS)
        os.environ.update(more)
        sys.argv[1:] = [folder]
        raise SystemExit(PROGRAMS[program]())

    def _tell_ends(self) -> None:
        for pid, fork in list(self._running.items()):
            code = fork.code
            if code is not None:
                del self._running[pid]
                self._tell({"pid": pid, "code": code})

    def _tell(self, what: Mapping[str, int]) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # nobody asks any more
            self._channel.sendall(json.dumps(what).encode() + b"\n")


def _die_with(parent: int) -> None:
    """Whoever asked for a task that was not told yet knows of no process that could be ended."""
    ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it was quicker
        os._exit(1)


def main(descriptor: int) -> int:
    """Serve until nobody asks any more."""
    low = os.dup(descriptor)  # a busy operator's numbers are beyond what is closed, and select()
    os.close(descriptor)
    for kind in (*BUILT, *BUILT_RESULTS):
        kind.model_rebuild()
    gc.collect()
    gc.freeze()  # what is there now is never looked through by a task, nor copied for it
    with socket.socket(fileno=low) as channel:
        Forks(channel).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
