"""The local runner, over real child processes."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fairlead.api.reasons import Reason
from fairlead.contract import TaskPhase
from fairlead.log_address import profile_build
from fairlead.runners.local import LocalRunner
from fairlead.runners.process import PROCESS_FILE
from fairlead.settings import Settings
from tests.unit.runners.programs import command, ended, process_of, runner_in, task, until


@pytest.fixture
async def runner(tmp_path: Path) -> AsyncIterator[LocalRunner]:
    async with runner_in(tmp_path) as runner:
        yield runner


async def test_a_task_runs_and_its_result_is_kept(runner: LocalRunner, tmp_path: Path) -> None:
    runner.want("me", [task("done")])
    state = await ended(runner, "done")
    assert state.phase is TaskPhase.SUCCEEDED
    assert state.result
    assert state.result["pid"] != os.getpid()
    folder = tmp_path / "tasks/done/1"
    assert (folder / "log").read_text() == "working\n"
    assert not (folder / "files").exists()


async def test_wanting_again_what_is_known_starts_nothing(runner: LocalRunner) -> None:
    runner.want("me", [task("done")])
    first = await ended(runner, "done")
    runner.want("me", [task("done")])
    assert runner.states("demo")["done"] is first


async def test_a_result_that_was_taken_is_forgotten_and_the_work_can_be_done_again(
    runner: LocalRunner,
) -> None:
    runner.want("me", [task("done")])
    first = await ended(runner, "done")
    runner.want("me", [])
    runner.forget(["done"])
    assert "done" not in runner.states("demo")
    runner.want("me", [task("done")])
    again = await ended(runner, "done")
    assert again.result
    assert again.result != first.result


async def test_a_failure_is_told_in_the_tasks_own_words(runner: LocalRunner) -> None:
    runner.want("me", [task("refused")])
    state = await ended(runner, "refused")
    assert state.failure
    assert (state.failure.reason, state.failure.retryable) == (Reason.MODEL_TOO_LARGE, False)


@pytest.mark.parametrize(
    ("program", "words"),
    [("crash", "no result (exit code 9)"), ("killed", "no result (killed by SIGKILL)")],
)
async def test_a_crash_says_how_it_ended(runner: LocalRunner, program: str, words: str) -> None:
    runner.want("me", [task(program)])
    state = await ended(runner, program)
    assert state.failure
    assert (state.failure.reason, state.failure.retryable) == (Reason.TASK_CRASHED, True)
    assert state.failure.message == f"The task ended with {words}; the end of its log is below."


async def test_a_crash_shows_the_end_of_the_log_without_secrets(runner: LocalRunner) -> None:
    runner.want("me", [task("crash")])
    state = await ended(runner, "crash")
    assert state.failure
    assert "boom" in (state.failure.log_tail or "")
    assert "hunter2" not in (state.failure.log_tail or "")


async def test_a_task_that_had_no_room_for_its_result_is_out_of_disk(runner: LocalRunner) -> None:
    runner.want("me", [task("full")])
    state = await ended(runner, "full")
    assert state.failure
    assert (state.failure.reason, state.failure.retryable) == (Reason.OUT_OF_DISK, True)


async def test_a_task_that_takes_too_long_is_ended_says_so_and_may_be_tried_again(
    runner: LocalRunner,
) -> None:
    runner.want("me", [task("waiting", timeout=5)])
    state = await ended(runner, "waiting")
    assert state.failure
    assert (state.failure.reason, state.failure.retryable) == (Reason.TASK_TIMED_OUT, True)
    assert state.failure.log_tail == "waiting for a registry\n"


async def test_what_nobody_wants_any_more_is_ended(runner: LocalRunner, tmp_path: Path) -> None:
    runner.want("me", [task("slow")])
    runner.want("you", [task("slow")])
    process = await process_of(tmp_path, "slow")
    runner.want("me", [])
    assert process.is_running()  # you want it still
    runner.want("you", [])
    assert (await ended(runner, "slow")).phase is TaskPhase.INTERRUPTED
    assert not process.is_running()
    assert not (tmp_path / "tasks/slow/1/files").exists()


async def test_the_others_wait_in_order_and_know_their_place(tmp_path: Path) -> None:
    async with runner_in(tmp_path, tasks_at_once=1) as runner:
        gate = tmp_path / "gate"
        runner.want("me", [task("gated", gate=str(gate)), task("done"), task("refused")])
        await until(lambda: runner.states("demo")["gated"].phase is TaskPhase.RUNNING)
        waiting = [runner.states("demo")[name] for name in ("done", "refused")]
        assert [(s.phase, s.position) for s in waiting] == [
            (TaskPhase.QUEUED, 1),
            (TaskPhase.QUEUED, 2),
        ]
        assert runner.positions_of_new("demo")["assemble"] == 3
        gate.touch()
        second, third = await ended(runner, "done"), await ended(runner, "refused")
    assert second.started_at
    assert third.started_at
    assert second.started_at < third.started_at


async def test_one_namespace_holds_up_no_other_however_slow_its_tasks(runner: LocalRunner) -> None:
    runner.want("me", [task(f"slow-{number}", namespace="slow") for number in range(10)])
    runner.want("you", [task("done", namespace="quick")])
    assert (await ended(runner, "done")).phase is TaskPhase.SUCCEEDED
    phases = [state.phase for state in runner.states("demo").values()]
    assert (phases.count(TaskPhase.RUNNING), phases.count(TaskPhase.QUEUED)) == (2, 8)


async def test_short_questions_wait_for_no_build(tmp_path: Path) -> None:
    async with LocalRunner(
        Settings(state_folder=tmp_path, tasks_at_once=1),
        command=lambda program: command("done" if program == "resolve" else "slow"),
    ) as runner:
        runner.want("me", [task("environment"), task("resolve")])
        assert (await ended(runner, "resolve")).finished_at


async def test_a_task_left_by_a_dead_operator_is_ended_and_never_adopted(tmp_path: Path) -> None:
    async with runner_in(tmp_path) as dead:
        dead.want("me", [task("deaf")])
        process = await process_of(tmp_path, "deaf")
        dead._lock.release()  # as when the operator is killed
        async with runner_in(tmp_path) as successor:
            assert successor.states("demo")["deaf"].phase is TaskPhase.INTERRUPTED
            await ended(dead, "deaf")  # reaps it
            assert not process.is_running()


async def test_a_pid_that_belongs_to_somebody_else_by_now_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "tasks/other/1"
    folder.mkdir(parents=True)
    (folder / "task.json").write_text(json.dumps({"id": "other", "attempt": 1}))
    (folder / PROCESS_FILE).write_text(json.dumps({"pid": os.getpid(), "started": 1.0}))
    async with runner_in(tmp_path) as runner:
        assert (
            runner.states("demo")["other"].phase is TaskPhase.INTERRUPTED
        )  # and we are still here


async def test_a_result_written_before_the_operator_died_is_not_lost(tmp_path: Path) -> None:
    async with runner_in(tmp_path) as first:
        first.want("me", [task("done")])
        result = (await ended(first, "done")).result
    async with runner_in(tmp_path) as second:
        assert second.states("demo")["done"].result == result


async def test_the_owner_is_told_of_every_change(runner: LocalRunner) -> None:
    told: list[frozenset[str]] = []
    runner.on_change(told.append)
    runner.want("me", [task("done")])
    await ended(runner, "done")
    assert told == [frozenset({"me"})] * 3  # queued, running, ended


@pytest.mark.parametrize("build", ["1-1", profile_build("ab" * 32, 1)])
async def test_the_logs_of_a_build_are_found(runner: LocalRunner, build: str) -> None:
    runner.want("me", [task("done", build=f"demo/diabetes/{build}")])
    await ended(runner, "done")
    assert await runner.log_of(f"demo/diabetes/{build}", 100) == "working\n"
    assert await runner.log_of(f"demo/diabetes/{build}", 3) == "ng\n"
    assert await runner.log_of("demo/diabetes/2-1", 100) == ""


async def test_a_long_log_is_read_piece_by_piece_without_secrets(
    runner: LocalRunner, tmp_path: Path
) -> None:
    runner.want("me", [task("done", build="demo/diabetes/1-1")])
    await ended(runner, "done")
    line = "Collecting numpy from https://user:hunter2@index.example.com/simple (16 MB)\n"
    (tmp_path / "tasks/done/1/log").write_text(line * 2000 + "x" * 100_000)
    log = await runner.log_of("demo/diabetes/1-1", 1_000_000)
    assert log == line.replace("user:hunter2", "***") * 2000 + "x" * 100_000
