"""One task as one child process: started, bounded in time, ended with all its children."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from fairlead.contract import LOG_FILE

PROCESS_FILE = "process.json"  # pid and start time: a pid alone may be somebody else's by now
TERMINATION_GRACE_S = 15.0  # seconds between asking a task to end and ending it


Command = Callable[[str], Sequence[str]]


def task_command(program: str) -> Sequence[str]:
    """How a task is started; the folder of its request follows."""
    return sys.executable, "-m", f"fairlead.tasks.{program}"


async def run_program(command: Sequence[str], folder: Path, timeout: float) -> bool:
    """Run ``command`` on ``folder`` to its end; False if it ran out of time.

    When the caller is cancelled the program is ended first: SIGTERM, and SIGKILL after
    ``TERMINATION_GRACE_S``.
    """
    process = await _start(command, folder)
    remember(folder, process.pid)
    try:
        async with asyncio.timeout(timeout):
            await process.wait()
    except TimeoutError:
        await _end(process)
        return False
    except asyncio.CancelledError:
        await asyncio.shield(_end(process))
        raise
    return True


async def _start(command: Sequence[str], folder: Path) -> asyncio.subprocess.Process:
    with (folder / LOG_FILE).open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *command,
            str(folder),
            stdout=log,
            stderr=asyncio.subprocess.STDOUT,
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )


def remember(folder: Path, pid: int) -> None:
    """Note which process works on ``folder``, so that a later operator can end it."""
    with suppress(psutil.NoSuchProcess):
        card = {"pid": pid, "started": psutil.Process(pid).create_time()}
        (folder / PROCESS_FILE).write_text(json.dumps(card))


def end_leftover(folder: Path) -> None:
    """Kill the process that an earlier operator started on ``folder``, if it still runs."""
    with suppress(
        FileNotFoundError, json.JSONDecodeError, psutil.NoSuchProcess, ProcessLookupError
    ):
        card = json.loads((folder / PROCESS_FILE).read_text())
        process = psutil.Process(card["pid"])
        if process.create_time() == card["started"]:
            os.killpg(process.pid, signal.SIGKILL)
            _wait_until_dead(process)


def _wait_until_dead(process: psutil.Process) -> None:
    """A killed orphan may stay a zombie for ever, where nobody reaps: it works no more."""
    deadline = time.monotonic() + TERMINATION_GRACE_S
    while process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.02)


async def _end(process: asyncio.subprocess.Process) -> None:
    _signal(process.pid, signal.SIGTERM)
    try:
        async with asyncio.timeout(TERMINATION_GRACE_S):
            await process.wait()
    except TimeoutError:
        _signal(process.pid, signal.SIGKILL)
        await process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)
