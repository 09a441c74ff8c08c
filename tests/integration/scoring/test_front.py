"""The front with its real configuration, before real runtimes: the queue, statuses, causes."""

import asyncio
import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from fairlead.desired.front_configuration import FrontParameters, front_configuration
from fairlead.desired.request_limits import RequestLimits
from fairlead.metrics_api.sample import FRONT_PATH, POD_PATH, Counted, of_front, of_pod
from fairlead.metrics_api.scrape import MAX_BYTES, Scraper
from fairlead.metrics_api.targets import Target
from tests.cluster.ports import listens
from tests.dns_server import DnsServer
from tests.haproxy import FrontProcess, haproxy
from tests.integration.scoring.conftest import Serve
from tests.integration.scoring.service import CLIENT, ECHO, PLAIN, Gate, Service, wait_until

PODS = "credit-fairlead-pods.demo.svc.cluster.local"
ANYONE = "credit-fairlead-any.demo.svc.cluster.local"
FEW = "credit-fairlead-few.demo.svc.cluster.local"
LIMITS = RequestLimits(slots=1, queue_wait_ms=500, scoring_timeout_ms=60_000, body_mb=1)
PARAMETERS = FrontParameters("credit", PODS, 5001, 21, LIMITS, ANYONE, FEW)
RUN = "\n\ndef run(data):\n    return data\n"
PATIENT = replace(LIMITS, queue_wait_ms=60_000)
UNAVAILABLE, BAD_GATEWAY, TIMED_OUT = 503, 502, 504
QUEUED = 'haproxy_backend_current_queue{proxy="scoring"}'


class StartFront(Protocol):
    def __call__(
        self,
        *services: Service,
        limits: RequestLimits = ...,
        fronts: int = ...,
        at_most: int | None = ...,
        until: int | None = ...,
    ) -> FrontProcess: ...


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartFront]:
    """Start a front before these services, once it has seen that all are ready, or ``until``."""
    started: list[FrontProcess] = []

    def begin(
        *services: Service,
        limits: RequestLimits = LIMITS,
        fronts: int = 1,
        at_most: int | None = None,
        until: int | None = None,
    ) -> FrontProcess:
        servers = [service.url.removeprefix("http://") for service in services]
        front = replace(PARAMETERS, limits=limits, fronts=fronts, at_most=at_most)
        folder = tmp_path / f"front-{len(started)}"
        started.append(FrontProcess(folder, front, servers or ["127.0.0.1:9"]))
        process = started[-1]
        if until is not None:
            wait_until(process.healthy, "the front")
        elif services:
            wait_until(lambda: process.ready_servers() == len(services), "the front to see all")
        else:
            wait_until(process.healthy, "the front")
        return process

    yield begin
    for process in started:
        process.end()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as threads:
        yield threads


def score(front: FrontProcess, text: str = "1", path: str = "/score") -> httpx.Response:
    return CLIENT.post(f"{front.url}{path}", content=text, headers=PLAIN)


def waiting(gate: Gate) -> str:
    body = f"    wait_for({str(gate)!r})\n    return data\n"
    return f"{Gate.WAIT}def init():\n    pass\n\n\ndef run(data):\n{body}"


def assert_unavailable(response: httpx.Response, reason: str) -> None:
    assert response.status_code == UNAVAILABLE
    assert response.headers["x-fairlead-503-reason"] == reason
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-ms-run-function-failed"] == "False"
    assert int(response.headers["retry-after"]) >= 1
    body = response.json()
    assert body.keys() == {"message", "reason"}
    assert body["reason"] == reason


@pytest.mark.parametrize("fronts", [1, 2])
def test_haproxy_takes_the_configuration(tmp_path: Path, fronts: int) -> None:
    file = tmp_path / "haproxy.cfg"
    most = RequestLimits(1000, 3_600_000, 3_600_000, 1_048_576)
    for limits in (LIMITS, most):
        file.write_text(front_configuration(replace(PARAMETERS, limits=limits, fronts=fronts)))
        checked = subprocess.run(
            [haproxy(), "-c", "-f", str(file)], capture_output=True, text=True, check=False
        )
        assert (checked.returncode, "WARNING" in checked.stderr) == (0, False), checked.stderr


