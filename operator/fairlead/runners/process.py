"""One task as one child process: started, bounded in time, ended with all its children."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import psutil

from fairlead.runners.attempt_log import AttemptLog
from fairlead.runners.log_pump import LogPump
from fairlead.runners.regular_file import read_start, write_whole
from fairlead.runners.survivors import TASK_FOLDER_VARIABLE, end_survivors

PROCESS_FILE = "process.json"  # pid and start time: a pid alone may be somebody else's by now
MAX_CARD_BYTES = 4096
TERMINATION_GRACE_S = 15.0  # seconds between asking a task to end and ending it

Result = TypeVar("Result")
Command = Callable[[str], Sequence[str]]


class Running(Protocol):
    """A program that was started: the first process of a session of its own."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    async def wait(self) -> int | None: ...


Start = Callable[[Path, int], Awaitable[Running]]
"""Starts a program on the folder of its request, with the descriptor of its log as its output.
Raises ``OSError`` where it cannot."""


@dataclass(frozen=True)
class Ending:
    """How a program ended: ``code`` as ``waitpid`` has it (below 0: the signal), and whether it
    ended by itself."""

    code: int | None
    in_time: bool


def task_command(program: str) -> Sequence[str]:
    """How a task is started; the folder of its request follows."""
    return sys.executable, "-m", f"fairlead.tasks.{program}"


async def run_program(start: Start, folder: Path, timeout_s: float, max_log_bytes: int) -> Ending:
    """Run a program on ``folder`` to its end, or for ``timeout_s`` seconds.

    When this returns, or is cancelled, nothing runs any more that the program has started: it is
    asked to end first (SIGTERM), and killed ``TERMINATION_GRACE_S`` later. Raises ``OSError`` where
    it could not be started.
    """
    pump = LogPump(AttemptLog(folder, max_log_bytes))
    process: Running | None = None
    try:
        process = await _started(start, folder, pump)
        await asyncio.to_thread(remember, folder, process.pid)
        return Ending(await _wait(process, timeout_s), in_time=process.returncode is not None)
    finally:
        await undisturbed(_end(process, folder, pump))


async def undisturbed(work: Awaitable[Result]) -> Result:
    """Await ``work`` to its end even where the caller is cancelled meanwhile, however often."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # nobody is left to be told
    raise cancelled


def remember(folder: Path, pid: int) -> None:
    """Note which process works on ``folder``, so that a later operator can end it.

    Where the disk has no room for the note, the process is found by what it inherits.
    """
    with suppress(psutil.NoSuchProcess, OSError):
        card = {"pid": pid, "started": psutil.Process(pid).create_time()}
        write_whole(folder / PROCESS_FILE, card)


def session_of(folder: Path) -> int | None:
    """The session of the process that an earlier operator started on ``folder``; None where it has
    ended, where its number belongs to another process by now, or where nothing can be read."""
    try:
        card = json.loads(read_start(folder / PROCESS_FILE, MAX_CARD_BYTES))
        process = psutil.Process(card["pid"])
        return process.pid if process.create_time() == card["started"] else None
    except (OSError, ValueError, TypeError, KeyError, OverflowError, psutil.Error):
        return None


def starting(command: Sequence[str]) -> Start:
    """How to start a command: the folder is its last argument."""

    async def start(folder: Path, output: int) -> Running:
        return await asyncio.create_subprocess_exec(
            *command,
            str(folder),
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", TASK_FOLDER_VARIABLE: str(folder)},
        )

    return start


async def _started(start: Start, folder: Path, pump: LogPump) -> Running:
    try:
        return await start(folder, pump.input)
    finally:
        pump.started()


async def _wait(process: Running, timeout_s: float) -> int | None:
    """The program's exit code; None where it has not ended in time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await process.wait()
    return process.returncode


async def _end(process: Running | None, folder: Path, pump: LogPump) -> None:
    """End the program if it still runs, then whatever it has left behind, then its log."""
    if process is not None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if process.returncode is None:
                _signal(process.pid, number)
                await _wait(process, TERMINATION_GRACE_S)
    session = process.pid if process is not None else None
    await asyncio.to_thread(end_survivors, folder, {session} if session else ())
    await asyncio.to_thread(pump.finish)


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)
