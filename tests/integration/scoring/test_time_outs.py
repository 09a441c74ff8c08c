"""What ends one request ends no process: time-outs, ``sys.exit()`` and their like in ``run()``."""

import pytest

from tests.integration.scoring.conftest import Serve
from tests.integration.scoring.service import Service, wait_until

SLOW = """
import asyncio, os, signal, subprocess, sys, threading, time

started = []


def init():
    started.append(os.getpid())
    print("initialised")


def wait():
    while True:
        time.sleep(0.01)


def patient():
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            pass


def stubborn():
    while True:
        try:
            time.sleep(0.01)
        except BaseException:
            pass


def deaf():
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    wait()


def masked():
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    wait()


def defaults():
    for number in range(32, 65):
        try:
            signal.signal(number, signal.SIG_DFL)
        except (OSError, ValueError):
            pass
    wait()


WAITS = {
    "wait": wait,
    "patient": patient,
    "stubborn": stubborn,
    "deaf": deaf,
    "masked": masked,
    "defaults": defaults,
    "in C": lambda: sum(range(10**12)),
    "lock": lambda: threading.Lock().acquire() and threading.Event().wait(),
    "child": lambda: subprocess.run(["sleep", "3600"]),
    "loop": lambda: asyncio.run(asyncio.sleep(3600)),
}


def run(data):
    if data in WAITS:
        try:
            WAITS[data]()
        finally:
            print("cleaned up")
    if data == "own timeout":
        raise TimeoutError
    return started
"""
TIMED_OUT = {"message": "Scoring timeout after 1000 ms"}
RUN_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
RAISED = """
import asyncio, os, sys, threading

ENDS = {
    "exit": SystemExit(4),
    "cancelled": asyncio.CancelledError(),
    "keyboard": KeyboardInterrupt(),
    "generator": GeneratorExit(),
    "own": type("Own", (BaseException,), {})("of its own"),
}


def init():
    print("initialised")


def run(data):
    if data == "thread":
        thread = threading.Thread(target=sys.exit, args=(4,))
        thread.start()
        thread.join()
    if data in ENDS:
        raise ENDS[data]
    return os.getpid()
"""


def timed_out(service: Service, how: str) -> None:
    answer = service.score(how, x_request_id=how.replace(" ", "-"))
    assert (answer.status_code, answer.json()) == (500, TIMED_OUT)
    assert answer.headers["x-fairlead-outcome"] == "timeout"


def test_a_time_out_interrupts_run_and_keeps_its_process(serve: Serve) -> None:
    service = serve(SLOW, SCORING_TIMEOUT_MS="1000").until_ready()
    started = service.score("").json()
    for how in ("wait", "patient", "lock", "child", "loop"):
        timed_out(service, how)
        assert service.score("").json() == started, f"the same process after {how}"
        assert f"run() in request {how} has taken longer than SCORING_TIMEOUT_MS" in service.err
    line = 1 + SLOW[: SLOW.index("time.sleep")].count("\n")
    assert f'File "{service.root}/score.py", line {line}, in wait\n' in service.err
    assert "fairlead_scoring/slot" not in service.err, "the stack is the script's"
    assert service.out.count("cleaned up") == 5
    assert service.out.count("initialised") == 1


@pytest.mark.parametrize("how", ["stubborn", "deaf", "masked", "in C", "defaults"])
def test_who_ignores_the_interrupt_is_killed_and_replaced(serve: Serve, how: str) -> None:
    service = serve(SLOW, SCORING_TIMEOUT_MS="1000").until_ready()
    started = service.score("").json()
    timed_out(service, how)
    assert service.score("").json() != started, "a new process"
    wait_until(lambda: "did not end when interrupted. It is started again." in service.err, "why")
    if how == "in C":
        assert "run() cannot be interrupted: it is in a call into C" in service.err
        assert "in <lambda>\n" in service.err, "the stack, all the same"
    assert service.get("/").text == "Healthy"


@pytest.mark.parametrize("mode", ["process", "thread"])
def test_what_run_raises_ends_one_request(serve: Serve, mode: str) -> None:
    threads = "2" if mode == "thread" else "1"
    service = serve(
        RAISED, FAIRLEAD_SLOT_MODE=mode, FAIRLEAD_MAX_CONCURRENT_REQUESTS=threads
    ).until_ready()
    process = service.score("").json()
    for how in ("exit", "cancelled", "keyboard", "generator", "own"):
        answer = service.score(how, x_request_id=how)
        assert (answer.status_code, answer.json()) == (500, {"message": RUN_FAILED})
        assert answer.headers["x-ms-run-function-failed"] == "True"
        assert service.score("").json() == process
        assert f"run() failed in request {how}. Encountered Exception: Traceback" in service.err
    assert service.score("thread").json() == process
    assert service.out.count("initialised") == 1
