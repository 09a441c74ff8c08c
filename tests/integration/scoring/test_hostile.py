"""What a hostile client does: parts without end, bodies that never come, memory that runs out."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.scoring.conftest import Serve
from tests.integration.scoring.raw_http import Raw, ask, request, trickle
from tests.integration.scoring.service import ECHO, Gate, Service, wait_until

MEBIBYTE = 2**20
PIECES = 20  # of 1 MiB each
MAX_HEALTH_S = 1.0  # on a machine that does other things, too
CHUNKED = (
    b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked"
)
HELD = Gate.WAIT + (
    "\ndef init():\n    pass\n\n\ndef run(data):\n    wait_for('{gate}')\n    return len(data)\n"
)


def held(serve: Serve, gate: Gate, **environment: Any) -> Service:
    """A service whose only slot is busy until the gate opens."""
    return serve(HELD.replace("{gate}", str(gate)), **environment).until_ready()


@pytest.fixture(scope="module")
def echo(runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder, limits = tmp_path_factory.mktemp("hostile"), {"FAIRLEAD_BODY_BUDGET_MB": "2"}
    service = Service(folder, runtime, {"score.py": ECHO}, limits)
    yield service.until_ready()
    service.end()


def metric(service: Service, name: str) -> float:
    lines = service.get("/metrics").text.splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))


def memory_mb(service: Service, which: str = "VmHWM") -> int:
    """The resident set of the front: the highest so far, or what it is now (``VmRSS``)."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(status.partition(f"{which}:")[2].split()[0]) // 1024


@contextmanager
def health_is_asked(service: Service) -> Iterator[list[float]]:
    """Ask again and again meanwhile; the list has how many seconds each answer took."""
    took: list[float] = []
    done = Event()

    def ask_on() -> None:
        while not done.is_set():
            began = time.monotonic()
            done.wait(0.01)  # not to keep a processor busy; a server that hangs in it is seen, too
            assert service.get("/").text == "Healthy"
            took.append(time.monotonic() - began)

    with ThreadPoolExecutor(1) as pool:
        probe = pool.submit(ask_on)
        try:
            yield took
        finally:
            done.set()
        probe.result()


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(CHUNKED + b"\r\n\r\n1\r\nx\r\n0\r\nTrailer: ", id="trailer value"),
        pytest.param(CHUNKED + b"\r\n\r\n1\r\nx\r\n0\r\n", id="trailer name"),
        pytest.param(CHUNKED + b"\r\n\r\n1;", id="chunk extension"),
        pytest.param(CHUNKED + b"\r\n\r\n0;", id="extension of the last chunk"),
        pytest.param(CHUNKED + b"\r\nA: ", id="header value"),
        pytest.param(CHUNKED + b"\r\n", id="header name"),
        pytest.param(b"GET /nope HTTP/1.1\r\nA: ", id="another route"),
        pytest.param(b"GET /", id="URL"),
        pytest.param(b"GET /?", id="query"),
        pytest.param(CHUNKED + b"\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nA: ", id="upgrade"),
    ],
)
def test_no_part_of_a_request_is_without_end(serve: Serve, begin: bytes) -> None:
    service = serve(ECHO).until_ready()
    before = memory_mb(service)
    with ExitStack() as stack, health_is_asked(service) as took:
        clients = [stack.enter_context(Raw(service)).send(begin) for _ in range(4)]
        for client in clients:
            with suppress(OSError):  # it is refused and cut off, sooner or later
                for _ in range(PIECES):
                    client.send(b"a" * MEBIBYTE)
        for client in clients:
            with suppress(OSError):
                assert client.answer().status in (400, 414, 431)
    assert max(took) < MAX_HEALTH_S
    assert memory_mb(service) - before < 10


