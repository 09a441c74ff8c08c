"""Whatever a task does, or leaves behind, it comes to an end that is told."""

import asyncio
import errno
import json
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import LOG_FILE, MAX_RESULT_BYTES, Task, TaskPhase
from fairlead.runners import process, task_folder
from fairlead.runners.local import LocalRunner
from fairlead.runners.task_folder import TaskFolders
from tests.unit.runners.programs import DONE, ended, process_of, runner_in, task, until

LOG_BYTES = 64 * 1024
CHILD = "import os, pathlib, signal, sys, time\n"
NOTES_ITS_PID = "pathlib.Path(sys.argv[1], 'child').write_text(str(os.getpid()))\n"


@pytest.fixture
async def runner(tmp_path: Path) -> AsyncIterator[LocalRunner]:
    async with runner_in(tmp_path, task_log_max_bytes=LOG_BYTES) as runner:
        yield runner


async def child_in(folder: Path) -> psutil.Process:
    note = folder / "child"
    await until(lambda: note.exists() and note.read_text() != "")
    return psutil.Process(int(note.read_text()))


def has_ended(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() == psutil.STATUS_ZOMBIE
    return True


def leaves(*child: str, then: str) -> str:
    """A program that starts a child, waits until it has noted its pid, and goes on."""
    code = CHILD + "\n".join(child) + "\n" + NOTES_ITS_PID + "time.sleep(60)"
    return (
        f"subprocess.Popen([sys.executable, '-c', {code!r}, str(folder)])\n"
        "note = folder / 'child'\n"
        "while not note.exists() or not note.read_text(): time.sleep(0.01)\n"
        f"{then}"
    )


IGNORES_SIGTERM = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
BECOMES_A_DAEMON = "os.fork() and os._exit(0)\nos.setsid()\nos.fork() and os._exit(0)"
EMPTIES_ITS_ENVIRONMENT = (
    "if 'again' not in sys.argv: os.execve(sys.executable, [sys.executable, '-c', "
    "open('/proc/self/cmdline').read().split(chr(0))[2], sys.argv[1], 'again'], {})"
)


CHILDREN = {
    "ignores SIGTERM": (IGNORES_SIGTERM,),
    "is a daemon": (BECOMES_A_DAEMON, IGNORES_SIGTERM),
    "has emptied its environment": (EMPTIES_ITS_ENVIRONMENT,),
}


@pytest.mark.parametrize("child", CHILDREN)
@pytest.mark.parametrize("way", ["done", "cancelled"])
async def test_no_child_of_a_task_survives_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    runner: LocalRunner,
    child: str,
    way: str,
) -> None:
    monkeypatch.setattr(process, "TERMINATION_GRACE_S", 1.0)
    code = leaves(*CHILDREN[child], then=DONE if way == "done" else "time.sleep(60)")
    runner.want("me", [task("given", code=code)])
    left = await child_in(tmp_path / "tasks/given/1")
    if way == "cancelled":
        runner.want("me", [])
    state = await ended(runner, "given")
    assert has_ended(left)
    assert state.phase is (TaskPhase.SUCCEEDED if way == "done" else TaskPhase.INTERRUPTED)


