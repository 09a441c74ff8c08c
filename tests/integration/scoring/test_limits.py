"""Busy, slow and dying scripts: the 503s that explain themselves, time-outs, outcomes, liveness."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.ports import free_port
from tests.integration.scoring.conftest import Serve
from tests.integration.scoring.raw_http import Raw, request
from tests.integration.scoring.service import ECHO, Gate, Service, wait_until

HELD = Gate.WAIT + (
    "\ndef init():\n    pass\n\n\ndef run(data):\n    wait_for('{gate}')\n    return data\n"
)
DYING = """
import os
import signal
import time


def init():
    pass


def run(data):
    if data == "leave":
        os._exit(0)
    if data == "spin":
        open("child", "w").write(str(os.fork() or time.sleep(3600)))
        sum(range(10**12))
    if data in ("SIGSEGV", "SIGABRT", "SIGKILL"):
        os.kill(os.getpid(), getattr(signal, data))
    return os.getpid()
"""
RUN_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."


def held(serve: Serve, gate: Gate, **environment: Any) -> Service:
    return serve(HELD.replace("{gate}", str(gate)), **environment).until_ready()


def state(service: Service) -> dict[str, int]:
    found: dict[str, int] = service.get("/-/slots").json()
    return found


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"FAIRLEAD_MAX_QUEUE_WAIT_MS": "0"}, "busy"),
        ({"FAIRLEAD_QUEUE_LIMIT": "0"}, "busy"),
        ({"FAIRLEAD_MAX_QUEUE_WAIT_MS": "50"}, "queue_timeout"),
        ({"FAIRLEAD_MAX_QUEUE_WAIT_MS": "60000", "FAIRLEAD_QUEUE_LIMIT": "1"}, "queue_full"),
    ],
)
def test_who_gets_no_slot_is_told_why_and_when_to_come_again(
    serve: Serve, gate: Gate, environment: dict[str, str], reason: str
) -> None:
    service = held(serve, gate, **environment)
    with Raw(service) as first, Raw(service) as second:
        first.send(request("1"))
        wait_until(lambda: gate.reached, "run() to block")
        if reason == "queue_full":
            second.send(request("2"))
            wait_until(lambda: state(service)["queued"] == 1, "the second to wait")
        refused = service.score("3")
        assert refused.status_code == 503
        assert refused.json()["reason"] == refused.headers["x-fairlead-503-reason"] == reason
        assert list(refused.json()) == ["message", "reason"]
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.headers["x-ms-run-function-failed"] == "False"
        assert state(service)["rejected"] == 1
        gate.open()
        assert first.answer().json == "1"
    wait_until(lambda: state(service)["busy"] == 0, "the slot to be free")
    assert service.score("4").json() == "4"


def test_when_to_come_again_follows_how_long_requests_take(serve: Serve) -> None:
    script = (
        "import time\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    time.sleep(float(data))\n"
    )
    service = serve(script, FAIRLEAD_QUEUE_LIMIT="3").until_ready()
    service.score("1.05")
    with Raw(service) as raw, Raw(service) as other, Raw(service) as third, Raw(service) as last:
        for each in (raw, other, third, last):
            each.send(request("1.05"))
        wait_until(lambda: state(service)["queued"] == 3, "the queue to be full")
        assert 5 <= int(service.score("0").headers["retry-after"]) <= 8  # four, each of 1.05 s


def test_without_a_limit_everybody_waits(serve: Serve, gate: Gate) -> None:
    service = held(serve, gate)
    clients = [Raw(service).send(request(str(number))) for number in range(100)]
    wait_until(lambda: state(service)["queued"] == 99, "the queue")
    gate.open()
    assert [client.answer().json for client in clients] == [str(number) for number in range(100)]


def test_what_takes_too_long_is_ended_with_all_that_it_has_started(serve: Serve) -> None:
    service = serve(DYING, SCORING_TIMEOUT_MS="1000").until_ready()
    first = service.score("").json()
    began = time.monotonic()
    answer = service.score("spin", x_request_id="slow")
    assert 1.0 <= time.monotonic() - began < 15
    assert (answer.status_code, answer.json()) == (
        500,
        {"message": "Scoring timeout after 1000 ms"},
    )
    assert answer.headers["x-ms-run-function-failed"] == "True"
    assert answer.headers["x-fairlead-outcome"] == "timeout"
    assert answer.headers["x-request-id"] == "slow"
    assert service.score("").json() != first
    assert not Path(f"/proc/{first}").exists()
    child = (service.root / "child").read_text()
    wait_until(lambda: not is_alive(int(child)), "its child to be ended as well")
    assert "was killed because run() took longer than SCORING_TIMEOUT_MS" in service.err
    assert service.get("/").text == "Healthy"


def is_alive(pid: int) -> bool:
    """Whether it runs; what nobody has waited for is a zombie, and does not."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_no_time_out_is_no_time_out(serve: Serve) -> None:
    script = "import time\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    time.sleep(0.5)\n"
    assert serve(script, SCORING_TIMEOUT_MS="0").until_ready().score("").status_code == 200


