"""The local runner, over real child processes."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import psutil
import pytest

from fairlead.api.reasons import Reason
from fairlead.api.wire import Wire
from fairlead.contract import Task, TaskPhase, TaskState
from fairlead.runners.local import LocalRunner
from fairlead.runners.process import PROCESS_FILE

DEADLINE = 20.0  # seconds
HEAD = "import json, os, pathlib, signal, sys, time\nfolder = pathlib.Path(sys.argv[1])\n"
DONE = "(folder / 'result.json').write_text(json.dumps({'ok': {'pid': os.getpid()}}))"
PROGRAMS = {
    "done": f"print('working'); {DONE}",
    "slow": "time.sleep(60)",
    "deaf": "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)",
    "crash": "print('boom: password=hunter2'); sys.exit(9)",
    "refused": "(folder / 'result.json').write_text(json.dumps({'failure': {'reason':"
    " 'ModelTooLarge', 'class': 'User', 'message': 'Too large.'}})); sys.exit(1)",
    "gated": "gate = pathlib.Path(json.loads((folder / 'request.json').read_text())['gate'])\n"
    f"while not gate.exists(): time.sleep(0.01)\n{DONE}",
}


class Request(Wire):
    gate: str = ""


def command(program: str) -> Sequence[str]:
    return sys.executable, "-c", HEAD + PROGRAMS[program]


def task(program: str, attempt: int = 1, timeout: float = 30, gate: str = "") -> Task:
    return Task(program, program, attempt, Request(gate=gate), timeout, {"a/b.txt": b"x"})


@pytest.fixture
async def runner(tmp_path: Path) -> AsyncIterator[LocalRunner]:
    runner = LocalRunner(tmp_path, at_once=2, command=command)
    yield runner
    await runner.stop()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not holds():
            await asyncio.sleep(0.01)  # poll


async def ended(runner: LocalRunner, identifier: str) -> TaskState:
    over = (TaskPhase.SUCCEEDED, TaskPhase.FAILED, TaskPhase.INTERRUPTED)
    await until(lambda: runner.states()[identifier].phase in over)
    return runner.states()[identifier]


async def test_a_task_runs_and_its_result_is_kept(runner: LocalRunner, tmp_path: Path) -> None:
    runner.want("me", [task("done")])
    state = await ended(runner, "done")
    assert state.phase is TaskPhase.SUCCEEDED
    assert state.result
    assert state.result["pid"] != os.getpid()
    assert (tmp_path / "tasks/done/1/log").read_text() == "working\n"


async def test_wanting_again_what_is_known_starts_nothing(runner: LocalRunner) -> None:
    runner.want("me", [task("done")])
    first = await ended(runner, "done")
    runner.want("me", [task("done")])
    assert runner.states()["done"] is first


async def test_a_failure_is_told_in_the_tasks_own_words(runner: LocalRunner) -> None:
    runner.want("me", [task("refused")])
    state = await ended(runner, "refused")
    assert state.failure
    assert (state.failure.reason, state.failure.retryable) == (Reason.MODEL_TOO_LARGE, False)


async def test_a_crash_shows_the_end_of_the_log_without_secrets(runner: LocalRunner) -> None:
    runner.want("me", [task("crash")])
    state = await ended(runner, "crash")
    assert state.failure
    assert (state.failure.reason, state.failure.retryable) == (Reason.TASK_CRASHED, True)
    assert "boom" in (state.failure.log_tail or "")
    assert "hunter2" not in (state.failure.log_tail or "")


async def test_a_task_that_takes_too_long_is_ended_and_says_so(runner: LocalRunner) -> None:
    runner.want("me", [task("slow", timeout=0.2)])
    state = await ended(runner, "slow")
    assert state.failure
    assert state.failure.reason is Reason.TASK_TIMED_OUT


async def test_what_nobody_wants_any_more_is_ended(runner: LocalRunner, tmp_path: Path) -> None:
    runner.want("me", [task("slow")])
    runner.want("you", [task("slow")])
    card = tmp_path / "tasks/slow/1" / PROCESS_FILE
    await until(card.exists)
    process = psutil.Process(json.loads(card.read_text())["pid"])
    runner.want("me", [])
    assert process.is_running()  # you want it still
    runner.want("you", [])
    assert (await ended(runner, "slow")).phase is TaskPhase.INTERRUPTED
    assert not process.is_running()


async def test_no_more_than_so_many_run_at_once_and_the_others_wait_in_order(
    tmp_path: Path,
) -> None:
    runner = LocalRunner(tmp_path, at_once=1, command=command)
    gate = tmp_path / "gate"
    runner.want("me", [task("gated", gate=str(gate)), task("done"), task("refused")])
    await until(lambda: runner.states()["gated"].phase is TaskPhase.RUNNING)
    waiting = [runner.states()[name].phase for name in ("done", "refused")]
    assert waiting == [TaskPhase.QUEUED, TaskPhase.QUEUED]
    gate.touch()
    second, third = await ended(runner, "done"), await ended(runner, "refused")
    assert second.started_at
    assert third.started_at
    assert second.started_at < third.started_at


async def test_a_task_left_by_a_dead_operator_is_ended_and_never_adopted(
    tmp_path: Path,
) -> None:
    dead = LocalRunner(tmp_path, at_once=1, command=command)
    dead.want("me", [task("deaf")])
    card = tmp_path / "tasks/deaf/1" / PROCESS_FILE
    await until(card.exists)
    process = psutil.Process(json.loads(card.read_text())["pid"])
    successor = LocalRunner(tmp_path, at_once=1, command=command)
    assert successor.states()["deaf"].phase is TaskPhase.INTERRUPTED
    await ended(dead, "deaf")  # reaps it
    assert not process.is_running()


async def test_a_pid_that_belongs_to_somebody_else_by_now_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "tasks/other/1"
    folder.mkdir(parents=True)
    (folder / "task.json").write_text(json.dumps({"id": "other", "attempt": 1, "build": ""}))
    (folder / PROCESS_FILE).write_text(json.dumps({"pid": os.getpid(), "started": 1.0}))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    runner = LocalRunner(tmp_path, at_once=1, command=command)
    assert runner.states()["other"].phase is TaskPhase.INTERRUPTED  # and we are still here


async def test_a_result_written_before_the_operator_died_is_not_lost(tmp_path: Path) -> None:
    first = LocalRunner(tmp_path, at_once=1, command=command)
    first.want("me", [task("done")])
    result = (await ended(first, "done")).result
    assert LocalRunner(tmp_path, at_once=1, command=command).states()["done"].result == result


async def test_the_owner_is_told_of_every_change(runner: LocalRunner) -> None:
    told: list[frozenset[str]] = []
    runner.on_change(told.append)
    runner.want("me", [task("done")])
    await ended(runner, "done")
    assert told == [frozenset({"me"})] * 3  # queued, running, ended


async def test_the_logs_of_a_build_are_found_in_order(runner: LocalRunner) -> None:
    built = Task("done", "done", 1, Request(), 30, build="demo/diabetes/1-1")
    runner.want("me", [built])
    await ended(runner, "done")
    [log] = runner.logs_of("demo/diabetes/1-1")
    assert log.read_text() == "working\n"
    assert runner.logs_of("demo/diabetes/2-1") == []
