"""A slot's process, seen from the front: how it is started, and how it ended."""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fairlead_scoring import slot
from fairlead_scoring.front.slots.in_flight import Outcome
from fairlead_scoring.front.slots.memory import oom_kills
from fairlead_scoring.front.slots.pipe import Pipe
from fairlead_scoring.front.slots.session import kill_session, reap
from fairlead_scoring.slot.wire import Head

PROGRAM = Path(slot.__file__).with_name("__main__.py")
LINGER = 1.0  # seconds that a process may live on once it has closed the pipe
FAULTS = {
    signal.SIGSEGV,
    signal.SIGABRT,
    signal.SIGBUS,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGTRAP,
    signal.SIGSYS,
}


@dataclass(frozen=True)
class End:
    """``code`` is the exit code; negative, it is a signal's number."""

    code: int
    out_of_memory: bool = False

    @property
    def words(self) -> str:
        if self.out_of_memory:
            return "used more memory than the container may have and was killed by the kernel"
        if self.code < 0:
            return f"was killed by {_signal_name(-self.code)}"
        return f"ended with exit code {self.code}"

    @property
    def outcome(self) -> Outcome:
        """What a request is told that was in the process at that time."""
        if self.out_of_memory:
            return Outcome.OUT_OF_MEMORY
        if self.code >= 0:
            return Outcome.EXITED
        return Outcome.CRASHED if -self.code in FAULTS else Outcome.KILLED


class Process:
    """The child and the pipe to it.

    ``on_loss`` is called once the pipe is closed, ``on_end`` once the child is gone as well.
    """

    def __init__(
        self,
        on_frame: Callable[[Head, bytes], None],
        on_loss: Callable[[], None],
        on_end: Callable[[End], None],
    ) -> None:
        self._on_loss, self._on_end = on_loss, on_end
        self._oom_kills = oom_kills()
        self._child: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self.pipe = Pipe(on_frame, self._pipe_closed)

    async def spawn(self, environ: Mapping[str, str]) -> None:
        """Raise ``OSError`` if the machine has no process to spare."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                str(PROGRAM),
                str(theirs.fileno()),
                stdin=asyncio.subprocess.DEVNULL,
                env=environ,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # so that all it has started can be ended with it
            )
        await self.pipe.open(ours)
        self._watch = asyncio.create_task(self._see_it_end(self._child))

    def kill(self) -> None:
        """End it at once, with all that it has started."""
        if self._child and self._watch and not self._watch.done():
            kill_session(self._child.pid)

    def stop(self, grace: float) -> None:
        """Close the pipe, which tells it to end; kill it if it has not in ``grace`` seconds."""
        self.pipe.close()
        asyncio.get_running_loop().call_later(grace, self.kill)

    async def _see_it_end(self, child: asyncio.subprocess.Process) -> None:
        code = await child.wait()
        kill_session(child.pid)  # its children, which may hold the pipe open for ever
        asyncio.get_running_loop().call_later(LINGER, reap, child.pid)
        self.pipe.finish()
        await self.pipe.closed.wait()
        killed_by_the_kernel = code == -signal.SIGKILL and oom_kills() > self._oom_kills
        self._on_end(End(code, out_of_memory=killed_by_the_kernel))

    def _pipe_closed(self) -> None:
        """Without the pipe the process is of no use, even if it lives on."""
        self._on_loss()
        asyncio.get_running_loop().call_later(LINGER, self.kill)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one of those that have numbers only
        return f"signal {number}"