def test_the_wait_in_the_queue_is_no_part_of_the_time_out(serve: Serve) -> None:
    script = "import time\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    time.sleep(0.3)\n"
    service = serve(script, SCORING_TIMEOUT_MS="2000").until_ready()
    clients = [Raw(service).send(request("")) for _ in range(8)]
    assert [client.answer().status for client in clients] == [200] * 8


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        ("leave", "exited"),
        ("SIGSEGV", "crashed"),
        ("SIGABRT", "crashed"),
        ("SIGKILL", "killed"),
    ],
)
def test_how_a_slot_died_is_in_the_answer(serve: Serve, how: str, outcome: str) -> None:
    service = serve(DYING).until_ready()
    answer = service.score(how)
    assert (answer.status_code, answer.json()) == (500, {"message": RUN_FAILED})
    assert answer.headers["x-fairlead-outcome"] == outcome
    assert answer.headers["x-ms-run-function-failed"] == "True"
    assert "x-fairlead-outcome" not in service.score("").headers
    metrics = service.get("/metrics").text
    assert f'fairlead_slot_restarts_total{{reason="{outcome}"}} 1.0' in metrics


def test_a_script_that_only_dies_turns_liveness_red_and_an_answer_turns_it_green(
    serve: Serve,
) -> None:
    service = serve(DYING).until_ready()

    def dies() -> bool:
        service.score("leave")
        return service.get("/").status_code == 503

    wait_until(dies, "liveness to turn red")
    red = service.get("/")
    assert red.json()["reason"] == red.headers["x-fairlead-503-reason"] == "crashing"
    assert int(red.headers["retry-after"]) >= 1
    early = service.score("")
    assert (early.status_code, early.json()["reason"]) == (503, "starting")
    service.until_ready()
    assert service.score("").status_code == 200
    assert service.get("/").text == "Healthy"


THREADS = (
    "import os, threading\n\n\ndef init():\n    pass\n\n\ndef run(data):\n"
    "    wait_for('{gate}' + data)\n    return [os.getpid(), threading.get_ident()]\n"
)


def test_slots_may_be_threads_of_one_process(serve: Serve, gate: Gate) -> None:
    service = serve(
        Gate.WAIT + THREADS.replace("{gate}", str(gate)),
        FAIRLEAD_SLOT_MODE="thread",
        FAIRLEAD_MAX_CONCURRENT_REQUESTS="3",
    ).until_ready()
    clients = [Raw(service).send(request("")) for _ in range(4)]
    wait_until(lambda: gate.reached == 3, "three to run")
    wait_until(lambda: state(service)["queued"] == 1, "the fourth to wait")
    assert (state(service)["slots"], state(service)["places"]) == (1, 3)
    gate.open()
    answers = [client.answer().json for client in clients]
    assert len({process for process, _ in answers}) == 1
    assert len({thread for _, thread in answers}) == 3


