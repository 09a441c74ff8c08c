"""A slot's process: it is started with a pipe, and ended with all that it has started itself."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from fairlead_scoring import slot
from fairlead_scoring.front.slots.pipe import Pipe
from fairlead_scoring.front.slots.process_exit import ProcessExit, oom_kills
from fairlead_scoring.slot.wire import FrameHead

PROGRAM = Path(slot.__file__).with_name("__main__.py")
PROC = Path("/proc")
LINGER_S = 1.0  # how long a process may go on once it has closed the pipe


class SlotProcess:
    """The child process and the pipe to it.

    ``on_pipe_closed`` is called once the pipe is closed, ``on_exit`` once the child has exited too.
    """

    def __init__(
        self,
        on_frame: Callable[[FrameHead, bytes], None],
        on_pipe_closed: Callable[[], None],
        on_exit: Callable[[ProcessExit], None],
    ) -> None:
        self._on_pipe_closed, self._on_exit = on_pipe_closed, on_exit
        self._oom_kills_before = oom_kills()
        self._child: asyncio.subprocess.Process | None = None
        self._waiter: asyncio.Task[None] | None = None
        self.pipe = Pipe(on_frame, self._pipe_closed)

    async def spawn(self, environ: Mapping[str, str]) -> None:
        """Raise ``OSError`` if no process can be started."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                str(PROGRAM),
                str(theirs.fileno()),
                stdin=asyncio.subprocess.DEVNULL,
                env=environ,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # so that its children can be ended with it
            )
        await self.pipe.open(ours)
        self._waiter = asyncio.create_task(self._wait(self._child))

    def kill(self) -> None:
        """End the process and its children at once."""
        if self._child and self._waiter and not self._waiter.done():
            kill_session(self._child.pid)

    def signal(self, number: int) -> None:
        """Send the process a signal."""
        if self._child:
            with suppress(ProcessLookupError):
                self._child.send_signal(number)

    def stop(self, grace_s: float) -> None:
        """Close the pipe, which tells the process to end; kill it after ``grace_s`` seconds."""
        self.pipe.close()
        asyncio.get_running_loop().call_later(grace_s, self.kill)

    async def _wait(self, child: asyncio.subprocess.Process) -> None:
        code = await child.wait()
        kill_session(child.pid)  # its children may keep the pipe open
        asyncio.get_running_loop().call_later(LINGER_S, reap_group, child.pid)
        self.pipe.drain()
        await self.pipe.closed.wait()
        out_of_memory = code == -signal.SIGKILL and oom_kills() > self._oom_kills_before
        self._on_exit(ProcessExit(code, out_of_memory=out_of_memory))

    def _pipe_closed(self) -> None:
        """Without the pipe the process is of no use, even if it goes on."""
        self._on_pipe_closed()
        asyncio.get_running_loop().call_later(LINGER_S, self.kill)


def kill_session(leader: int) -> None:
    """Kill every process of the session that ``leader`` was started in, itself included.

    Its own group at once; then the groups that shells and daemons have made in the session.
    """
    with suppress(ProcessLookupError, PermissionError):  # no such group any more
        os.killpg(leader, signal.SIGKILL)
    for pid in _session_members(leader):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def reap_group(leader: int) -> None:
    """Reap the zombies of ``leader``'s group: process 1 of a container inherits orphans."""
    with suppress(ChildProcessError):  # none of them is ours
        while os.waitpid(-leader, os.WNOHANG)[0]:
            pass


def _session_members(session: int) -> Iterator[int]:
    for entry in PROC.glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_text()
        except OSError:  # it has exited in the meantime
            continue
        _state, _parent, _group, its_session = stat.rpartition(") ")[2].split()[:4]
        if int(its_session) == session:
            yield int(entry.name)