def test_both_paths_reach_the_script_and_nothing_else_does(serve: Serve, start: StartFront) -> None:
    service = serve(ECHO).until_ready()
    front = start(service)
    for prefix in ("", "/api/v1/service/credit"):
        assert score(front, "[1]", f"{prefix}/score").json() == "[1]"
        swagger = CLIENT.get(f"{front.url}{prefix}/swagger.json")
        assert swagger.content == service.get("/swagger.json").content
    health = CLIENT.get(f"{front.url}/")
    assert (health.status_code, health.text) == (200, "Healthy")
    assert health.headers["content-type"] == service.get("/").headers["content-type"]
    for path in ("/metrics", "/-/slots", "/ready", "/api/v1/service/other/score", "/score/x"):
        response = CLIENT.get(f"{front.url}{path}")
        assert (path, response.status_code) == (path, 404)
        assert response.json() == service.get("/no-such-path").json()


def test_as_many_run_as_there_are_slots_and_the_next_waits(
    serve: Serve, start: StartFront, gate: Gate, pool: ThreadPoolExecutor
) -> None:
    services = [serve(waiting(gate)).until_ready() for _ in range(2)]
    front = start(*services, limits=PATIENT)
    answers = [pool.submit(score, front, str(number)) for number in range(5)]
    wait_until(lambda: front.metrics()[QUEUED] == 3, "three to be queued")
    wait_until(lambda: gate.reached == 2, "two to run")
    gate.open()
    assert sorted(answer.result().text for answer in answers) == [f'"{n}"' for n in range(5)]


def test_who_waits_too_long_is_told_so(
    serve: Serve, start: StartFront, gate: Gate, pool: ThreadPoolExecutor
) -> None:
    front = start(serve(waiting(gate)).until_ready())
    first = pool.submit(score, front)
    wait_until(lambda: gate.reached == 1, "the first to run")
    response = score(front)
    assert_unavailable(response, "queue_timeout")
    assert response.elapsed.total_seconds() >= LIMITS.queue_wait_ms / 1000
    gate.open()
    assert first.result().status_code == 200
    wait_until(lambda: len(front.access_log()) == 2, "two lines")
    refused = next(line for line in front.access_log() if line["status"] == UNAVAILABLE)
    assert (refused["reason"], refused["queue_ms"] >= 500) == ("queue_timeout", True)


def test_what_the_metrics_api_reads_of_a_front_is_what_happened(
    serve: Serve, start: StartFront, gate: Gate, pool: ThreadPoolExecutor
) -> None:
    """One runs, one waits; then one has had an answer, and the other none for want of a replica."""
    front = start(serve(waiting(gate)).until_ready(), limits=replace(LIMITS, queue_wait_ms=3000))
    first = pool.submit(score, front)
    wait_until(lambda: gate.reached == 1, "the first to run")
    second = pool.submit(score, front)
    wait_until(lambda: front.metrics()[QUEUED] == 1, "the second to wait")
    assert of_front(front.metrics_text(FRONT_PATH)) == Counted(1, 1, 1, 0)
    assert second.result().status_code == UNAVAILABLE
    gate.open()
    assert first.result().status_code == 200
    wait_until(lambda: counted(front).busy == 0, "nothing to run")
    assert counted(front) == Counted(busy=0, queued=0, admitted=1, rejected=1)
    alone = start()
    wait_until(lambda: score(alone).headers["x-fairlead-503-reason"] == "starting", "no replica")
    before = counted(alone).rejected
    assert_unavailable(score(alone), "starting")
    wait_until(lambda: counted(alone).rejected == before + 1, "refused at once is refused, too")


def test_fronts_and_replicas_are_asked_as_the_metrics_api_asks_them(
    serve: Serve, start: StartFront
) -> None:
    service = serve(ECHO).until_ready()
    front, text_bytes = start(service), list[int]()

    def told(read: Callable[[str], Counted | None], port: int, path: str) -> Counted | None:
        def measured(text: str) -> Counted | None:
            text_bytes.append(len(text))
            return read(text)

        target = Target("uid", "127.0.0.1", port, path)
        return asyncio.run(Scraper().ask("demo", target, measured))

    wait_until(lambda: told(of_front, front.metrics_port, FRONT_PATH), "the front to tell")
    port = int(service.url.rpartition(":")[2])
    wait_until(lambda: told(of_pod, port, POD_PATH), "the replica to tell")
    assert max(text_bytes) < MAX_BYTES / 2