async def test_nothing_is_left_when_the_runner_ends_while_it_ends_a_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled three times: nobody wants the task, twice, and the operator is told to end."""
    monkeypatch.setattr(process, "TERMINATION_GRACE_S", 1.0)
    async with runner_in(tmp_path) as runner:
        runner.want("me", [task("deaf")])
        deaf = await process_of(tmp_path, "deaf")
        log = tmp_path / "tasks/deaf/1" / LOG_FILE
        await until(lambda: log.exists() and "deaf" in log.read_text())
        for _ in range(2):
            runner.want("me", [])
            await asyncio.sleep(0.1)  # it has been asked to end
            runner.want("me", [task("deaf")])
    assert not deaf.is_running()


async def test_no_child_survives_a_task_that_ran_out_of_time(
    tmp_path: Path, runner: LocalRunner
) -> None:
    code = leaves(*CHILDREN["is a daemon"], then="time.sleep(60)")
    runner.want("me", [task("given", code=code, timeout=8)])
    left = await child_in(tmp_path / "tasks/given/1")
    state = await ended(runner, "given")
    assert has_ended(left)
    assert state.failure
    assert state.failure.reason is Reason.TASK_TIMED_OUT


async def test_a_child_that_an_earlier_operator_left_is_ended(tmp_path: Path) -> None:
    """Found by what it inherited: its parent is gone, and no process is noted in the folder."""
    async with runner_in(tmp_path) as dead:
        code = leaves(BECOMES_A_DAEMON, then="time.sleep(60)")
        dead.want("me", [task("given", code=code)])
        left = await child_in(tmp_path / "tasks/given/1")
        parent = await process_of(tmp_path, "given")
        (tmp_path / "tasks/given/1/process.json").write_text("{")
        dead._lock.release()  # as when the operator is killed
        async with runner_in(tmp_path):
            assert has_ended(left)
            assert has_ended(parent)
        await ended(dead, "given")


async def test_what_prints_without_end_is_bounded_on_disk_and_ended_in_time(
    tmp_path: Path, runner: LocalRunner
) -> None:
    code = (
        "print('the beginning', flush=True)\n"
        "line = b'y' * 1023 + b'\\n'\n"
        "for _ in range(10_000): os.write(1, line)\n"
        "while True: os.write(1, b'still here\\n'); time.sleep(0.01)"
    )
    runner.want("me", [task("given", code=code, timeout=6, build="demo/yes/1-1")])
    state = await ended(runner, "given")
    assert state.failure
    assert state.failure.reason is Reason.TASK_TIMED_OUT
    folder = tmp_path / "tasks/given/1"
    assert sum(path.stat().st_size for path in folder.glob("log*")) <= LOG_BYTES
    log = await runner.log_of("demo/yes/1-1", 10 * LOG_BYTES)
    assert log.startswith("the beginning\n")
    assert log.endswith("still here\n")
    assert "[a part of this log was dropped here: it was too long]" in log


async def test_a_line_without_end_is_bounded_on_disk(tmp_path: Path, runner: LocalRunner) -> None:
    code = f"for _ in range(2000): os.write(1, bytes(4096))\n{DONE}"
    runner.want("me", [task("given", code=code)])
    assert (await ended(runner, "given")).phase is TaskPhase.SUCCEEDED
    folder = tmp_path / "tasks/given/1"
    assert sum(path.stat().st_size for path in folder.glob("log*")) <= LOG_BYTES


RESULT = "result = folder / 'result.json'\n"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("result.write_bytes(b'not json')", "is not what the program returns"),
        ("result.write_bytes(b'[' * 100_000)", "is not what the program returns"),
        ("result.write_bytes(b'{}')", "is not what the program returns"),
        ('result.write_bytes(b\'{"failure": {"reason": 5}}\')', "is not what the program returns"),
        ("result.write_bytes(b'\\xff')", "is not what the program returns"),
        (f"result.write_bytes(b' ' * {MAX_RESULT_BYTES + 1})", "is not what the program returns"),
        (
            "with result.open('wb') as file: file.truncate(1 << 40)",
            "is not what the program returns",
        ),
        ("os.mkfifo(result)", "cannot be read (result.json is no regular file)"),
        ("result.mkdir()", "cannot be read (result.json is no regular file)"),
        ("result.symlink_to('/etc/passwd')", "cannot be read (Too many levels of symbolic links)"),
        ("result.symlink_to('/dev/zero')", "cannot be read (Too many levels of symbolic links)"),
    ],
)
async def test_whatever_lies_where_the_result_should_be_is_a_failure(
    runner: LocalRunner, code: str, words: str
) -> None:
    runner.want("me", [task("given", code=RESULT + code)])
    state = await ended(runner, "given")
    assert state.failure
    assert state.failure.reason is Reason.TASK_CRASHED
    assert state.failure.message == (
        f"The task ended with a result that {words} (exit code 0); the end of its log is below."
    )
    assert state.failure.retryable


async def test_what_a_task_says_of_itself_is_bounded_redacted_and_known(
    runner: LocalRunner,
) -> None:
    failure = {
        "reason": "OfANewerVersion",
        "class": "Alien",
        "message": "password=hunter2 " + "m" * 100_000,
        "location": "score.py:1\n10:00:00 webservice forged/line",
        "logTail": "l" * 100_000,
        "requirement": "r" * 100_000,
        "unknown": "ignored",
    }
    code = f"{RESULT}result.write_text({json.dumps({'failure': failure})!r})"
    runner.want("me", [task("given", code=code)])
    told = (await ended(runner, "given")).failure
    assert told
    assert (told.reason, told.class_) == (Reason.TASK_CRASHED, FailureClass.UNKNOWN)
    assert "hunter2" not in told.message
    assert "\n" not in (told.location or "")
    lengths = [len(text or "") for text in (told.message, told.log_tail, told.requirement)]
    assert max(lengths) <= 4096


async def test_a_full_disk_is_told_and_tried_again_when_there_is_room(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(task_folder, "write_files", full)
        runner.want("me", [task("done")])
        state = await ended(runner, "done")
    assert state.failure
    assert (state.failure.reason, state.failure.retryable) == (Reason.OUT_OF_DISK, True)
    assert state.failure.message == "There is no room on the disk for the folder of a task."
    assert not (tmp_path / "tasks/done/1").exists(), "what was written of it takes no room"
    runner.want("me", [task("done", attempt=2)])
    assert (await ended(runner, "done", attempt=2)).phase is TaskPhase.SUCCEEDED


async def test_a_log_that_finds_no_room_hides_no_result(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = TaskFolders.prepare

    def with_a_full_log(folders: TaskFolders, wanted: Task) -> Path:
        folder = prepare(folders, wanted)
        (folder / "log").symlink_to("/dev/full")
        return folder

    monkeypatch.setattr(TaskFolders, "prepare", with_a_full_log)
    runner.want("me", [task("done")])
    assert (await ended(runner, "done")).phase is TaskPhase.SUCCEEDED


async def test_a_process_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    runner = LocalRunner(
        runner_in(tmp_path)._settings, command=lambda _: [str(tmp_path / "no-such-program")]
    )
    async with runner:
        runner.want("me", [task("done")])
        state = await ended(runner, "done")
    assert state.failure
    assert state.failure.message == "The task could not be started (No such file or directory)."
    assert state.failure.retryable


async def test_a_bug_of_the_runner_itself_ends_as_a_failure_and_leaves_the_slot(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("fairlead.runners.local.outcome", lambda *_: 1 / 0)
        for number in range(3):
            runner.want("me", [task(f"done-{number}")])
            state = await ended(runner, f"done-{number}")
            assert state.failure
            assert "ZeroDivisionError" in state.failure.message
    runner.want("me", [task("done")])
    assert (await ended(runner, "done")).phase is TaskPhase.SUCCEEDED


async def test_wanting_a_task_does_not_block_however_slow_the_disk_is(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event loop goes on while a folder is written: it is what lets it be written at all."""
    loop, go_on = asyncio.get_running_loop(), asyncio.Event()

    def slow(*_: object) -> None:
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(20)

    monkeypatch.setattr(task_folder, "write_files", slow)
    runner.want("me", [task("done")])
    assert runner.states("demo")["done"].phase is TaskPhase.QUEUED
    go_on.set()
    assert (await ended(runner, "done")).phase is TaskPhase.SUCCEEDED
