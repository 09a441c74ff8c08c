import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.cluster.errors import ClusterError
from tests.cluster.places import Places
from tests.cluster.processes import alive, end, orphans, start, started
from tests.cluster.state import Process, State, begin_state, read_state, record, write_state


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(checkout=tmp_path / "checkout", cache=tmp_path / "cache")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def identity(process: subprocess.Popen[bytes]) -> Process:
    return Process("sleeper", process.pid, started(process.pid) or "")


def test_what_is_started_is_recorded_and_can_be_ended(places: Places) -> None:
    process = start(places, "sleeper", ["sleep", "60"])
    state = read_state(places)
    assert state is not None
    assert state.processes == (process,)
    assert alive(process)
    end(places, process)
    assert not alive(process)
    assert read_state(places) == replace(state, processes=())


def test_what_a_killed_process_of_ours_had_started_is_found(places: Places) -> None:
    parent = start(places, "operator", ["sh", "-c", "sleep 60 & wait"])
    deadline = time.monotonic() + 60
    while not (children := psutil.Process(parent.pid).children()):
        assert time.monotonic() < deadline
    assert orphans(places, spared="operator") == []
    os.kill(parent.pid, signal.SIGKILL)
    assert orphans(places, spared="dockerd") == children
    children[0].kill()
    end(places, parent)


def test_a_stranger_who_got_the_same_pid_is_not_ended(
    places: Places, sleeper: subprocess.Popen[bytes]
) -> None:
    before = replace(identity(sleeper), started="an earlier moment")
    record(places, before)
    end(places, before)
    assert alive(identity(sleeper))


def test_a_process_that_ended_is_not_alive(sleeper: subprocess.Popen[bytes]) -> None:
    process = identity(sleeper)
    sleeper.kill()
    sleeper.wait()
    assert not alive(process)


def test_a_zombie_is_not_alive(sleeper: subprocess.Popen[bytes], places: Places) -> None:
    process = identity(sleeper)
    end(places, process)  # nobody has waited for it yet
    assert not alive(process)


def test_nothing_recorded_means_nothing_left(places: Places) -> None:
    assert read_state(places) is None


def test_a_new_run_is_recorded_with_what_still_runs(places: Places) -> None:
    engine, operator = Process("dockerd", 7, "boot 1"), Process("operator", 8, "boot 1")
    write_state(places, State("/another/checkout", "2026-11-24 10:03:00", (engine, operator)))
    begin_state(places, [engine])
    state = read_state(places)
    assert state is not None
    assert (state.checkout, state.processes) == (str(places.checkout), (engine,))


def test_an_unreadable_record_is_not_guessed_at(places: Places) -> None:
    places.run.mkdir(parents=True)
    (places.run / "state.json").write_text('{"checkout": "/a"')
    with pytest.raises(ClusterError, match="cannot be read, so it is unknown what an earlier run"):
        read_state(places)