def counted(front: FrontProcess) -> Counted:
    found = of_front(front.metrics_text(FRONT_PATH))
    assert found is not None
    return found


def test_what_the_metrics_api_reads_of_a_replica_is_what_happened(
    serve: Serve, gate: Gate, pool: ThreadPoolExecutor
) -> None:
    service = serve(waiting(gate), FAIRLEAD_MAX_QUEUE_WAIT_MS="1").until_ready()

    def told() -> Counted:
        found = of_pod(service.get(POD_PATH).text)
        assert found is not None
        return found

    first = pool.submit(CLIENT.post, f"{service.url}/score", content="1", headers=PLAIN)
    wait_until(lambda: gate.reached == 1, "the first to run")
    refused = CLIENT.post(f"{service.url}/score", content="1", headers=PLAIN)
    assert refused.status_code == UNAVAILABLE
    assert told() == replace(told(), busy=1, queued=0, admitted=0, rejected=1, slots=1)
    gate.open()
    assert first.result().status_code == 200
    wait_until(lambda: told().busy == 0, "nothing to run")
    assert told().admitted == 1
    assert max(told().run_seconds.values()) == 1


def test_no_more_wait_than_may_wait(
    serve: Serve, start: StartFront, gate: Gate, pool: ThreadPoolExecutor
) -> None:
    front = start(serve(waiting(gate)).until_ready(), limits=PATIENT)
    taken: list[Future[httpx.Response]] = [pool.submit(score, front) for _ in range(11)]
    wait_until(lambda: front.metrics()[QUEUED] == 10, "ten to be queued")
    assert_unavailable(score(front), "queue_full")
    gate.open()
    assert [answer.result().status_code for answer in taken] == [200] * 11


def test_without_a_replica_the_cause_is_that_none_is_ready(start: StartFront) -> None:
    front = start()
    wait_until(lambda: score(front).headers["x-fairlead-503-reason"] == "starting", "no replica")
    assert_unavailable(score(front), "starting")
    assert_unavailable(CLIENT.get(f"{front.url}/"), "starting")


ENDINGS = """\
import os, time


def init():
    pass


def run(data):
    if data == "raise":
        raise ValueError("no")
    if data == "exit":
        os._exit(1)
    time.sleep(60 if data == "sleep" else 0)
    return AMLResponse("mine", int(data), json_str=False) if data.isdecimal() else data


from azureml.contrib.services.aml_response import AMLResponse
"""


def test_statuses_are_those_of_v1s_router(serve: Serve, start: StartFront) -> None:
    limits = replace(LIMITS, scoring_timeout_ms=3000)
    front = start(serve(ENDINGS, SCORING_TIMEOUT_MS="3000").until_ready(), limits=limits)
    seen = {text: score(front, text) for text in ("ok", "raise", "sleep", "418", "501")}
    codes = {text: response.status_code for text, response in seen.items()}
    assert codes == {"ok": 200, "raise": BAD_GATEWAY, "sleep": TIMED_OUT, "418": 418, "501": 501}
    assert seen["raise"].headers["x-ms-run-function-failed"] == "True"
    assert seen["sleep"].headers["x-fairlead-outcome"] == "timeout"
    assert "message" in seen["raise"].json()
    response = score(front, "exit")
    assert (response.status_code, response.headers["x-fairlead-outcome"]) == (502, "exited")


def test_a_replica_that_has_stopped_does_not_hold_its_client_for_ever(
    serve: Serve, start: StartFront
) -> None:
    service = serve(ECHO).until_ready()
    front = start(service, limits=replace(LIMITS, scoring_timeout_ms=100))
    os.kill(service.process.pid, signal.SIGSTOP)
    try:
        response = score(front)
        assert response.status_code == TIMED_OUT
        assert response.json() == {"message": "The replica has not answered in time."}
        wait_until(lambda: front.ready_servers() == 0, "the check to fail")
        assert_unavailable(score(front), "starting")
    finally:
        os.kill(service.process.pid, signal.SIGCONT)
    wait_until(lambda: score(front).status_code == 200, "the replica to serve again")


