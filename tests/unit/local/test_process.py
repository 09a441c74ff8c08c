"""Services that are processes: found again by pid and start, ended with what they started."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fairlead.local.places import Places
from fairlead.local.process import Processes, end
from fairlead.local.service import LocalService
from tests.unit.local.services import service

SLEEPS = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"


@pytest.fixture
def keeper(tmp_path: Path) -> Processes:
    return Processes(Places(tmp_path / "state", tmp_path / "cache"))


@pytest.fixture
def process(tmp_path: Path) -> "Iterator[subprocess.Popen[bytes]]":
    with (tmp_path / "log").open("wb") as out:
        one = subprocess.Popen([sys.executable, "-c", SLEEPS], stdout=out)
    yield one
    one.kill()
    one.wait()


def kept(process: "subprocess.Popen[bytes]") -> LocalService:
    started = psutil.Process(process.pid).create_time()
    return service(pid=process.pid, started=started)


def test_one_that_runs_has_not_ended(
    keeper: Processes, process: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    assert keeper.ended(kept(process), tmp_path) is None


def test_another_process_with_its_number_is_another(
    keeper: Processes, process: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    (tmp_path / "termination-log").write_text("why")
    before = kept(process).model_copy(update={"started": 1.0})
    ended = keeper.ended(before, tmp_path)
    assert ended is not None
    assert ended.record == "why"
    keeper.stop(before, tmp_path)
    assert process.poll() is None, "somebody else's process was ended"


def test_one_that_was_never_started_has_ended(keeper: Processes, tmp_path: Path) -> None:
    assert keeper.ended(service(), tmp_path) is not None
    assert keeper.log(service(), tmp_path) == b""
    assert list(keeper.followed(service(), tmp_path)) == []


LISTENS = (
    "import socket, subprocess, sys, time\n"
    "one = socket.create_server((sys.argv[1], 0))\n"
    "print(one.getsockname()[1], flush=True)\n"
    "time.sleep(600)"
)
INSIDE = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"


@pytest.mark.parametrize("before", [[], [INSIDE]], ids=["itself", "what it has started"])
def test_who_listens_at_a_port(before: list[str], keeper: Processes) -> None:
    command = [sys.executable, "-c", *before, LISTENS, "127.0.0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            one = kept(process).model_copy(update={"port": port})
            assert keeper.addresses(one) == {"127.0.0.1"}
            assert keeper.addresses(one.model_copy(update={"port": 1})) == set()
            assert keeper.addresses(one.model_copy(update={"started": 1.0})) == set()
        finally:
            end(psutil.Process(process.pid))


def test_its_log_is_kept_as_the_previous_one(
    keeper: Processes, process: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    one = kept(process)
    pieces = keeper.followed(one, tmp_path)
    assert next(pieces).strip() == b"up"
    assert keeper.log(one, tmp_path).strip() == b"up"
    keeper.stop(one, tmp_path)
    assert keeper.ended(one, tmp_path) is not None
    assert list(pieces) == []
    assert (tmp_path / "previous.log").read_bytes().strip() == b"up"


def test_one_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairlead.local.process.END_TIMEOUT_S", 0.2)
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        end(psutil.Process(process.pid))
        process.wait(300)  # the kernel may take its time on a busy machine
        assert not psutil.pid_exists(process.pid)


def test_an_environment_goes_with_the_last_that_has_it(keeper: Processes, tmp_path: Path) -> None:
    folder = tmp_path / "cache/environments" / ("a" * 16)
    folder.mkdir(parents=True)
    one, other = service(environment="a" * 64), service("other", environment="a" * 64)
    keeper.forget(one, (other,))
    assert folder.is_dir()
    keeper.forget(one, ())
    assert not folder.exists()
