"""Tasks that are forks of a prepared process: apart from each other, ended as any other, and had
from a fresh interpreter where there is no such process."""

import asyncio
import ctypes
import os
import resource
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from fairlead.api.reasons import Reason
from fairlead.contract import LOG_FILE, PublishRequest, Task, TaskPhase
from fairlead.runners.local import LocalRunner
from fairlead.runners.prepared import KILLED, MODULE, PROGRAMS, ForkedTask, PreparedTasks
from fairlead.runners.process import Running, starting
from fairlead.runners.survivors import TASK_FOLDER_VARIABLE, end_survivors
from fairlead.settings import Settings
from fairlead.tasks import prepared
from tests.unit.runners.programs import DEADLINE_S, ended, process_of, until

DIGEST = f"sha256:{'ab' * 32}"
CHILD_SUBREAPER = 36  # of prctl(2)


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A registry that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"localhost:{server.getsockname()[1]}"
        monkeypatch.setenv("FAIRLEAD_REGISTRY", host)
        yield f"{host}/team/credit"


@pytest.fixture
async def runner(tmp_path: Path) -> AsyncIterator[LocalRunner]:
    """With our own programs."""
    async with LocalRunner(Settings(state_folder=tmp_path)) as runner:
        yield runner


def publishing(identifier: str, repository: str) -> Task:
    request = PublishRequest(repository=repository, version=1, digest=DIGEST)
    return Task(identifier, "publish", 1, request, DEADLINE_S, namespace="demo")


def request_to(repository: str, folder: Path) -> None:
    request = PublishRequest(repository=repository, version=1, digest=DIGEST)
    (folder / "request.json").write_text(request.model_dump_json(by_alias=True))


