"""Short tasks as forks of a process that has imported what they need: `fairlead.tasks.prepared`.

It is started with the first of them, and ends by itself when it is not needed. Where it cannot be
had, or ends, each task gets an interpreter of its own, as all others do.
"""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import structlog

from fairlead.runners.process import Running, Start, undisturbed
from fairlead.runners.survivors import TASK_FOLDER_VARIABLE

logger = structlog.get_logger("fairlead")
PROGRAMS = frozenset({"assemble", "publish", "resolve"})  # what each changed script waits for
FORKS = sys.platform == "linux"  # elsewhere what a system's own libraries do in a fork is undefined
MODULE = "fairlead.tasks.prepared"
ANSWER_TIMEOUT_S = 30.0  # for a fork, and for the imports before the first
KILLED = -signal.SIGKILL


class PreparedError(Exception):
    """There is no such process, or it has not answered: no task was started."""


class NotForkedError(Exception):
    """It could not fork just now; what it runs goes on."""


class ForkedTask:
    """A task that another process is the parent of."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = asyncio.Event()

    async def wait(self) -> int | None:
        await self._ended.wait()
        return self.returncode

    def end(self, code: int) -> None:
        """It has ended."""
        self.returncode = code
        self._ended.set()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


class PreparedTasks:
    """``root``: the folder of all tasks. The process has it in its variable, and so have its forks:
    a later operator finds by it what this one has left behind."""

    def __init__(self, root: Path, module: str = MODULE) -> None:
        self._root, self._module = root, module
        self._process: _Process | None = None
        self._turn = asyncio.Lock()

    def starting(self, program: str, otherwise: Start) -> Start:
        """How to start ``program`` on a folder; ``otherwise``: where it cannot be a fork."""

        async def start(folder: Path, output: int) -> Running:
            try:
                return await self._start(program, folder, output)
            except (PreparedError, NotForkedError, OSError) as error:
                logger.warning("task not forked", program=program, why=str(error))
                return await otherwise(folder, output)

        return start if program in PROGRAMS and FORKS else otherwise

    async def close(self) -> None:
        """End the process, and whatever it still runs."""
        async with self._turn:
            if self._process is not None:
                await self._process.end()
            self._process = None

    async def _start(self, program: str, folder: Path, output: int) -> ForkedTask:
        asking = asyncio.ensure_future(self._asked(program, folder, output))
        try:
            return await undisturbed(asking)
        except asyncio.CancelledError:
            if not asking.cancelled() and asking.exception() is None:
                asking.result().kill()  # nobody would know of it
            raise

    async def _asked(self, program: str, folder: Path, output: int) -> ForkedTask:
        async with self._turn:  # one answer at a time
            if self._process is None or self._process.is_over:
                self._process = await _Process.started(self._module, self._root)
            variables = {TASK_FOLDER_VARIABLE: str(folder)}
            asked = {"program": program, "folder": str(folder), "more": variables}
            try:
                return await self._process.fork(asked, output)
            except PreparedError:
                await self._process.end()
                self._process = None
                raise


class _Process:
    """One such process, and the tasks that it is the parent of."""

    def __init__(self, process: asyncio.subprocess.Process, channel: socket.socket) -> None:
        self._process, self._channel = process, channel
        self._answer: asyncio.Future[ForkedTask] | None = None
        self._running: dict[int, ForkedTask] = {}
        self._listening = asyncio.create_task(self._listen(), name="prepared-tasks")

    @classmethod
    async def started(cls, module: str, root: Path) -> "_Process":
        """Raises ``OSError``."""
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", module, str(theirs.fileno())),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1", TASK_FOLDER_VARIABLE: str(root)},
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.settimeout(0)
        return cls(process, ours)

    @property
    def is_over(self) -> bool:
        return self._listening.done()

    async def fork(self, asked: Mapping[str, object], output: int) -> ForkedTask:
        """Raises ``NotForkedError``, and ``PreparedError``; then ``end`` it, for it may have
        begun."""
        self._answer = asyncio.get_running_loop().create_future()
        try:
            line = json.dumps(asked).encode() + b"\n"
            socket.send_fds(self._channel, [line], [output])
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await self._answer
        except (OSError, TimeoutError) as error:
            raise PreparedError(f"the process that forks tasks: {error or 'no answer'}") from error
        finally:
            self._answer = None

    async def end(self) -> None:
        """What it runs ends with it."""
        self._kill()
        await asyncio.wait({self._listening})
        self._channel.close()

    async def _listen(self) -> None:
        """Take what it tells, until it ends. What it ran ends after it: a zombie that is still its
        child would be reaped by nobody, where it becomes ours."""
        loop, rest = asyncio.get_running_loop(), b""
        try:
            while content := await loop.sock_recv(self._channel, 4096):
                *lines, rest = (rest + content).split(b"\n")
                for line in lines:
                    self._take(json.loads(line))
        except OSError as error:
            logger.warning("the process that forks tasks is lost", why=str(error))
        finally:
            self._kill()
            await self._process.wait()
            self._lost()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    def _take(self, told: Mapping[str, int]) -> None:
        if "errno" in told:
            self._refuse(NotForkedError(os.strerror(told["errno"])))
            return
        pid = told["pid"]
        if "code" in told:
            self._running.pop(pid).end(told["code"])
            return
        task = self._running[pid] = ForkedTask(pid)
        if self._answer is None or self._answer.done():
            task.kill()  # it comes too late
        else:
            self._answer.set_result(task)

    def _lost(self) -> None:
        """It is gone, or nobody listens any more: so is what it ran."""
        for task in self._running.values():
            task.kill()
            task.end(KILLED)
        self._running.clear()
        self._refuse(PreparedError("the process that forks tasks has ended"))

    def _refuse(self, error: Exception) -> None:
        """There is no task for whoever waits for one."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
