"""Processes: they end with the front, nothing is left of them, and what does not start says so."""

import signal
import sys
import time
import venv
from functools import partial
from pathlib import Path

import pytest

from tests.integration.scoring.conftest import Serve
from tests.integration.scoring.raw_http import Raw, request
from tests.integration.scoring.service import ECHO, Service, wait_until

SCRIPT = """
import multiprocessing, os, subprocess, sys, time


def init():
    pass


def note(pid):
    with open("pids", "a") as file:
        file.write(f"{pid}\\n")


def orphan():
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            time.sleep(0.01)
        os._exit(0)
    os.waitpid(child, 0)


def run(data):
    if data in ("in C", "waiting"):
        note(os.getpid())
        note(subprocess.Popen(["sleep", "3600"]).pid)
        note(subprocess.Popen(["sh", "-c", "sleep 3600; true"]).pid)
        child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(3600,))
        child.start()
        note(child.pid)
        note("all")
        sum(range(10**12)) if data == "in C" else time.sleep(3600)
    if data == "orphan":
        orphan()
    if data == "fork":
        os.fork()
    if data == "leave":
        os._exit(7)
    if data == "close":
        os.closerange(3, 100)
    if data == "hold":
        if os.fork() == 0:
            os.setsid()
            time.sleep(20)
            os._exit(0)
        os._exit(7)
    return os.getpid()
"""
PR_SET_CHILD_SUBREAPER = 36
AS_PROCESS_1 = (
    sys.executable,
    "-c",
    f"import ctypes, os, sys; ctypes.CDLL(None).prctl({PR_SET_CHILD_SUBREAPER}, 1, 0, 0, 0); "
    "os.execv(sys.argv[1], sys.argv[1:])",
)


def states_of_children(parent: int) -> list[str]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, its_parent = stat.read_text().rpartition(") ")[2].split()[:2]
        except OSError:
            continue
        if int(its_parent) == parent:
            found.append(state)
    return found


def is_running(pid: str) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("how", ["waiting", "in C"])
def test_what_a_killed_front_has_started_ends_with_it(serve: Serve, how: str) -> None:
    service = serve(SCRIPT).until_ready()
    noted = service.root / "pids"
    ask(service, how)
    wait_until(lambda: noted.exists() and "all" in noted.read_text(), "the script's children")
    service.process.kill()
    pids = noted.read_text().split()[:-1]
    assert len(pids) == 4
    wait_until(lambda: not any(map(is_running, pids)), "all of them to end")


def ask(service: Service, text: str) -> None:
    """Send a request whose answer nobody waits for."""
    Raw(service).send(request(text))


def test_orphans_are_reaped_and_exits_are_still_seen(serve: Serve) -> None:
    service = serve(SCRIPT, prefix=AS_PROCESS_1).until_ready()
    for _ in range(50):
        assert service.score("orphan").status_code == 200
    assert service.score("leave").status_code == 500
    wait_until(lambda: states_of_children(service.process.pid) == ["S"], "one slot to be left")
    assert "The process that ran the script ended with exit code 7." in service.err


def test_signals_that_mean_nothing_end_nothing(serve: Serve) -> None:
    service = serve(ECHO).until_ready()

    def is_told(number: signal.Signals) -> bool:
        return f"{number.name} has no meaning here" in service.out

    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        service.process.send_signal(number)
        wait_until(partial(is_told, number), "it to be told")
    assert service.score("1").json() == "1"
    service.told_to_stop()
    assert service.exit_code() == 0


def test_a_process_that_cannot_be_started_is_named(serve: Serve, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", symlinks=True)
    python = tmp_path / "env" / "bin" / "python"
    service = serve(SCRIPT, python=python).until_ready()
    python.rename(python.with_name("gone"))
    assert service.score("leave").status_code == 500
    words = f"No process can be started for score.py: {python}: No such file or directory."
    wait_until(lambda: words in service.err, "what is missing")
    python.with_name("gone").rename(python)
    assert service.until_ready().score("").status_code == 200


def test_a_forked_process_that_returns_from_run_answers_nothing(serve: Serve) -> None:
    service = serve(SCRIPT).until_ready()
    process = service.score("").json()
    assert service.score("fork", x_request_id="r-1").json() == process
    wait_until(lambda: "run() forked in request r-1 has returned" in service.out, "it to be told")
    assert [service.score("").json() for _ in range(10)] == [process] * 10


def test_a_child_that_holds_the_pipe_does_not_hold_up_the_end(serve: Serve) -> None:
    service = serve(SCRIPT).until_ready()
    began = time.monotonic()
    answer = service.score("hold")
    assert (answer.status_code, answer.headers["x-fairlead-outcome"]) == (500, "exited")
    assert time.monotonic() - began < 15, "the child holds it for 20 s"
    assert service.score("").status_code == 200


def test_a_script_that_closes_the_pipe_is_told_so(serve: Serve) -> None:
    service = serve(SCRIPT).until_ready()
    assert service.score("close").status_code == 500
    assert service.score("").status_code == 200
    assert "The script has closed or replaced descriptor" in service.err


def test_a_model_folder_that_does_not_exist_is_warned_of(serve: Serve) -> None:
    service = serve(ECHO, AZUREML_MODEL_DIR="azureml-models/none/1").until_ready()
    assert (
        f"AZUREML_MODEL_DIR is {service.root}/azureml-models/none/1, which does not exist"
        in service.out
    )
    service = serve(ECHO, AZUREML_MODEL_DIR=".").until_ready()
    assert "does not exist" not in service.out
