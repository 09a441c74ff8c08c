"""The small pure parts of the front: counters, progress, and the words for an end."""

import subprocess
import sys
from pathlib import Path

import pytest

from fairlead_scoring.front.slots.in_flight import Outcome
from fairlead_scoring.front.slots.process_exit import ProcessExit, oom_kills
from fairlead_scoring.front.slots.startup import StartProgress, exit_failure, interruption_failure
from fairlead_scoring.slot.record import Failure

INIT = """
import ctypes, os, pathlib, subprocess, sys, time
from fairlead_scoring.front.slots.orphans import children
from fairlead_scoring.front.slots.process import kill_session

PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # as process 1 is
family = "import subprocess; print(subprocess.Popen(['sleep', '3600']).pid, flush=True); input()"
child = subprocess.Popen(
    [sys.executable, "-c", family], stdin=-1, stdout=-1, text=True, start_new_session=True
)
orphan = pathlib.Path("/proc", child.stdout.readline().strip())
children.add(child.pid)
kill_session(child.pid)
os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
children.reap_orphans()
assert child.wait() == -9, "the exit status was left to who waits for it"
children.remove(child.pid)
while orphan.exists():
    children.reap_orphans()
print("reaped")
"""
AT = {"file": "score.py", "line": 12, "function": "init", "code": "model = download()"}
V2 = "low 0\nhigh 0\nmax 3\noom 3\noom_kill 2\noom_group_kill 0\n"
V1 = "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"


@pytest.mark.parametrize(
    ("files", "kills"),
    [
        pytest.param({"memory.events": V2}, 2, id="cgroup v2"),
        pytest.param({"memory.oom_control": V1}, 1, id="cgroup v1"),
        pytest.param({}, 0, id="neither"),
        pytest.param({"memory.events": "low 0\n"}, 0, id="an old kernel"),
    ],
)
def test_the_kernels_count_is_read(tmp_path: Path, files: dict[str, str], kills: int) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert oom_kills([tmp_path / "memory.events", tmp_path / "memory.oom_control"]) == kills


def test_the_log_hears_of_a_slow_start_with_its_place() -> None:
    progress = StartProgress("score.py", since=100.0)
    progress.update({"type": "stage", "stage": "import"}, 101.0)
    progress.update({"type": "stage", "stage": "init"}, 110.0)
    progress.update({"type": "progress", "stage": "init", "location": AT}, 115.0)
    assert progress.report(140.4) == (
        "score.py has been in init() for 30 s, now at score.py:12 (model = download()). The "
        "service is not ready before init() returns."
    )


def test_a_place_that_is_not_known_is_left_out() -> None:
    assert StartProgress("score.py", since=1.0).report(32.0) == (
        "score.py has been in its import for 31 s. The service is not ready before init() returns."
    )


@pytest.mark.parametrize(
    ("end", "description", "outcome"),
    [
        (ProcessExit(0), "ended with exit code 0", Outcome.EXITED),
        (ProcessExit(-11), "was killed by SIGSEGV", Outcome.CRASHED),
        (ProcessExit(-6), "was killed by SIGABRT", Outcome.CRASHED),
        (ProcessExit(-9), "was killed by SIGKILL", Outcome.KILLED),
        (ProcessExit(-40), "was killed by signal 40", Outcome.KILLED),
        (
            ProcessExit(-9, out_of_memory=True),
            "used more memory than the container may have and was killed by the kernel",
            Outcome.OUT_OF_MEMORY,
        ),
    ],
)
def test_an_end_has_words_and_an_outcome(
    end: ProcessExit, description: str, outcome: Outcome
) -> None:
    assert (end.description, end.outcome) == (description, outcome)


@pytest.mark.parametrize(
    ("end", "exception"),
    [
        (ProcessExit(1), "ProcessExited"),
        (ProcessExit(-9), "ProcessKilled"),
        (ProcessExit(-9, out_of_memory=True), "OutOfMemory"),
    ],
)
def test_a_death_has_a_name(end: ProcessExit, exception: str) -> None:
    found = exit_failure(end, StartProgress("score.py", stage="init"))
    assert (found.stage, found.exception) == ("init", exception)
    assert found.message == f"The process that runs score.py {end.description} during init()."


def test_an_interruption_says_where_the_script_was() -> None:
    assert interruption_failure(
        StartProgress("score.py", stage="init", location=AT), 310.4
    ) == Failure(
        "init",
        "InitInterrupted",
        "The service was told to stop after 310 s; score.py was still in init().",
        AT,
    )


def test_the_dead_of_a_session_are_not_left_in_the_table_of_processes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INIT], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.stdout, done.stderr) == ("reaped\n", "")