def test_a_thread_that_takes_too_long_keeps_its_place_until_all_do(
    serve: Serve, gate: Gate
) -> None:
    service = serve(
        Gate.WAIT + THREADS.replace("{gate}", str(gate)),
        FAIRLEAD_SLOT_MODE="thread",
        FAIRLEAD_MAX_CONCURRENT_REQUESTS="2",
        SCORING_TIMEOUT_MS="1000",
    ).until_ready()
    Path(f"{gate}open").touch()
    [process, _] = service.score("open").json()
    slow = service.score("slow")
    assert (slow.status_code, slow.headers["x-fairlead-outcome"]) == (500, "timeout")
    assert service.score("open").json()[0] == process, "the other thread goes on"
    assert "has taken longer than SCORING_TIMEOUT_MS allows. It is at:\n  File" in service.err
    assert "threading.py" not in service.err, "the stack begins with the script"
    assert service.score("slower").headers["x-fairlead-outcome"] == "timeout"
    assert service.score("open").json()[0] != process, "with both stuck it is started again"


def test_metrics_tell_what_has_happened(serve: Serve) -> None:
    service = serve(ECHO).until_ready()
    for _ in range(3):
        service.score("1")
    found = service.get("/metrics")
    assert found.headers["content-type"].startswith("text/plain; version=")
    values = dict(
        line.rsplit(" ", 1) for line in found.text.splitlines() if not line.startswith("#")
    )
    assert values['fairlead_requests_total{code="200"}'] == "3.0"
    assert values["fairlead_run_seconds_count"] == "3.0"
    assert values['fairlead_run_seconds_bucket{le="+Inf"}'] == "3.0"
    assert values["fairlead_queue_wait_seconds_count"] == "3.0"
    assert (values["fairlead_slots"], values["fairlead_slots_busy"]) == ("1.0", "0.0")
    assert (values["fairlead_ready"], values["fairlead_queue_length"]) == ("1.0", "0.0")
    assert 0 < float(values["fairlead_init_seconds"]) < 10


def test_health_metrics_and_state_stay_open_where_a_key_is_asked_for(
    serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "primaryKey").write_text("key")
    service = serve(ECHO, FAIRLEAD_KEYS_DIR=str(tmp_path / "keys")).until_ready()
    open_paths = ["/", "/ready", "/metrics", "/-/slots"]
    assert [service.get(path).status_code for path in open_paths] == [200] * 4
    assert service.get("/swagger.json").status_code == 401


def test_health_may_have_a_port_of_its_own(serve: Serve) -> None:
    port = free_port()
    service = serve(ECHO, SEPERATE_HEALTH_ENDPOINT="true", HEALTH_PORT=str(port)).until_ready()
    service.url = service.url.rpartition(":")[0] + f":{port}"
    assert service.get("/").text == "Healthy"


def test_metrics_and_state_may_have_a_port_of_their_own(serve: Serve) -> None:
    port = free_port()
    service = serve(ECHO, FAIRLEAD_METRICS_PORT=str(port)).until_ready()
    assert [service.get(path).status_code for path in ("/metrics", "/-/slots")] == [404] * 2
    service.url = service.url.rpartition(":")[0] + f":{port}"
    assert [service.get(path).status_code for path in ("/metrics", "/-/slots")] == [200] * 2
    others = ("/", "/ready", "/score", "/swagger.json", "/-/reload")
    assert [service.get(path).status_code for path in others] == [404] * len(others)


def test_a_slot_that_is_killed_while_idle_leaves_liveness_alone(serve: Serve) -> None:
    service = serve(DYING).until_ready()
    os.kill(service.score("").json(), signal.SIGKILL)
    wait_until(lambda: state(service)["restarts"] == 1, "the death to be seen")
    assert service.get("/").text == "Healthy"
    assert service.until_ready().score("").status_code == 200


def test_a_slow_start_says_so(serve: Serve, gate: Gate) -> None:
    script = (
        f"{Gate.WAIT}def init():\n    wait_for('{gate}')\n\n\ndef run(data):\n    return data\n"
    )
    service = serve(script, FAIRLEAD_INIT_WARNING_SECONDS="0.2")
    wait_until(lambda: "score.py has been in init() for " in service.out, "the log to say so")
    gate.open()
    service.until_ready()