@pytest.mark.parametrize("piece", [b"A: " + b"a" * 8000 + b"\r\n", b"A:\r\n"], ids=["long", "many"])
def test_a_trailer_has_no_more_fields_than_a_head(serve: Serve, piece: bytes) -> None:
    service = serve(ECHO).until_ready()
    sent = CHUNKED + b"\r\n\r\n1\r\nx\r\n0\r\n" + piece * 101 + b"\r\n"
    answer = ask(service, sent)
    assert (answer.status, answer.headers["connection"]) == (431, "close")
    accepted = CHUNKED + b"\r\n\r\n1\r\nx\r\n0\r\n" + piece * 100 + b"\r\n"
    assert ask(service, accepted).json == "x"


def test_a_trailer_must_come_as_soon_as_a_head(serve: Serve) -> None:
    service = serve(ECHO, FAIRLEAD_HEAD_SECONDS="1").until_ready()
    begin = CHUNKED + b"\r\n\r\n0\r\nA: "
    answer, seconds = trickle(service, b"a" * 1000, pause=0.01, begin=begin)
    assert (answer.status, answer.json["message"]) == (
        408,
        "The trailer of the request came too slowly.",
    )
    assert seconds < 10


def test_large_heads_are_served_but_not_very_many_at_once(serve: Serve) -> None:
    service = serve(ECHO, FAIRLEAD_BODY_BUDGET_MB="16").until_ready()
    before = memory_mb(service)
    head = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(
        b"A-%d: %b\r\n" % (number, b"a" * 8000) for number in range(90)
    )
    with ExitStack() as stack:
        clients = [stack.enter_context(Raw(service)).send(head) for _ in range(60)]
        assert service.get("/").text == "Healthy"
        assert memory_mb(service) - before < 40
        statuses = []
        for client in clients:
            with suppress(OSError):  # it sends what nobody reads any more
                statuses.append(client.send(b"\r\n").answer().status)
    assert statuses.count(200) == 2, "an eighth of 16 MB, 1 MiB each"
    assert set(statuses) == {200, 503}
    assert ask(service, head + b"\r\n").status == 200


def test_very_many_pipelined_requests_wait_unread(serve: Serve, gate: Gate) -> None:
    service = held(serve, gate)
    before = memory_mb(service)
    with ExitStack() as stack:
        clients = [stack.enter_context(Raw(service)) for _ in range(5)]
        for client in clients:
            client.socket.settimeout(0)
            with suppress(BlockingIOError):
                client.send(request("1") + b"GET / HTTP/1.1\r\n\r\n" * 15_000)
        wait_until(lambda: gate.reached, "run() to block")
        assert service.get("/").text == "Healthy"
        assert memory_mb(service) - before < 60
        gate.open()
        for client in clients:
            client.socket.settimeout(15)
            assert client.answer().json == 1
            assert {client.answer().body for _ in range(200)} == {b"Healthy"}


def test_a_body_larger_than_the_budget_is_refused_by_its_name(serve: Serve) -> None:
    service = serve(ECHO, FAIRLEAD_BODY_BUDGET_MB="1").until_ready()
    body = "x" * (MEBIBYTE + 1)
    chunks = b"\r\n\r\n100001\r\n" + body.encode() + b"\r\n0\r\n\r\n"
    for sent in (request(body), CHUNKED + chunks):
        answer = ask(service, sent)
        assert answer.status == 413
        assert answer.json["message"] == (
            "The request body is larger than 1 MB, the most that this service takes "
            "(FAIRLEAD_BODY_BUDGET_MB). Send less at a time."
        )
    assert service.score("x" * MEBIBYTE).status_code == 200
    wait_until(lambda: metric(service, "fairlead_body_bytes") == 0, "the budget to be free")


