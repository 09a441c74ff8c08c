"""A slot's process: it is started with a pipe, and ended with all that it has started itself."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from fairlead_scoring import slot
from fairlead_scoring.front.slots.interpreter import USERS_PYTHON
from fairlead_scoring.front.slots.orphans import children
from fairlead_scoring.front.slots.pipe import Pipe
from fairlead_scoring.front.slots.process_exit import ProcessExit, oom_kills
from fairlead_scoring.slot.wire import FrameHead

PROGRAM = Path(slot.__file__).with_name("__main__.py")
PROC = Path("/proc")
LINGER_S = 1.0  # how long a process may go on once it has closed the pipe


class Lifeline:
    """A pipe that only this process holds open: when it is closed the kernel ends the slot."""

    def __init__(self) -> None:
        self.read_end, self._write_end = os.pipe()

    @contextmanager
    def passed_on(self) -> Iterator[None]:
        """Close the end for reading once the slot has it."""
        try:
            yield
        finally:
            os.close(self.read_end)

    def close(self) -> None:
        os.close(self._write_end)


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
        self._ended_by_us = self._disconnected = False
        self.pipe = Pipe(on_frame, self._pipe_closed)

    async def spawn(self, environ: Mapping[str, str], folder: Path | None = None) -> None:
        """``folder``: that it runs in, else the front's. Raise ``OSError`` if no process can be
        started."""
        ours, theirs = socket.socketpair()
        lifeline = Lifeline()
        try:
            with theirs, lifeline.passed_on():
                self._child = await self._start(environ, folder, theirs.fileno(), lifeline)
        except BaseException:
            ours.close()
            lifeline.close()
            raise
        await self.pipe.open(ours)
        self._waiter = asyncio.create_task(self._wait(self._child, lifeline))

    async def _start(
        self, environ: Mapping[str, str], folder: Path | None, end: int, lifeline: Lifeline
    ) -> asyncio.subprocess.Process:
        with children.starting():
            child = await asyncio.create_subprocess_exec(
                USERS_PYTHON,
                str(PROGRAM),
                *map(str, (end, lifeline.read_end, os.getpid())),
                stdin=asyncio.subprocess.DEVNULL,
                env=environ,
                cwd=folder,
                pass_fds=(end, lifeline.read_end),
                start_new_session=True,  # so that its children can be ended with it
            )
            children.add(child.pid)
        return child

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
        self._ended_by_us = True
        self.pipe.close()
        asyncio.get_running_loop().call_later(grace_s, self.kill)

    async def _wait(self, child: asyncio.subprocess.Process, lifeline: Lifeline) -> None:
        code = await child.wait()
        children.remove(child.pid)
        kill_session(child.pid)  # its children may keep the pipe open
        lifeline.close()
        self.pipe.drain()
        await self.pipe.closed.wait()
        out_of_memory = code == -signal.SIGKILL and oom_kills() > self._oom_kills_before
        self._on_exit(
            ProcessExit(code, out_of_memory=out_of_memory, disconnected=self._disconnected)
        )

    def _pipe_closed(self) -> None:
        """Without the pipe the process is of no use, even if it goes on."""
        self._on_pipe_closed()
        asyncio.get_running_loop().call_later(LINGER_S, self._end_disconnected)

    def _end_disconnected(self) -> None:
        if self._waiter and not self._waiter.done():
            self._disconnected = not self._ended_by_us
            self.kill()


def kill_session(leader: int) -> None:
    """Kill every process of the session that ``leader`` was started in, itself included.

    Its own group at once; then the groups that shells and daemons have made in the session.
    """
    with suppress(ProcessLookupError, PermissionError):  # no such group any more
        os.killpg(leader, signal.SIGKILL)
    for pid in _session_members(leader):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _session_members(session: int) -> Iterator[int]:
    for entry in PROC.glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_text()
        except OSError:  # it has exited in the meantime
            continue
        _state, _parent, _group, its_session = stat.rpartition(") ")[2].split()[:4]
        if int(its_session) == session:
            yield int(entry.name)
