"""A task in the container of its Job: what is mounted is checked, and the result becomes a message.

The container's folders are temporary ones; the programs are small ones in the place of ours.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

import pytest

from fairlead.api.reasons import Reason
from fairlead.contract import PublishRequest, Task, TaskFailure, TaskResult
from fairlead.desired.task_job import task_draft
from fairlead.settings import Settings
from fairlead.task_message import MAX_MESSAGE_BYTES, read_message
from fairlead.tasks import in_job
from fairlead.tasks.in_job import Places, main, run_program
from tests.unit.tasks_of import OWNER, assemble_task, environment_task, ingest_task

DEADLINE_S = 60.0
SETTINGS = Settings(runner="job", task_image="tasks")
OK = {"digest": f"sha256:{'ab' * 32}", "sizeBytes": 1, "seconds": 1.0, "tagged": False}
HEAD = "import json, os, pathlib, signal, sys, time\nfolder = pathlib.Path(sys.argv[1])\n"
WRITE = "(folder / 'result.json').write_text(json.dumps({}))"
DONE = WRITE.format({"ok": OK})
INTERRUPTED = {"reason": "TaskInterrupted", "class": "Infrastructure", "message": "It ended."}
ON_TERM = (
    "def end(*_):\n"
    f"    {WRITE.format({'failure': INTERRUPTED})}\n"
    "    sys.exit(1)\n"
    "signal.signal(signal.SIGTERM, end)\n"
    "(folder / 'ready').touch()\n"
    "time.sleep(60)\n"
)
PUBLISH = PublishRequest(repository="no repository", version=1, digest=OK["digest"])
FILES = {"score.py": b"def init(): ...\n", "lib/x.py": b"x = 1\n"}


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    for name in ("request", "source", "work"):
        (tmp_path / name).mkdir()
    paths = (tmp_path / name for name in ("request", "source", "work", "message"))
    return Places(*paths)


def mount(files: Mapping[str, bytes], folder: Path) -> None:
    """As the kubelet does it: each name is a link into a folder that can be exchanged whole."""
    data = folder / "..2026_11_26"
    data.mkdir()
    (folder / "..data").symlink_to(data.name)
    for name, content in files.items():
        (data / name).write_bytes(content)
        (folder / name).symlink_to(f"..data/{name}")


def mounted(task: Task, places: Places) -> str:
    """Mount what belongs to a task; return the digest of its request."""
    draft = task_draft(task, OWNER, SETTINGS)
    mount({key: text.encode() for key, text in draft.data.items()}, places.request)
    if task.config_map:
        mount(task.files, places.source)
    [digest] = draft.job["spec"]["template"]["spec"]["containers"][0]["args"]
    return str(digest)


def running(code: str) -> "in_job.Program":
    def program(name: str, folder: Path) -> NoReturn:
        del name
        os.execv(sys.executable, [sys.executable, "-c", HEAD + code, str(folder)])

    return program


def told(places: Places, program: str = "assemble") -> TaskResult:
    content = places.message.read_bytes()
    assert len(content) <= MAX_MESSAGE_BYTES
    return read_message(program, content.decode())


def failure_told(places: Places) -> TaskFailure:
    failure = told(places).failure
    assert failure is not None
    return failure


def test_a_result_is_the_termination_message(places: Places) -> None:
    digest = mounted(assemble_task(FILES), places)
    assert main(digest, places, running(DONE)) == 0
    assert told(places).ok == OK


def test_files_that_came_from_another_namespace_may_be_anything(places: Places) -> None:
    """They are handed over with the request."""
    files = {"lib/tool": b"\x7fELF\x00\xff", "a.txt": b"a\n"}
    task = environment_task("buildkit", apart="builds", files=files)
    code = (
        "found = {str(p.relative_to(folder / 'files')): p.read_bytes()\n"
        "         for p in (folder / 'files').rglob('*') if p.is_file()}\n"
        f"assert found == {files!r}\n"
    )
    main(mounted(task, places), places, running(code))
    assert not places.message.exists()  # and no traceback: it left no result


def test_the_program_finds_its_request_and_inline_files(places: Places) -> None:
    task = assemble_task(FILES)
    seen = (
        "request = json.loads((folder / 'request.json').read_text())\n"
        "assert request['entryScript'] == 'score.py'\n"
        "found = {str(p.relative_to(folder / 'files')): p.read_text()\n"
        "         for p in (folder / 'files').rglob('*.py')}\n"
        f"assert found == { ({name: text.decode() for name, text in FILES.items()})!r}\n"
    )
    assert main(mounted(task, places), places, running(seen + DONE)) == 0


def test_the_program_finds_the_users_config_map(places: Places) -> None:
    files = {"model.pkl": b"\x80\x00\xff", "LICENSE": b"MIT"}
    seen = (
        "found = {p.name: p.read_bytes() for p in (folder / 'files').iterdir()}\n"
        f"assert found == {files!r}\n"
    )
    task = assemble_task(files, config_map="code")
    assert main(mounted(task, places), places, running(seen + DONE)) == 0


@pytest.mark.parametrize(
    "now_in_it",
    [
        {"score.py": b"another"},
        {"score.py": b"def init(): ...\n", "more.py": b""},
        {},
    ],
)
def test_a_config_map_that_changed_meanwhile_is_told(
    places: Places, now_in_it: Mapping[str, bytes]
) -> None:
    task = assemble_task({"score.py": b"def init(): ...\n"}, config_map="code")
    digest = mounted(task, places)
    for path in places.source.iterdir():
        path.unlink() if path.is_symlink() else None
    for name, content in now_in_it.items():
        (places.source / name).write_bytes(content)
    assert main(digest, places, running("sys.exit(9)")) == 1
    failure = failure_told(places)
    assert (failure.reason, failure.retryable) == (Reason.SOURCE_CHANGED, True)


def test_a_config_map_that_is_gone_is_told(places: Places) -> None:
    task = assemble_task({"score.py": b""}, config_map="code")
    digest = mounted(task, places)
    places.source.rename(places.source.with_name("gone"))
    assert main(digest, places, running(DONE)) == 1
    assert failure_told(places).reason is Reason.SOURCE_CHANGED


@pytest.mark.parametrize("key", ["task.json", "request.json", "file-0", "file-9"])
def test_a_request_that_somebody_else_wrote_is_refused(places: Places, key: str) -> None:
    digest = mounted(assemble_task(FILES), places)
    (places.request / "..data" / key).write_text("forged")
    if not (places.request / key).exists():
        (places.request / key).symlink_to(f"..data/{key}")
    assert main(digest, places, running(DONE)) == 1
    assert failure_told(places).reason is Reason.NAME_TAKEN


def test_a_failure_of_the_program_is_told(places: Places) -> None:
    said = {"reason": "RegistryDenied", "class": "Auth", "message": "No.", "logTail": "x" * 9000}
    digest = mounted(assemble_task(FILES), places)
    assert main(digest, places, running(f"{WRITE.format({'failure': said})}; sys.exit(1)")) == 1
    assert failure_told(places).reason is Reason.REGISTRY_DENIED


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("sys.exit(70)", 70),
        ("os.kill(os.getpid(), signal.SIGKILL)", 137),
        (WRITE.format({"ok": {"digest": "no digest"}}), 0),
    ],
)
def test_without_a_result_nothing_is_written_so_that_the_kubelet_takes_the_log(
    places: Places, code: str, exit_code: int
) -> None:
    assert main(mounted(assemble_task(FILES), places), places, running(code)) == exit_code
    assert not places.message.exists()


def test_who_takes_too_long_is_ended_and_it_is_said(places: Places) -> None:
    task = ingest_task("https://models.example.com/m.pkl", timeout=0.5)
    assert main(mounted(task, places), places, running(ON_TERM)) == 1
    failure = told(places, "ingest").failure
    assert failure is not None
    assert failure.reason is Reason.TASK_TIMED_OUT
    assert "longer than 0 s" in failure.message or "longer than 1 s" in failure.message


def test_who_does_not_even_end_then_is_killed(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_job, "END_TIMEOUT_S", 0.2)
    task = ingest_task("https://models.example.com/m.pkl", timeout=1.0)
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)"
    began = time.monotonic()
    assert main(mounted(task, places), places, running(deaf)) == 1
    assert time.monotonic() - began < DEADLINE_S
    failure = told(places, "ingest").failure
    assert failure is not None
    assert failure.reason is Reason.TASK_TIMED_OUT


def test_a_result_that_came_in_time_counts_whatever_happens_then(places: Places) -> None:
    task = Task(**{**vars(assemble_task(FILES)), "timeout": 1.0})
    slow_to_end = f"{DONE}\ntime.sleep(60)"
    assert main(mounted(task, places), places, running(slow_to_end)) == 0
    assert told(places).ok == OK


def test_sigterm_reaches_the_program_which_says_so(places: Places) -> None:
    """What a node that is drained sends."""
    digest = mounted(assemble_task(FILES), places)
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from fairlead.tasks.in_job import Places, main\n"
        "places = Places(*map(Path, sys.argv[2:]))\n"
        "def program(name, folder):\n"
        f"    os.execv(sys.executable, [sys.executable, '-c', {HEAD + ON_TERM!r}, str(folder)])\n"
        "sys.exit(main(sys.argv[1], places, program))"
    )
    paths = [str(path) for path in vars(places).values()]
    with subprocess.Popen([sys.executable, "-c", code, digest, *paths]) as process:
        deadline = time.monotonic() + DEADLINE_S
        while not (places.work / "task" / "ready").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)  # poll
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 1
    assert failure_told(places).reason is Reason.TASK_INTERRUPTED


def test_sigterm_before_there_is_a_program_ends_it_at_once(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = mounted(assemble_task(FILES), places)

    def interrupted(*_: object) -> NoReturn:
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("it goes on")

    monkeypatch.setattr(in_job, "_prepared", interrupted)
    with pytest.raises(SystemExit) as left:
        main(digest, places, running(DONE))
    assert left.value.code == 143


def test_sigterm_while_the_program_is_imported_ends_it_at_once(places: Places) -> None:
    def interrupted(name: str, folder: Path) -> NoReturn:
        del name, folder
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("it goes on")

    assert main(mounted(assemble_task(FILES), places), places, interrupted) == 143


def test_sigterm_while_the_fork_is_made_reaches_the_program(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = in_job._move_apart

    def interrupted(pid: int) -> None:
        move(pid)
        if pid:  # in the parent, which has no other thread; pytest may have some
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    monkeypatch.setattr(in_job, "_move_apart", interrupted)

    def program(name: str, folder: Path) -> NoReturn:  # no exec, which could lose the signal
        del name, folder
        time.sleep(5 * DEADLINE_S)
        raise AssertionError("nobody has ended it")

    assert main(mounted(assemble_task(FILES), places), places, program) == 143


def test_a_program_of_ours_runs_in_the_fork(places: Places) -> None:
    """It refuses a repository that is none before it asks anybody anything."""
    task = Task(**{**vars(assemble_task({})), "program": "publish", "request": PUBLISH})
    assert main(mounted(task, places), places) == 70  # a crash, told to the log
    assert not places.message.exists()


def test_only_programs_of_ours_are_started(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no program of ours"):
        run_program("ingest; rm", tmp_path)


def test_the_card_says_what_the_files_are(places: Places) -> None:
    mounted(assemble_task(FILES), places)
    card = json.loads((places.request / "task.json").read_text())
    assert card["files"] == {"lib/x.py": "file-0", "score.py": "file-1"}
