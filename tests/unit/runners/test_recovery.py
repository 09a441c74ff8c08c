"""An operator starts over whatever an earlier one, or a newer one, has left."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fairlead.contract import TaskPhase
from fairlead.runners.local import LocalRunner
from fairlead.runners.retention import DAY_S
from fairlead.runners.state_lock import StateFolderError
from fairlead.settings import Settings
from tests.unit.runners.programs import ended, runner_in, task, until

CARD = {"id": "t", "attempt": 1, "program": "environment", "build": "demo/x/1-1"}
RESULT = {"ok": {"digest": f"sha256:{'1' * 64}", "python": "3.11.2", "seconds": 1, "built": True}}


def attempt(state: Path, **files: str | bytes) -> Path:
    """The folder of the first attempt at the task ``t``; ``_`` in a name stands for a dot."""
    folder = state / "tasks/t/1"
    folder.mkdir(parents=True)
    for name, content in files.items():
        text = content if isinstance(content, bytes) else content.encode()
        (folder / name.replace("_", ".")).write_bytes(text)
    return folder


async def recovered(state: Path) -> dict[str, TaskPhase]:
    async with runner_in(state) as runner:
        return {name: found.phase for name, found in runner.states("demo").items()}


@pytest.mark.parametrize(
    ("files", "phase"),
    [
        ({"task_json": json.dumps(CARD)}, TaskPhase.INTERRUPTED),
        ({"task_json": json.dumps(CARD), "result_json": json.dumps(RESULT)}, TaskPhase.SUCCEEDED),
        ({"task_json": json.dumps(CARD), "result_json": "{"}, TaskPhase.INTERRUPTED),
        ({"task_json": json.dumps(CARD), "result_json": b"\xff"}, TaskPhase.INTERRUPTED),
        ({"task_json": json.dumps(CARD), "result_tmp": "{"}, TaskPhase.INTERRUPTED),
        ({"task_json": json.dumps(CARD), "process_json": "{"}, TaskPhase.INTERRUPTED),
        ({"task_json": json.dumps(CARD), "process_json": "[]"}, TaskPhase.INTERRUPTED),
        ({"task_json": json.dumps(CARD), "process_json": '{"pid": -1}'}, TaskPhase.INTERRUPTED),
        (
            {"task_json": json.dumps(CARD), "process_json": '{"pid": 1e99, "started": 0}'},
            TaskPhase.INTERRUPTED,
        ),
        ({"task_json": json.dumps({**CARD, "format": 9, "lane": "x"})}, TaskPhase.INTERRUPTED),
        ({"task_json": json.dumps({**CARD, "program": "of-a-newer"})}, TaskPhase.INTERRUPTED),
        ({}, None),
        ({"task_json": ""}, None),
        ({"task_json": "{"}, None),
        ({"task_json": "[]"}, None),
        ({"task_json": b"\xff\xfe"}, None),
        ({"task_json": json.dumps({**CARD, "id": "../x"})}, None),
        ({"task_json": json.dumps({**CARD, "attempt": 2})}, None),
        ({"task_json": json.dumps({**CARD, "attempt": "many"})}, None),
        ({"task_json": json.dumps({**CARD, "build": 5})}, None),
        ({"task_json": json.dumps({**CARD, "build": "demo/x/one-two"})}, None),
        ({"task_json": json.dumps({**CARD, "build": "x" * 100_000})}, None),
    ],
)
async def test_whatever_was_half_written_is_no_obstacle(
    tmp_path: Path, files: dict[str, str | bytes], phase: TaskPhase | None
) -> None:
    attempt(tmp_path, **files)
    assert await recovered(tmp_path) == ({"t": phase} if phase else {})


def pipe_for_a_card(tasks: Path) -> None:
    (tasks / "x/1").mkdir(parents=True)
    os.mkfifo(tasks / "x/1/task.json")


@pytest.mark.parametrize(
    "make",
    [
        lambda tasks: (tasks / "a-file").write_text(""),
        lambda tasks: (tasks / "t" / "²").mkdir(parents=True),
        lambda tasks: (tasks / "t" / "0").mkdir(parents=True),
        lambda tasks: (tasks / "t" / "lost+found").mkdir(parents=True),
        lambda tasks: (tasks / "t").mkdir(),
        lambda tasks: (tasks / "link").symlink_to("/"),
        lambda tasks: (tasks / "dangling").symlink_to("/nowhere"),
        lambda tasks: os.mkfifo(tasks / "pipe"),
        pipe_for_a_card,
        lambda tasks: (tasks / "x" / "1" / "task.json").mkdir(parents=True),
    ],
)
async def test_whatever_else_lies_there_is_left_alone(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    (tmp_path / "tasks").mkdir()
    make(tmp_path / "tasks")
    assert await recovered(tmp_path) == {}


async def test_of_several_attempts_the_newest_counts(tmp_path: Path) -> None:
    attempt(tmp_path, task_json=json.dumps(CARD), result_json=json.dumps(RESULT))
    later = tmp_path / "tasks/t/10"
    later.mkdir()
    (later / "task.json").write_text(json.dumps({**CARD, "attempt": 10}))
    async with runner_in(tmp_path) as runner:
        state = runner.states("demo")["t"]
    assert (state.attempt, state.phase) == (10, TaskPhase.INTERRUPTED)


async def test_what_was_in_the_making_is_removed(tmp_path: Path) -> None:
    folder = attempt(tmp_path, task_json=json.dumps(CARD))
    (folder / "work/fetched").mkdir(parents=True)
    (tmp_path / "trash/half").mkdir(parents=True)
    await recovered(tmp_path)
    assert {path.name for path in folder.iterdir()} == {"task.json"}
    assert not (tmp_path / "trash/half").exists()


async def test_folders_are_swept_while_a_task_is_tried_again_and_again(tmp_path: Path) -> None:
    async with runner_in(tmp_path) as runner:
        for number in range(1, 8):
            runner.want("me", [task("crash", attempt=number)])
            await ended(runner, "crash", attempt=number)
        folder = tmp_path / "tasks/crash"
        await until(lambda: {path.name for path in folder.iterdir()} == {"5", "6", "7"})


async def test_what_is_swept_from_the_disk_is_remembered_all_the_same(tmp_path: Path) -> None:
    """Else a task that may not be tried again would be, as soon as enough others had ended."""
    async with runner_in(tmp_path, task_folders_max=1) as runner:
        for program in ("refused", "done"):
            runner.want("me", [task(program)])
            await ended(runner, program)
        await until(lambda: not (tmp_path / "tasks/refused").exists())
        assert runner.states("demo")["refused"].phase is TaskPhase.FAILED


async def test_the_folder_of_a_task_that_runs_is_never_swept(tmp_path: Path) -> None:
    async with runner_in(tmp_path, task_folders_max=1) as runner:
        gate = tmp_path / "gate"
        runner.want("me", [task("gated", gate=str(gate))])
        await until(lambda: runner.states("demo")["gated"].phase is TaskPhase.RUNNING)
        for program in ("done", "refused", "crash"):
            runner.want("you", [task(program, namespace="other")])
            await ended(runner, program)
        await until(lambda: not (tmp_path / "tasks/done").exists())
        gate.touch()
        assert (await ended(runner, "gated")).phase is TaskPhase.SUCCEEDED


async def test_what_is_too_old_is_swept_at_the_start(tmp_path: Path) -> None:
    folder = attempt(tmp_path, task_json=json.dumps(CARD))
    long_ago = time.time() - 15 * DAY_S
    async with runner_in(tmp_path):
        pass  # tidied, which is news of its own
    os.utime(folder, (long_ago, long_ago))
    async with runner_in(tmp_path):
        await until(lambda: not folder.exists())


async def test_a_second_operator_on_the_same_folder_is_told_so(tmp_path: Path) -> None:
    async with runner_in(tmp_path):
        with pytest.raises(StateFolderError) as refusal:
            await runner_in(tmp_path).__aenter__()
    assert str(refusal.value) == (
        f"another operator (pid {os.getpid()}) uses the state folder {tmp_path}. End it, or set "
        "FAIRLEAD_STATE_FOLDER to another folder."
    )
    async with runner_in(tmp_path):
        pass  # it is free again


async def test_a_task_does_not_keep_the_lock_of_the_operator_that_started_it(
    tmp_path: Path,
) -> None:
    async with runner_in(tmp_path) as first:
        first.want("me", [task("slow")])
        await until((tmp_path / "tasks/slow/1/process.json").exists)
        first._lock.release()  # as when the operator is killed
        async with runner_in(tmp_path):
            pass


@pytest.mark.parametrize("kind", ["file", "link"])
async def test_a_state_folder_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "state"
    if kind == "file":
        folder.write_text("")
    else:
        folder.symlink_to(tmp_path / "nowhere" / "at" / "all")
    with pytest.raises(StateFolderError, match="Make it writable, make room on its disk, or set"):
        await LocalRunner(
            Settings(state_folder=folder), command=lambda _: [sys.executable]
        ).__aenter__()