def test_bodies_together_take_no_more_memory_than_the_budget(serve: Serve, gate: Gate) -> None:
    """Each of them is held once, all of them are served in the end."""
    service = held(serve, gate, FAIRLEAD_BODY_BUDGET_MB="64")
    before = memory_mb(service)
    body = b"x" * (20 * MEBIBYTE)
    head = request(Content_Length=str(len(body)))

    def send() -> int:
        with Raw(service) as raw:
            answer = raw.send(head).send(body).answer()
            assert answer.status == 200
            return int(answer.json)

    with ThreadPoolExecutor(12) as pool:
        answers = [pool.submit(send) for _ in range(12)]
        wait_until(lambda: gate.reached, "the first to run")
        wait_until(lambda: metric(service, "fairlead_body_bytes") == 60 * MEBIBYTE, "three more")
        assert metric(service, "fairlead_body_queue_length") == 8
        assert service.get("/").text == "Healthy"
        gate.open()
        assert [one.result() for one in answers] == [len(body)] * 12
    assert memory_mb(service) - before < 64 + 25
    wait_until(lambda: metric(service, "fairlead_body_bytes") == 0, "the budget to be free")


def test_the_memory_of_large_bodies_is_given_back(serve: Serve) -> None:
    service = serve(ECHO).until_ready()
    before = memory_mb(service, "VmRSS")
    for megabytes in (10, 30, 5, 20):
        assert service.score("x" * megabytes * MEBIBYTE).status_code == 200
    wait_until(lambda: metric(service, "fairlead_body_bytes") == 0, "the budget to be free")
    assert memory_mb(service, "VmHWM") - before > 20
    wait_until(lambda: memory_mb(service, "VmRSS") - before < 8, "the memory to be free")


def test_what_was_read_of_an_aborted_body_is_given_back_at_once(serve: Serve) -> None:
    """However little else happens: it does not wait for the garbage collector."""
    service = serve(ECHO).until_ready()
    before = memory_mb(service, "VmRSS")
    for _ in range(5):
        with Raw(service) as raw:
            raw.send(request("x" * (20 * MEBIBYTE))[:-10])
    wait_until(lambda: metric(service, "fairlead_body_bytes") == 0, "the budget to be free")
    wait_until(lambda: memory_mb(service, "VmRSS") - before < 8, "the memory to be free")


def fill(service: Service, gate: Gate, stack: ExitStack) -> Raw:
    """Have one request run and another, of 2 MiB, wait; with a budget of 3 MB 1 is left."""
    stack.enter_context(Raw(service)).send(request("1"))
    wait_until(lambda: gate.reached, "run() to block")
    waiting = stack.enter_context(Raw(service)).send(request("x" * (2 * MEBIBYTE)))
    wait_until(lambda: metric(service, "fairlead_body_bytes") == 2 * MEBIBYTE, "the body")
    return waiting


@pytest.mark.parametrize(
    ("framing", "expects"),
    [("length", {}), ("length", {"Expect": "100-continue"}), ("chunks", {})],
)
def test_who_finds_no_room_waits_and_then_is_told(
    serve: Serve, framing: str, expects: dict[str, str]
) -> None:
    service = serve(
        ECHO, FAIRLEAD_BODY_BUDGET_MB="1", FAIRLEAD_MAX_QUEUE_WAIT_MS="1000"
    ).until_ready()
    size = 800_000
    body, head = b"x" * size, request(Content_Length=str(size), **expects)
    if framing == "chunks":
        head = head.replace(b"Content-Length: 800000", b"Transfer-Encoding: chunked")
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (size, body)
    with Raw(service) as holder, Raw(service) as refused:
        holder.send(request("x" * size)[:-10])
        wait_until(lambda: metric(service, "fairlead_body_bytes") == size, "the body")
        began = time.monotonic()
        answer = refused.send(head if expects else head + body).answer()
        assert answer.status == 503
        assert answer.json["reason"] == answer.headers["x-fairlead-503-reason"] == "body_budget"
        assert int(answer.headers["retry-after"]) >= 1
        assert time.monotonic() - began > 0.9
        if expects:
            assert refused.is_closed()
        else:
            assert refused.send(request(line="GET / HTTP/1.1")).answer().status == 200
        assert len(holder.send(b"x" * 10).answer().json) == size
    wait_until(lambda: metric(service, "fairlead_body_bytes") == 0, "the budget to be free")