def spoilt(change: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> PreparedTasks:
    """With a process in which ``change`` was made to ours."""
    code = (
        "import os, signal, sys\n"
        "from fairlead.tasks import prepared\n"
        f"{change}\n"
        "sys.exit(prepared.main(int(sys.argv[1])))\n"
    )
    (folder / "spoilt_prepared.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return PreparedTasks(folder, "spoilt_prepared")


def left_in(folder: Path) -> list[psutil.Process]:
    """The processes that were started for tasks in ``folder``, and live."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(TASK_FOLDER_VARIABLE) == str(folder):
                found.append(process)
    return found


def parents() -> list[psutil.Process]:
    """The processes that fork tasks."""
    children = psutil.Process().children()
    return [child for child in children if MODULE in child.cmdline()]


def test_both_sides_know_the_same_programs() -> None:
    assert set(prepared.PROGRAMS) == PROGRAMS


async def test_tasks_are_forks_of_one_process_each_with_its_own_log(
    runner: LocalRunner, tmp_path: Path
) -> None:
    """They refuse a repository that is none before they ask anybody anything."""
    found = set[int]()
    for identifier in ("a", "b"):
        runner.want("image", [publishing(identifier, f"no repository {identifier}")])
        state = await ended(runner, identifier)
        assert state.failure is not None
        assert state.failure.reason is Reason.TASK_CRASHED
        log = (tmp_path / "tasks" / identifier / "1" / LOG_FILE).read_text()
        assert f"no repository {identifier}" in log
        assert log.count("Traceback") == 1
        found.update(parent.pid for parent in parents())
    assert len(found) == 1


async def test_a_task_has_a_session_and_variables_of_its_own_and_no_descriptors_of_others(
    runner: LocalRunner, tmp_path: Path, silent: str
) -> None:
    runner.want("image", [publishing("a", silent), publishing("b", silent)])
    tasks = [await process_of(tmp_path, identifier) for identifier in ("a", "b")]
    [parent] = parents()
    for task in tasks:
        assert os.getsid(task.pid) == task.pid
        assert task.ppid() == parent.pid
        root = parent.environ()[TASK_FOLDER_VARIABLE]
        assert (tmp_path / "tasks").is_relative_to(root)  # a later operator finds both by it
        await until(lambda task=task: len(task.net_connections("tcp")) == 1)  # type: ignore[misc]
        assert task.net_connections("unix") == []


async def test_a_task_that_nobody_wants_is_ended_and_the_process_stays(
    runner: LocalRunner, tmp_path: Path, silent: str
) -> None:
    runner.want("image", [publishing("a", silent)])
    task, [parent] = await process_of(tmp_path, "a"), parents()
    await until(lambda: len(task.net_connections("tcp")) == 1)
    runner.want("image", [])
    assert (await ended(runner, "a")).phase is TaskPhase.INTERRUPTED
    assert not task.is_running()
    log = (tmp_path / "tasks" / "a" / "1" / LOG_FILE).read_text()
    assert "TaskInterrupted" in log  # it was told, and could say so
    assert parent.is_running()


async def test_a_process_that_is_lost_takes_its_tasks_along_and_is_started_again(
    runner: LocalRunner, tmp_path: Path, silent: str
) -> None:
    runner.want("image", [publishing("a", silent)])
    task, [parent] = await process_of(tmp_path, "a"), parents()
    parent.kill()
    state = await ended(runner, "a")
    assert state.failure is not None
    assert state.failure.reason is Reason.TASK_CRASHED
    await until(lambda: not task.is_running() or task.status() == psutil.STATUS_ZOMBIE)
    runner.want("image", [publishing("b", "no repository b")])
    await ended(runner, "b")
    [another] = parents()
    assert another.pid != parent.pid


async def test_when_the_runner_ends_so_do_the_process_and_its_tasks(
    tmp_path: Path, silent: str
) -> None:
    async with LocalRunner(Settings(state_folder=tmp_path)) as runner:
        runner.want("image", [publishing("a", silent)])
        task, [parent] = await process_of(tmp_path, "a"), parents()
    assert not task.is_running()
    assert not parent.is_running()


async def test_an_operator_that_died_leaves_no_task_behind(tmp_path: Path, silent: str) -> None:
    code = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from fairlead.runners.local import LocalRunner\n"
        "from fairlead.settings import Settings\n"
        "from tests.unit.runners.test_prepared import publishing\n"
        "async def main():\n"
        "    async with LocalRunner(Settings(state_folder=Path(sys.argv[1]))) as runner:\n"
        "        runner.want('image', [publishing('a', sys.argv[2])])\n"
        "        await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path), silent]) as operator:
        task = await process_of(tmp_path, "a")
        parent = task.parent()
        assert parent is not None
        operator.kill()
    await until(lambda: not parent.is_running() or parent.status() == psutil.STATUS_ZOMBIE)
    await until(lambda: not task.is_running() or task.status() == psutil.STATUS_ZOMBIE)


async def test_without_such_a_process_a_task_gets_an_interpreter_of_its_own(tmp_path: Path) -> None:
    tasks = PreparedTasks(tmp_path, module="no.such.module")
    written = tmp_path / "written"
    code = f"import pathlib; pathlib.Path({str(written)!r}).write_text('fresh')"
    start = tasks.starting("publish", starting((sys.executable, "-c", code)))
    with (tmp_path / "log").open("w") as log:
        process: Running = await start(tmp_path, log.fileno())
        assert await process.wait() == 0
    assert written.read_text() == "fresh"
    await tasks.close()


async def test_who_is_cancelled_while_a_task_is_forked_leaves_none(
    tmp_path: Path, silent: str
) -> None:
    tasks = PreparedTasks(tmp_path)
    request_to(silent, tmp_path)
    start = tasks.starting("publish", starting(("false",)))
    with (tmp_path / "log").open("w") as log:
        asking = asyncio.ensure_future(start(tmp_path, log.fileno()))
        await until(lambda: bool(parents()))
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    [parent] = parents()
    await until(lambda: not parent.children())
    await tasks.close()


@pytest.mark.parametrize(
    "change",
    [
        "prepared.Forks._tell = lambda *_: os.kill(os.getpid(), signal.SIGKILL)",
        "prepared.Forks._tell = lambda *_: signal.pause()",
    ],
    ids=["killed", "hangs"],
)
async def test_a_task_that_was_not_told_ends_before_another_takes_its_place(
    tmp_path: Path, silent: str, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """Both would work in one folder, and nothing would ever end the first."""
    monkeypatch.setattr("fairlead.runners.prepared.ANSWER_TIMEOUT_S", 5.0)
    tasks = spoilt(change, tmp_path, monkeypatch)
    request_to(silent, tmp_path)
    start = tasks.starting("publish", starting(("true",)))
    with (tmp_path / "log").open("w") as log:
        process = await start(tmp_path, log.fileno())
        assert await process.wait() == 0
    await until(lambda: not left_in(tmp_path))
    await tasks.close()


async def test_a_task_that_becomes_ours_is_reaped(
    tmp_path: Path, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container, whose first process is the operator: here its parent hangs up, and takes
    its time to end."""
    hangs_up = (
        "import socket\n"
        "tell = prepared.Forks._tell\n"
        "def hang_up(self, what):\n"
        "    tell(self, what)\n"
        "    self._channel.shutdown(socket.SHUT_RDWR)\n"
        "    while True:\n"
        "        signal.pause()\n"
        "prepared.Forks._tell = hang_up"
    )
    tasks = spoilt(hangs_up, tmp_path, monkeypatch)
    folder = tmp_path / "task"
    folder.mkdir()
    request_to(silent, folder)
    start = tasks.starting("publish", starting(("true",)))
    with taking_orphans(), (tmp_path / "log").open("w") as log:
        task = await start(folder, log.fileno())
        assert isinstance(task, ForkedTask)
        assert await task.wait() == KILLED
        await asyncio.to_thread(end_survivors, folder, {task.pid})
        await tasks.close()
        assert not psutil.pid_exists(task.pid)


@contextmanager
def taking_orphans() -> Iterator[None]:
    """Be the parent of what is left by our children, as the first process of a container is."""
    prctl = ctypes.CDLL(None).prctl
    prctl(CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        prctl(CHILD_SUBREAPER, 0)


async def test_a_fork_that_is_refused_ends_no_other_task(
    tmp_path: Path, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = (
        "fork = os.fork\n"
        "def refused():\n"
        "    raise BlockingIOError(11, 'no more processes')\n"
        "def first():\n"
        "    os.fork = refused\n"
        "    return fork()\n"
        "os.fork = first"
    )
    tasks = spoilt(once, tmp_path, monkeypatch)
    request_to(silent, tmp_path)
    start = tasks.starting("publish", starting(("true",)))
    with (tmp_path / "log").open("w") as log:
        first = await start(tmp_path, log.fileno())
        second = await start(tmp_path, log.fileno())
        assert await second.wait() == 0  # not a fork
        assert first.returncode is None
        assert psutil.Process(first.pid).is_running()
    await tasks.close()


async def test_a_task_has_none_of_the_descriptors_of_a_busy_operator(
    tmp_path: Path, silent: str
) -> None:
    """As many connections as ``select`` knows no numbers for."""
    tasks = PreparedTasks(tmp_path)
    request_to(silent, tmp_path)
    start = tasks.starting("publish", starting(("true",)))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(2000, hard), hard))
    open_ones = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        with (tmp_path / "log").open("w") as log:
            task = psutil.Process((await start(tmp_path, log.fileno())).pid)
    finally:
        for one in open_ones:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert [task.ppid()] == [parent.pid for parent in parents()]
    await until(lambda: len(task.net_connections("tcp")) == 1)
    assert task.net_connections("unix") == []
    await tasks.close()


def test_it_ends_when_it_is_not_needed() -> None:
    ours, theirs = socket.socketpair()
    code = (
        "import sys\n"
        "from fairlead.tasks import prepared\n"
        "prepared.IDLE_S = 0.1\n"
        "sys.exit(prepared.main(int(sys.argv[1])))"
    )
    with ours, theirs:
        command = [sys.executable, "-c", code, str(theirs.fileno())]
        done = subprocess.run(command, pass_fds=(theirs.fileno(),), timeout=DEADLINE_S, check=False)
        assert done.returncode == 0
