"""Slots: one request each, the others in order; what dies is replaced; health never waits."""

import os
import signal
import time

import httpx

from tests.integration.scoring.conftest import Serve
from tests.integration.scoring.service import Gate, Sent, wait_until

HELD = "def init():\n    pass\n\n\ndef run(data):\n    wait_for('{gate}' + data)\n    return data\n"
ORDERED = "seen = []\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    wait_for('{gate}')\n"
ORDERED += "    seen.append(data)\n    return seen\n"
DYING = """
import multiprocessing
import os
import threading
import time


def init():
    print("started")


def run(data):
    if data == "exit":
        threading.Thread(target=time.sleep, args=(3600,)).start()
        os._exit(4)
    if data == "kill":
        multiprocessing.get_context("fork").Process(target=time.sleep, args=(3600,)).start()
        os.kill(os.getpid(), 9)
    if data == "gate":
        wait_for(os.environ["GATE"])
        os._exit(1)
    return os.getpid()


"""
ONCE = """
import os


def init():
    os.mkdir("only-once")


def run(data):
    os._exit(1)
"""
RUN_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."


def held(gate: Gate) -> str:
    return Gate.WAIT + HELD.replace("{gate}", str(gate))


def test_health_is_instant_while_every_slot_is_busy(serve: Serve, gate: Gate) -> None:
    service = serve(held(gate)).until_ready()
    sent = [Sent(service, "") for _ in range(4)]
    wait_until(lambda: gate.reached, "run() to block")
    times = []
    with httpx.Client(base_url=service.url) as client:
        for _ in range(50):
            began = time.perf_counter()
            assert (client.get("/").text, client.get("/ready").status_code) == ("Healthy", 200)
            times.append(time.perf_counter() - began)
    gate.open()
    assert [request.answer() for request in sent] == [(200, "")] * 4
    assert min(times) < 0.03  # of two answers; without TCP_NODELAY each pair takes 0.08


def test_requests_beyond_the_slots_wait_in_order(serve: Serve, gate: Gate) -> None:
    service = serve(Gate.WAIT + ORDERED.replace("{gate}", str(gate))).until_ready()
    names = [f"request {number}" for number in range(8)]
    sent = [Sent(service, name) for name in names]
    gate.open()
    assert [request.answer() for request in sent] == [
        (200, names[: number + 1]) for number in range(len(names))
    ]


def test_as_many_run_at_once_as_there_are_slots(serve: Serve, gate: Gate) -> None:
    service = serve(held(gate), FAIRLEAD_MAX_CONCURRENT_REQUESTS="2").until_ready()
    sent = [Sent(service, "") for _ in range(3)]
    wait_until(lambda: gate.reached == 2, "two to run")
    assert service.get("/").text == "Healthy"
    assert gate.reached == 2
    gate.open()
    assert [request.answer() for request in sent] == [(200, "")] * 3
    assert gate.reached == 3


def test_a_slot_that_dies_answers_and_is_replaced(serve: Serve) -> None:
    service = serve(DYING).until_ready()
    first = service.score("").json()
    for how, words in (("exit", "ended with exit code 4"), ("kill", "was killed by SIGKILL")):
        answer = service.score(how, x_request_id=how)
        assert (answer.status_code, answer.json()) == (500, {"message": RUN_FAILED})
        assert answer.headers["x-ms-run-function-failed"] == "True"
        assert answer.headers["x-request-id"] == how
        wait_until(lambda: service.get("/ready").status_code == 200, "the new slot")
        assert f"The process that ran the script {words}. It is started again." in service.err
    assert service.score("").json() != first
    assert service.out.count("- started") == 3


def test_a_request_that_waits_is_served_by_the_new_slot(serve: Serve, gate: Gate) -> None:
    service = serve(DYING + Gate.WAIT, GATE=str(gate)).until_ready()
    sent = [Sent(service, "gate"), Sent(service, "")]
    wait_until(lambda: gate.reached, "run() to block")
    gate.open()
    dead, served = (request.answer() for request in sent)
    assert dead == (500, {"message": RUN_FAILED})
    assert served[0] == 200


def test_a_slot_that_dies_idle_is_replaced(serve: Serve) -> None:
    service = serve(DYING).until_ready()
    first = service.score("").json()
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: "It is started again." in service.err, "the death to be seen")
    assert service.until_ready().score("").json() != first


def test_a_slot_that_cannot_be_started_again_ends_the_service(serve: Serve) -> None:
    service = serve(ONCE).until_ready()
    assert service.score("").status_code == 500
    assert service.exit_code() == 3
    assert (service.record["stage"], service.record["exception"]) == ("init", "FileExistsError")