def test_a_replica_that_dies_in_run_is_told_and_the_next_one_serves(
    serve: Serve, start: StartFront, gate: Gate, pool: ThreadPoolExecutor
) -> None:
    dying, other = serve(waiting(gate)).until_ready(), serve(ECHO).until_ready()
    front = start(dying, other, limits=PATIENT)
    answers = [pool.submit(score, front) for _ in range(4)]
    wait_until(lambda: gate.reached == 1, "one to run where it waits")
    wait_until(lambda: sum(one.done() for one in answers) == 3, "the other replica to serve")
    dying.end()
    assert sorted(answer.result().status_code for answer in answers) == [200] * 3 + [BAD_GATEWAY]
    for _ in range(20):
        assert score(front).status_code == 200


def test_a_replica_that_drains_loses_no_request(
    serve: Serve, start: StartFront, pool: ThreadPoolExecutor
) -> None:
    services = [serve(ECHO, FAIRLEAD_DRAIN_SECONDS="8").until_ready() for _ in range(2)]
    front = start(*services, limits=PATIENT)
    gone = Future[None]()

    def load() -> list[int]:
        codes = []
        while not gone.done():
            codes.append(score(front).status_code)
        return codes

    loads = [pool.submit(load) for _ in range(3)]
    services[0].told_to_stop()
    try:
        assert services[0].exit_code() == 0
        wait_until(lambda: front.ready_servers() == 1, "the front to see it")
        assert score(front).status_code == 200
    finally:
        gone.set_result(None)
    assert {code for load in loads for code in load.result()} == {200}


def test_a_front_that_is_told_to_stop_ends_what_it_has_taken(
    serve: Serve, start: StartFront, gate: Gate, pool: ThreadPoolExecutor
) -> None:
    front = start(serve(waiting(gate)).until_ready(), limits=PATIENT)
    answers = [pool.submit(score, front) for _ in range(3)]
    wait_until(lambda: front.metrics()[QUEUED] == 2, "two to be queued")
    front.told_to_stop()
    wait_until(lambda: not connects(front), "the port to be closed")
    gate.open()
    assert [answer.result().status_code for answer in answers] == [200] * 3
    assert front.process.wait(120) == 0


def connects(front: FrontProcess) -> bool:
    host, _, port = front.address.partition(":")
    return listens(int(port), host)


def test_keys_are_the_runtimes_to_check(serve: Serve, start: StartFront, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "primaryKey").write_text("one")
    (keys / "secondaryKey").write_text("two")
    front = start(serve(ECHO, FAIRLEAD_KEYS_DIR=str(keys)).until_ready())
    assert score(front).status_code == 401
    sent = {**PLAIN, "Authorization": "Bearer two", "x-ms-request-id": 'a"b'}
    path = f"{front.url}/score?code=two"
    assert CLIENT.post(path, content="x", headers=sent).text == '"x"'
    wait_until(lambda: len(front.access_log()) == 2, "two lines")
    line = front.access_log()[1]
    assert (line["path"], line["method"], line["status"]) == ("/score", "POST", 200)
    assert line["request_id"] == 'a"b'
    assert "two" not in json.dumps(line)


NO_REQUESTS = (
    b"POST /score HTTP/1.1\r\nhost: x\r\n" + b"a: " + b"b" * 40_000 + b"\r\n\r\n",
    b"POST /score HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 500 + b"\r\n",
    b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
    b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ntransfer-encoding: x\r\n\r\nxx",
    b"\x00\x01\x02 /score\r\n\r\n",
    b'GET /"},{\xff\\ HTTP/1.1\r\nhost: x\r\n\r\n',
    b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 2000000\r\n\r\n" + b"x" * 40_000,
)