def test_who_asks_first_is_told_to_go_on_once_there_is_room(serve: Serve, gate: Gate) -> None:
    service = held(serve, gate, FAIRLEAD_BODY_BUDGET_MB="3")
    with ExitStack() as stack:
        waiting = fill(service, gate, stack)
        polite = stack.enter_context(Raw(service))
        polite.send(request(Expect="100-continue", Content_Length="2000000"))
        wait_until(lambda: metric(service, "fairlead_body_queue_length") == 1, "it to wait")
        gate.open()
        assert waiting.answer().json == 2 * MEBIBYTE
        assert polite.answer().status == 100
        assert polite.send(b"x" * 2_000_000).answer().json == 2_000_000


def test_small_bodies_pass_by_those_that_wait(serve: Serve, gate: Gate) -> None:
    service = held(serve, gate, FAIRLEAD_BODY_BUDGET_MB="3", FAIRLEAD_MAX_CONCURRENT_REQUESTS="3")
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(Raw(service)).send(request("1"))
        wait_until(lambda: gate.reached == 3, "all to block")
        for _ in range(2):
            stack.enter_context(Raw(service)).send(request("x" * (2 * MEBIBYTE)))
        wait_until(lambda: metric(service, "fairlead_body_queue_length") == 1, "the second")
        small = stack.enter_context(Raw(service)).send(request("small"))
        wait_until(lambda: service.get("/-/slots").json()["queued"] == 2, "the small one")
        gate.open()
        assert small.answer().json == 5


def test_who_announces_a_body_and_sends_none_takes_no_room(serve: Serve) -> None:
    service = serve(ECHO, FAIRLEAD_BODY_BUDGET_MB="1").until_ready()
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(Raw(service)).send(request(Content_Length=str(MEBIBYTE)))
        assert metric(service, "fairlead_body_bytes") == 0
        assert service.score("x" * MEBIBYTE).status_code == 200


def test_who_sends_hardly_any_of_its_body_makes_room_for_others(serve: Serve) -> None:
    service = serve(ECHO, FAIRLEAD_BODY_BUDGET_MB="1").until_ready()
    with ExitStack() as stack, health_is_asked(service) as took:
        slow = [stack.enter_context(Raw(service)) for _ in range(3)]
        for each in slow:
            each.send(request(Content_Length=str(MEBIBYTE)) + b"x")
        assert service.score("x" * MEBIBYTE).status_code == 200
        refused = slow[0].answer()
        assert (refused.status, refused.headers["connection"]) == (408, "close")
        assert "while others waited" in refused.json["message"]
    assert max(took) < MAX_HEALTH_S


@pytest.mark.parametrize("how", ["reset", "close", "half"])
def test_whoever_goes_away_gives_its_room_back(serve: Serve, gate: Gate, how: str) -> None:
    """In the middle of a body, while it waits for room, in the queue, and while it runs."""
    service = held(serve, gate, FAIRLEAD_BODY_BUDGET_MB="3")
    whole, part = request("x" * MEBIBYTE), request("x" * MEBIBYTE)[:-1000]
    with ExitStack() as stack:
        clients = [stack.enter_context(Raw(service)).send(whole) for _ in range(3)]
        wait_until(lambda: gate.reached, "one to run")
        clients += [stack.enter_context(Raw(service)).send(part) for _ in range(5)]
        wait_until(lambda: metric(service, "fairlead_body_queue_length") >= 1, "some to wait")
        for client in clients:
            if how == "half":
                client.close_half()
            elif how == "reset":
                linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            if how != "half":
                client.socket.close()
        gate.open()
        wait_until(lambda: metric(service, "fairlead_body_bytes") == 0, "the budget to be free")
        assert metric(service, "fairlead_body_queue_length") == 0
    assert service.score("x" * MEBIBYTE).json() == MEBIBYTE


