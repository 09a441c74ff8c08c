"""A child that is a fork: how it ends is known, and nothing of its parent runs in it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from fairlead.tasks.fork import Fork

DEADLINE_S = 60.0


def code_of(work: Callable[[], object]) -> int:
    fork, deadline = Fork(work), time.monotonic() + DEADLINE_S
    while fork.code is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)  # poll
    return fork.code


@pytest.mark.parametrize(("asked", "code"), [(None, 0), (0, 0), (7, 7), (256 + 3, 3), ("no", 1)])
def test_its_code_is_that_of_the_exit(asked: int | str | None, code: int) -> None:
    assert code_of(lambda: sys.exit(asked)) == code


def test_work_that_returns_is_done() -> None:
    assert code_of(lambda: "a value") == 0


def test_a_signal_is_told() -> None:
    assert code_of(lambda: os.kill(os.getpid(), signal.SIGKILL)) == -signal.SIGKILL


def test_an_exception_is_told_and_none_of_the_parents_frames_go_on(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def fails() -> None:
        raise LookupError("nobody expected it")

    assert code_of(fails) == 1
    assert "LookupError: nobody expected it" in capfd.readouterr().err


def test_a_child_whose_output_nobody_takes_ends_all_the_same() -> None:
    """It must not go on with what its parent has still to do: so this has a parent of its own."""
    code = (
        "import os, sys\n"
        "from fairlead.tasks.fork import Fork\n"
        "def broken():\n"
        "    raise OSError('nobody reads this')\n"
        "def work():\n"
        "    sys.stdout.flush = broken\n"
        "    sys.exit(7)\n"
        "parent = os.getpid()\n"
        "try:\n"
        "    fork = Fork(work)\n"
        "finally:\n"
        "    if os.getpid() != parent:\n"
        "        os.write(1, b'the child goes on')\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(fork.pid, 0)[1]))\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, timeout=DEADLINE_S, check=True)
    assert done.stdout == b"7\n"