def test_what_is_no_request_reaches_no_replica(serve: Serve, start: StartFront) -> None:
    front = start(serve(ECHO).until_ready())
    statuses = [raw_status(front, sent) for sent in NO_REQUESTS]
    assert statuses == [b"400"] * 6 + [b"413"]
    assert score(front, "x").text == '"x"'
    wait_until(lambda: len(front.access_log()) == len(statuses) + 1, "a line for each")


def raw_status(front: FrontProcess, sent: bytes) -> bytes:
    host, _, port = front.address.partition(":")
    with closing(socket.create_connection((host, int(port)), timeout=120)) as connection:
        connection.sendall(sent)
        return connection.recv(65536).split()[1]


def test_an_upload_that_does_not_come_holds_no_replica(serve: Serve, start: StartFront) -> None:
    """Up to the size of a buffer nothing is passed on before all of it is there."""
    front = start(serve(ECHO).until_ready())
    host, _, port = front.address.partition(":")
    slow = [socket.create_connection((host, int(port)), timeout=120) for _ in range(20)]
    for connection in slow:
        connection.sendall(b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: 9000\r\n\r\nx")
    assert [score(front, "x").status_code for _ in range(5)] == [200] * 5
    for connection in slow:
        connection.close()


def test_two_fronts_send_a_request_to_the_replica_that_is_free(
    serve: Serve, start: StartFront, gate: Gate, pool: ThreadPoolExecutor
) -> None:
    """Each believes all replicas to be free; who is not says so, and another one is asked."""
    services = [serve(waiting(gate), FAIRLEAD_MAX_QUEUE_WAIT_MS="0") for _ in range(3)]
    for service in services:
        service.until_ready()
    one, other = (start(*services, fronts=2) for _ in range(2))
    answers = [pool.submit(score, front, str(n)) for n, front in enumerate((one, other, one))]
    wait_until(lambda: gate.reached == 3, "each replica to run one")
    for front in (one, other):
        response = score(front)
        assert_unavailable(response, response.json()["reason"])
        assert response.json()["reason"] in ("busy", "queue_timeout")
    one.end()  # with what it has taken; the other goes on
    gate.open()
    wait_until(lambda: score(other).status_code == 200, "the other front to serve")
    assert answers[1].result().text == '"1"'


def test_what_a_replica_does_not_run_is_run_by_another(
    serve: Serve, start: StartFront, gate: Gate, pool: ThreadPoolExecutor
) -> None:
    """As by one that was just found, and has not been asked yet whether it is ready."""
    busy = serve(waiting(gate), FAIRLEAD_MAX_QUEUE_WAIT_MS="0").until_ready()
    free = serve(ECHO).until_ready()
    front = start(busy, free)
    pool.submit(busy.score, "1")
    wait_until(lambda: gate.reached == 1, "the one replica to be busy")
    assert [score(front, str(n)).status_code for n in range(4)] == [200] * 4
    gate.open()


def test_a_replica_that_starts_is_found_and_loses_no_request(
    serve: Serve, start: StartFront, gate: Gate
) -> None:
    """Under load from before it is known until it serves: a front that starts takes each server
    for ready until it has asked it, as HAProxy before 3.1 does with one that was just found."""
    ready = serve(ECHO).until_ready()
    starting = serve(f"{Gate.WAIT}def init():\n    wait_for('{gate}')\n{RUN}").until_listening()
    front = start(ready, starting, limits=PATIENT, until=1)
    assert {score(front, "x").status_code for _ in range(50)} == {200}
    gate.open()
    wait_until(lambda: front.ready_servers() == 2, "both to serve")
    assert {score(front, "x").status_code for _ in range(20)} == {200}


def test_where_no_replica_is_known_to_be_ready_one_is_asked_all_the_same(
    serve: Serve, tmp_path: Path
) -> None:
    """As while the DNS does not tell of the one that takes the place of all before."""
    service = serve(ECHO).until_ready()
    anyone = service.url.removeprefix("http://")
    front = FrontProcess(tmp_path / "front", PARAMETERS, ["127.0.0.1:9"], anyone=anyone)
    try:
        wait_until(front.healthy, "the front")
        wait_until(lambda: score(front, "x").status_code == 200, "the replica to be asked")
        wait_until(lambda: front.ready_servers() == 0, "the check to fail")
        assert {score(front, "x").text for _ in range(20)} == {'"x"'}
        service.end()
        wait_until(lambda: score(front).headers["x-fairlead-503-reason"] == "starting", "none")
    finally:
        front.end()


def test_who_waits_while_the_last_replica_goes_is_told_that_none_is_ready(
    serve: Serve, start: StartFront, gate: Gate, pool: ThreadPoolExecutor
) -> None:
    """It is about to end, and has a request yet."""
    service = serve(waiting(gate), FAIRLEAD_DRAIN_SECONDS="60").until_ready()
    front = start(service, limits=replace(LIMITS, queue_wait_ms=10_000))
    first = pool.submit(score, front)
    wait_until(lambda: gate.reached == 1, "the first to run")
    second = pool.submit(score, front)
    wait_until(lambda: front.metrics()[QUEUED] == 1, "the second to wait")
    service.told_to_stop()
    wait_until(lambda: front.ready_servers() == 0, "the front to see it")
    assert_unavailable(second.result(), "starting")
    assert "status of Webservice credit" in second.result().json()["message"]
    gate.open()
    assert first.result().status_code == 200


def test_as_many_replicas_as_there_may_be_is_a_cause_of_its_own(
    serve: Serve, start: StartFront, gate: Gate, pool: ThreadPoolExecutor
) -> None:
    """Whether it has waited in vain or may not wait at all; and each cause is counted."""
    service = serve(waiting(gate)).until_ready()
    front, more = (
        start(service, limits=replace(LIMITS, queue_wait_ms=ms), at_most=most)
        for ms, most in ((500, 1), (500, 2))
    )
    taken = pool.submit(score, front)
    wait_until(lambda: gate.reached == 1, "the first to run")
    refused = score(front)
    assert_unavailable(refused, "at_max_replicas")
    assert "autoscale.maxReplicas (1)" in refused.json()["message"]
    assert (unavailable(front)["at_max_replicas"], unavailable(front)["queue_timeout"]) == (1, 0)
    gate.open()
    assert taken.result().status_code == 200
    assert score(more).status_code == 200
    assert sum(unavailable(more).values()) == 0


def test_a_full_queue_before_as_many_replicas_as_there_may_be(
    serve: Serve, start: StartFront, gate: Gate, pool: ThreadPoolExecutor
) -> None:
    front = start(serve(waiting(gate)).until_ready(), limits=PATIENT, at_most=1)
    taken = [pool.submit(score, front) for _ in range(11)]
    wait_until(lambda: front.metrics()[QUEUED] == 10, "ten to be queued")
    assert_unavailable(score(front), "at_max_replicas")
    gate.open()
    assert [answer.result().status_code for answer in taken] == [200] * 11


def unavailable(front: FrontProcess) -> dict[str, int]:
    """How many 503 had which cause, as the front itself counts them."""
    lines = front.metrics_text("/unavailable").splitlines()
    return {line.split('"')[1]: int(line.split()[-1]) for line in lines}


def test_replicas_are_found_by_dns_as_they_come_and_go(serve: Serve, tmp_path: Path) -> None:
    """One runtime answers at every address of the loopback: to the front each is a replica."""
    service = serve(ECHO).until_ready()
    port = int(service.url.rpartition(":")[2])
    with DnsServer() as dns, dns_front(tmp_path, dns, port) as front:
        wait_until(lambda: dns.asked > 0, "the front to ask")
        assert_unavailable(score(front), "starting")
        dns.addresses = ["127.0.0.2"]
        wait_until(lambda: front.ready_servers() == 1, "one replica")
        assert score(front, "x").text == '"x"'
        dns.addresses = ["127.0.0.3", "127.0.0.2", "127.0.0.4"]
        wait_until(lambda: front.ready_servers() == 3, "three replicas")
        dns.addresses = ["127.0.0.4"]
        wait_until(lambda: front.ready_servers() == 1, "two to be gone")
        asked, dns.silent = dns.asked, True
        wait_until(lambda: dns.asked > asked + 8, "the front to ask in vain")
        assert score(front, "x").text == '"x"'
        dns.silent, dns.addresses = False, ()
        wait_until(lambda: front.ready_servers() == 0, "the last one to be gone")


def reason(front: FrontProcess) -> str:
    return str(score(front).headers.get("x-fairlead-503-reason"))


def test_that_no_node_takes_a_replica_is_told_while_the_dns_says_so(tmp_path: Path) -> None:
    """In header, body, log and count; a DNS that does not answer for a while changes nothing."""
    with DnsServer() as dns, dns_front(tmp_path, dns, port=9) as front:
        assert_unavailable(score(front), "starting")
        dns.unplaced = True
        wait_until(lambda: reason(front) == "unschedulable", "the front to know")
        before = unavailable(front)["unschedulable"]
        refused = score(front)
        assert_unavailable(refused, "unschedulable")
        assert refused.json()["message"] == (
            "No replica is ready, and no node takes one. The status of Webservice credit says why. "
            "Try again later."
        )
        assert unavailable(front)["unschedulable"] == before + 1
        asked, dns.silent = dns.asked, True
        wait_until(lambda: dns.asked > asked + 12, "the front to ask in vain")
        assert_unavailable(score(front), "unschedulable")
        dns.silent, dns.unplaced = False, False
        wait_until(lambda: reason(front) == "starting", "the front to know that one fits")
        wait_until(lambda: front.access_log()[-1]["reason"] == "starting", "its log to say so")


@pytest.mark.parametrize(("at_most", "cause"), [(2, "unschedulable"), (1, "at_max_replicas")])
def test_who_waits_in_vain_while_no_node_takes_another_replica_is_told_so(
    serve: Serve, tmp_path: Path, gate: Gate, pool: ThreadPoolExecutor, at_most: int, cause: str
) -> None:
    """Unless there are as many as there may be."""
    port = int(serve(waiting(gate)).until_ready().url.rpartition(":")[2])
    with DnsServer() as dns, dns_front(tmp_path, dns, port, at_most=at_most) as front:
        dns.addresses, dns.unplaced = ["127.0.0.2"], True
        wait_until(lambda: front.ready_servers() == 1 and knows(front), "the front to know both")
        first = pool.submit(score, front)
        wait_until(lambda: gate.reached == 1, "the first to run")
        refused = score(front)
        assert_unavailable(refused, cause)
        words = {"unschedulable": "no node takes another one", "at_max_replicas": "maxReplicas (1)"}
        assert words[cause] in refused.json()["message"]
        gate.open()
        assert first.result().status_code == 200


def test_a_full_queue_and_a_last_replica_that_goes_while_no_node_takes_another(
    serve: Serve, tmp_path: Path, gate: Gate, pool: ThreadPoolExecutor
) -> None:
    service = serve(waiting(gate), FAIRLEAD_DRAIN_SECONDS="60").until_ready()
    port, held = int(service.url.rpartition(":")[2]), replace(LIMITS, queue_wait_ms=20_000)
    with DnsServer() as dns, dns_front(tmp_path, dns, port, limits=held) as front:
        dns.addresses, dns.unplaced = ["127.0.0.2"], True
        wait_until(lambda: front.ready_servers() == 1 and knows(front), "the front to know both")
        first = pool.submit(score, front)
        wait_until(lambda: gate.reached == 1, "the first to run")
        others = [pool.submit(score, front) for _ in range(10)]
        wait_until(lambda: front.metrics()[QUEUED] == 10, "ten to be queued")
        assert_unavailable(score(front), "unschedulable")
        service.told_to_stop()
        wait_until(lambda: front.ready_servers() == 0, "the front to see it")
        for other in others:
            assert_unavailable(other.result(), "unschedulable")
            message = "No replica is ready, and no node takes one."
            assert other.result().json()["message"].startswith(message)
        gate.open()
        assert first.result().status_code == 200


def knows(front: FrontProcess) -> bool:
    return front.metrics()['haproxy_backend_active_servers{proxy="unschedulable"}'] == 1


@contextmanager
def dns_front(folder: Path, dns: DnsServer, port: int, **of: Any) -> Iterator[FrontProcess]:
    process = FrontProcess(folder / "dns", replace(PARAMETERS, port=port, **of), dns=dns.port)
    try:
        wait_until(process.healthy, "the front")
        yield process
    finally:
        process.end()