SHORT, LONG = request("x" * 1000), request("x" * MEBIBYTE)
CHUNKS = CHUNKED + b"\r\n\r\n" + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 12 + b"0\r\n\r\n"
ASKS = request(Expect="100-continue", Content_Length="900000")


@settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.sampled_from([SHORT, LONG, CHUNKS, ASKS, SHORT * 3, LONG + LONG]),
            st.floats(0.0, 1.0),
            st.sampled_from(["reset", "close", "half", "read"]),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_whatever_clients_do_all_of_the_budget_comes_back(
    echo: Service, clients: list[tuple[bytes, float, str]]
) -> None:
    """Each sends so much of its request; then all of them end, each in its way."""
    with ExitStack() as stack:
        connected = []
        for sent, share, end in clients:
            client = stack.enter_context(Raw(echo))
            client.socket.settimeout(0.05)
            with suppress(OSError):  # it may have to wait
                client.send(sent[: int(share * len(sent))])
            connected.append((client, end))
        for client, end in connected:
            if end == "half":
                with suppress(OSError):
                    client.close_half()
            elif end == "reset":
                linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            elif end == "read":
                with suppress(OSError):
                    client.rest()
            if end != "half":
                client.socket.close()
    wait_until(lambda: metric(echo, "fairlead_body_bytes") == 0, "the budget to be free")
    assert metric(echo, "fairlead_body_queue_length") == 0
    assert echo.score("x" * MEBIBYTE).status_code == 200


def test_a_body_that_comes_byte_by_byte_is_served_all_the_same(serve: Serve) -> None:
    service = serve(ECHO, FAIRLEAD_BODY_BUDGET_MB="1").until_ready()
    answer, _ = trickle(service, request("slowly but surely"), pause=0.001)
    assert answer.json == "slowly but surely"


def test_a_client_may_take_its_time_for_a_large_answer(serve: Serve) -> None:
    """What counts is that it goes on, however long all of it takes; and nothing, if it stops."""
    script = "def init():\n    pass\n\n\ndef run(data):\n    return 'x' * int(data)\n"
    service = serve(script, FAIRLEAD_WRITE_SECONDS="1").until_ready()
    size = 30 * MEBIBYTE
    with Raw(service) as slow, Raw(service) as deaf:
        for client in (slow, deaf):
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            client.send(request(str(size)))
        received, began = 0, time.monotonic()
        while received < size:
            part = slow.socket.recv(MEBIBYTE)
            assert part, f"closed after {received} bytes"
            received += len(part)
            if time.monotonic() - began < 3:  # as a slow network does
                time.sleep(0.02)
        assert time.monotonic() - began > 2
        wait_until(lambda: not connected(service, deaf), "the server to leave who does not read")
        assert len(deaf.rest()) < size


def connected(service: Service, client: Raw) -> bool:
    """Whether the server still has the connection of a client that does not read."""
    port = client.socket.getsockname()[1]
    connections = psutil.Process(service.process.pid).net_connections("tcp")
    return any(one.raddr and one.raddr.port == port for one in connections)


def test_a_stream_that_nobody_reads_does_not_hold_its_slot(serve: Serve) -> None:
    script = (
        "from azureml.contrib.services.aml_request import rawhttp\n"
        "from azureml.contrib.services.aml_response import AMLResponse\n\n\n"
        "def init():\n    pass\n\n\n@rawhttp\ndef run(request):\n"
        "    if request.get_data() == b'short':\n        return AMLResponse('short', 200)\n"
        "    return AMLResponse((bytes(2**20) for _ in iter(int, 1)), 200)\n"
    )
    service = serve(script, FAIRLEAD_WRITE_SECONDS="1").until_ready()
    with Raw(service) as deaf:
        deaf.send(request("endless"))
        wait_until(lambda: service.get("/-/slots").json()["busy"] == 1, "the stream")
        assert service.score("short").text == "short"
