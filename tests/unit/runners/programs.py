"""Small programs that stand for tasks, and a runner that starts them."""

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from fairlead.api.wire import Wire
from fairlead.contract import Task, TaskPhase, TaskState
from fairlead.runners.local import LocalRunner
from fairlead.runners.process import PROCESS_FILE
from fairlead.settings import Settings

DEADLINE_S = 60.0
HEAD = (
    "import json, os, pathlib, signal, subprocess, sys, time\n"
    "folder = pathlib.Path(sys.argv[1])\n"
    "request = json.loads((folder / 'request.json').read_text())\n"
)
DONE = "(folder / 'result.json').write_text(json.dumps({'ok': {'pid': os.getpid()}}))"
PROGRAMS = {
    "done": f"print('working'); {DONE}",
    "slow": "time.sleep(60)",
    "waiting": "print('waiting for a registry'); time.sleep(60)",
    "deaf": "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(60)",
    "crash": "print('boom: password=hunter2'); sys.exit(9)",
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "full": "sys.exit(73)",
    "refused": "(folder / 'result.json').write_text(json.dumps({'failure': {'reason':"
    " 'ModelTooLarge', 'class': 'User', 'message': 'Too large.'}})); sys.exit(1)",
    "gated": "gate = pathlib.Path(request['gate'])\n"
    f"while not gate.exists(): time.sleep(0.01)\n{DONE}",
    "given": "exec(request['code'])",
}


class Request(Wire):
    """``gate``: a file that ``gated`` waits for; ``code``: what ``given`` runs."""

    gate: str = ""
    code: str = ""


def command(program: str) -> Sequence[str]:
    return sys.executable, "-c", HEAD + PROGRAMS[program.partition("-")[0]]


def task(program: str, attempt: int = 1, timeout: float = 30, **more: Any) -> Task:
    """``done-2`` is another task that runs the program ``done``."""
    request = Request(gate=more.pop("gate", ""), code=more.pop("code", ""))
    files = {"a/b.txt": b"x"}
    namespace = more.pop("namespace", "demo")
    return Task(program, program, attempt, request, timeout, files, namespace=namespace, **more)


def runner_in(folder: Path, **settings: Any) -> LocalRunner:
    return LocalRunner(Settings(state_folder=folder, **settings), command=command)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not holds():
            await asyncio.sleep(0.01)  # poll


async def ended(runner: LocalRunner, identifier: str, attempt: int = 1) -> TaskState:
    def is_over() -> bool:
        state = runner.states("demo")[identifier]
        over = (TaskPhase.SUCCEEDED, TaskPhase.FAILED, TaskPhase.INTERRUPTED)
        return state.phase in over and state.attempt == attempt

    await until(is_over)
    return runner.states("demo")[identifier]


async def process_of(folder: Path, identifier: str) -> psutil.Process:
    """The process that works on the first attempt at a task, once there is one."""
    card = folder / "tasks" / identifier / "1" / PROCESS_FILE
    await until(card.exists)
    return psutil.Process(json.loads(card.read_text())["pid"])
