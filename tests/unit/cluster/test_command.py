import threading
from pathlib import Path

import pytest

from tests.cluster.command import read, run, shown
from tests.cluster.errors import ClusterError
from tests.cluster.lanes import in_parallel


def test_a_failure_keeps_the_last_lines_of_what_was_said() -> None:
    script = "for n in $(seq 100); do echo line $n; done; exit 3"
    with pytest.raises(ClusterError, match=r"^`sh -c .*` failed \(exit code 3\)\.$") as failed:
        run(["sh", "-c", script])
    assert failed.value.tail[-2:] == ("line 99", "line 100")
    assert len(failed.value.tail) == 12


def test_a_program_that_takes_too_long_is_ended() -> None:
    with pytest.raises(ClusterError, match=r"`sleep 60` failed \(0 s\)\."):
        run(["sleep", "60"], seconds=0.1)
    with pytest.raises(ClusterError, match=r"`sleep 60` failed \(0 s\)\."):
        read(["sleep", "60"], seconds=0.1)


def test_a_missing_program_is_named() -> None:
    with pytest.raises(ClusterError, match="`no-such-program` is not installed on this"):
        read(["no-such-program"])


def test_what_is_given_is_read_and_what_is_said_is_returned() -> None:
    assert read(["cat"], text="hello") == "hello"


def test_a_long_command_is_shown_within_a_line() -> None:
    assert shown([Path("/usr/bin/docker"), "ps"]) == "docker ps"
    assert len(shown(["docker", "x" * 500])) == 160


def test_the_first_failure_stops_the_other_lane() -> None:
    sleeping = threading.Event()
    done: list[str] = []

    def sleep() -> None:
        sleeping.set()
        run(["sleep", "60"])

    def fail() -> None:
        sleeping.wait()
        run(["false"])

    with pytest.raises(ClusterError, match="`false` failed"):
        in_parallel([sleep, lambda: done.append("never")], [fail])
    assert done == []
