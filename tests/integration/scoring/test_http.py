"""What a client may send, and what it may not: HTTP/1.0, pipelining, half-closed, ..."""

import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.integration.scoring.conftest import Serve
from tests.integration.scoring.raw_http import Raw, ask, request, trickle
from tests.integration.scoring.service import ECHO, Gate, Service, wait_until

HELD = Gate.WAIT + (
    "seen = []\n\n\ndef init():\n    pass\n\n\n"
    "def run(data):\n    wait_for('{gate}')\n    seen.append(data)\n    return seen\n"
)
STREAM = """
import os
from azureml.contrib.services.aml_request import rawhttp
from azureml.contrib.services.aml_response import AMLResponse


def init():
    pass


def pieces(how):
    try:
        yield b"first"
        if how == b"gate":
            wait_for(os.environ["GATE"])
        if how == b"fail":
            raise ValueError("no more")
        while how == b"forever":
            yield b"x" * 100_000
        yield b"last"
    finally:
        open(os.environ["GATE"] + ".closed", "a").write(".")


@rawhttp
def run(request):
    return AMLResponse(pieces(request.get_data()), 200)


"""


@pytest.fixture(scope="module")
def echo(runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    settings = {"FAIRLEAD_MAX_BODY_MB": "1"}
    service = Service(tmp_path_factory.mktemp("echo"), runtime, {"score.py": ECHO}, settings)
    yield service.until_ready()
    service.end()


def held(serve: Serve, gate: Gate) -> Service:
    return serve(HELD.replace("{gate}", str(gate))).until_ready()


def streaming(serve: Serve, gate: Gate) -> Service:
    return serve(Gate.WAIT + STREAM, GATE=str(gate)).until_ready()


def slots(service: Service) -> dict[str, int]:
    found: dict[str, int] = service.get("/-/slots").json()
    return found


def test_answers_come_in_the_order_of_the_requests(echo: Service) -> None:
    with Raw(echo) as raw:
        raw.send(request("1") + request(line="GET / HTTP/1.1") + request("22") + request("333"))
        answers = [raw.answer() for _ in range(4)]
    assert [answer.body for answer in answers] == [b'"1"', b"Healthy", b'"22"', b'"333"']


def test_very_many_requests_at_once_are_all_answered(echo: Service) -> None:
    count = 3000
    with Raw(echo) as raw:
        raw.send(request("first"))
        raw.send(request(line="GET / HTTP/1.1") * count)
        assert raw.answer().json == "first"
        assert {raw.answer().body for _ in range(count)} == {b"Healthy"}
        assert raw.send(request("last")).answer().json == "last"


def test_a_connection_serves_on_after_every_kind_of_refusal(echo: Service) -> None:
    with Raw(echo) as raw:
        for line, status in [
            ("GET /nope HTTP/1.1", 404),
            ("PUT /score HTTP/1.1", 405),
            ("HEAD /score HTTP/1.1", 405),
            ("POST /score HTTP/1.1", 200),
        ]:
            raw.send(request("a body that nobody wants", line=line))
            assert raw.answer(to_head=line.startswith("HEAD")).status == status
        long_id = raw.send(request("x", x_request_id="r" * 101)).answer()
        assert (long_id.status, raw.send(request("y")).answer().json) == (431, "y")


def test_http_1_0_gets_one_answer_and_a_closed_connection(echo: Service) -> None:
    with Raw(echo) as raw:
        answer = raw.send(request("old", line="POST /score HTTP/1.0")).answer()
        assert (answer.json, answer.headers["connection"]) == ("old", "close")
        assert raw.is_closed()


@pytest.mark.parametrize("target", ["http://host", "http://host/", "//", "/%2e/.."])
def test_a_target_may_be_written_in_several_ways(echo: Service, target: str) -> None:
    expected = 404 if ".." in target else 200
    assert ask(echo, request(line=f"GET {target} HTTP/1.1")).status == expected


def test_a_client_can_ask_for_the_end_of_its_connection(echo: Service) -> None:
    with Raw(echo) as raw:
        answer = raw.send(request("bye", Connection="close")).answer()
        assert (answer.json, answer.headers["connection"]) == ("bye", "close")
        assert raw.is_closed()


def test_a_body_may_come_in_chunks_with_trailers(echo: Service) -> None:
    head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
    body = b"3\r\nabc\r\n4;some=extension\r\ndefg\r\n0\r\nTrailer: t\r\n\r\n"
    with Raw(echo) as raw:
        raw.send(head + b"Transfer-Encoding: chunked\r\n\r\n" + body)
        assert raw.answer().json == "abcdefg"
        assert raw.send(request("next")).answer().json == "next"


def test_who_waits_to_be_told_is_told_to_go_on(echo: Service) -> None:
    with Raw(echo) as raw:
        raw.send(request("later", Expect="100-continue").removesuffix(b"later"))
        assert raw.answer().status == 100
        assert raw.send(b"later").answer().json == "later"


def test_who_waits_to_be_told_is_told_no_before_it_sends(echo: Service) -> None:
    with Raw(echo) as raw:
        raw.send(request(Expect="100-continue", Content_Length=str(2**21)))
        answer = raw.answer()
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert raw.is_closed()


def test_a_body_in_chunks_that_is_too_large_is_refused(echo: Service) -> None:
    head = b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with Raw(echo) as raw:
        answer = raw.send(head + chunk * 17).answer()
        assert answer.status == 413
        assert answer.json["message"].startswith("The request body is larger than 1 MB")
        assert raw.send(b"0\r\n\r\n" + request("next")).answer().json == "next"


def test_a_client_that_sends_on_without_end_is_cut_off(serve: Serve) -> None:
    service = serve(ECHO, FAIRLEAD_MAX_BODY_MB="1", FAIRLEAD_BODY_SECONDS="1").until_ready()
    head = b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Raw(service) as raw:
        raw.send(head)
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            raw.send_forever(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
    assert ask(service, request("still here")).json == "still here"


def test_however_large_a_body_is_its_client_is_told(echo: Service) -> None:
    with Raw(echo) as raw:
        raw.send(request("x" * (2**20 * 10)))
        answer = raw.answer()
        assert (answer.status, "FAIRLEAD_MAX_BODY_MB" in answer.json["message"]) == (413, True)
        assert raw.send(request("next")).answer().json == "next"


@pytest.mark.parametrize(
    "upgrade",
    [
        {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings"},
        {"Upgrade": "websocket", "Connection": "Upgrade"},
    ],
)
def test_an_upgrade_is_not_made_and_the_request_is_served(
    echo: Service, upgrade: dict[str, str]
) -> None:
    with Raw(echo) as raw:
        assert raw.send(request("plain", **upgrade) + request("next")).answer().json == "plain"
        assert raw.answer().json == "next"
        assert raw.send(request(line="GET /score HTTP/1.1", **upgrade)).answer().json == "{}"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"GARBAGE\r\n\r\n", 400, id="no request line"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, id="TLS"),
        pytest.param(b"GET / HTTP/9.9\r\n\r\n", 400, id="a version from the future"),
        pytest.param(b"GET / HTTP/1.1\r\nA : b\r\n\r\n", 400, id="a blank in a name"),
        pytest.param(b"GET / HTTP/1.1\r\nA: b\x00c\r\n\r\n", 400, id="a NUL in a value"),
        pytest.param(b"POST /score HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400, id="no length"),
        pytest.param(b"POST /score HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, id="below zero"),
        pytest.param(
            b"POST /score HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
            400,
            id="two lengths",
        ),
        pytest.param(
            b"POST /score HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"0\r\n\r\n",
            400,
            id="a length and chunks",
        ),
        pytest.param(
            b"POST /score HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, id="no chunk"
        ),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, id="two hosts"),
        pytest.param(b"GET http://[ HTTP/1.1\r\n\r\n", 400, id="no URL"),
        pytest.param(b"GET /?" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 414, id="a long URL"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"a" * 9000 + b"\r\n\r\n", 431, id="a long field"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 101 + b"\r\n", 431, id="many fields"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"a" * 2**21, 431, id="a field without end"),
    ],
)
def test_what_cannot_be_read_is_refused_in_json_and_the_connection_closed(
    echo: Service, sent: bytes, status: int
) -> None:
    with Raw(echo) as raw:
        answer = raw.send(sent).answer()
        assert (answer.status, answer.headers["connection"]) == (status, "close")
        assert answer.headers["content-type"] == "application/json"
        assert list(answer.json) == ["message"]
        assert raw.is_closed()
    assert ask(echo, request("still here")).json == "still here"


def test_what_is_refused_leaves_a_line_that_says_why(serve: Serve) -> None:
    service = serve(ECHO).until_ready()
    ask(service, request(line="GET /no%0Asuch?key=1 HTTP/1.1"))
    ask(service, request(line="PUT /score HTTP/1.1"))
    ask(service, b"GARBAGE\r\n\r\n")
    assert ask(service, request().replace(b"gth: 0\r\n\r\n", b"gth: 1\r\n\r\n\xff")).status == 400
    for line in (
        "GET '/no%0Asuch' was refused with 404: The requested URL was not found",
        "PUT '/score' was refused with 405: The method is not allowed",
        "127.0.0.1 was refused with 400: The request is no valid HTTP.",
        " was refused with 400: ",
    ):
        wait_until(partial(is_logged, service, line), line)


def is_logged(service: Service, line: str) -> bool:
    return line in service.out


def test_what_was_read_before_the_unreadable_is_answered(echo: Service) -> None:
    with Raw(echo) as raw:
        raw.send(request("1") + request("2") + b"GARBAGE\r\n\r\n")
        assert [raw.answer().json for _ in range(2)] == ["1", "2"]
        assert raw.is_closed()


@pytest.mark.parametrize(
    ("sent", "least", "head_seconds"),
    [
        pytest.param(
            b"POST /score HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 1000,
            1.0,
            "1",
            id="head",
        ),
        pytest.param(request("b" * 1000), 1.5, "60", id="body"),
    ],
)
def test_who_sends_too_slowly_is_told_so(
    serve: Serve, sent: bytes, least: float, head_seconds: str
) -> None:
    service = serve(
        ECHO, FAIRLEAD_HEAD_SECONDS=head_seconds, FAIRLEAD_BODY_SECONDS="1.5"
    ).until_ready()
    answer, seconds = trickle(service, sent, pause=0.01)
    assert (answer.status, answer.headers["connection"]) == (408, "close")
    assert "too slowly" in answer.json["message"]
    assert seconds >= 0.9 * least  # by another clock than the server's


def test_a_half_closed_client_gets_its_answers(echo: Service) -> None:
    with Raw(echo) as raw:
        raw.send(request("1") + request("2")).close_half()
        assert [raw.answer().json for _ in range(2)] == ["1", "2"]
        assert raw.is_closed()


@pytest.mark.parametrize("sent", [b"", b"POST /sc", request("whole")[:-2]])
def test_a_client_that_ends_in_the_middle_is_forgotten(echo: Service, sent: bytes) -> None:
    before = slots(echo)["requests"]
    with Raw(echo) as raw:
        raw.send(sent).close_half()
        assert raw.is_closed()
    assert slots(echo)["requests"] == before


def test_a_half_closed_client_may_wait_for_its_turn(serve: Serve, gate: Gate) -> None:
    service = held(serve, gate)
    with Raw(service) as first, Raw(service) as second:
        first.send(request("1"))
        wait_until(lambda: gate.reached, "run() to block")
        second.send(request("2")).close_half()
        assert second.answer().status == 100  # is anybody there?
        wait_until(lambda: slots(service)["queued"] == 1, "the second to wait")
        gate.open()
        assert (first.answer().json, second.answer().json) == (["1"], ["1", "2"])


@pytest.mark.parametrize("how", ["closes", "resets"])
def test_a_client_that_goes_away_loses_its_place_in_the_queue(
    serve: Serve, gate: Gate, how: str
) -> None:
    service = held(serve, gate)
    with Raw(service) as first, Raw(service) as leaving, Raw(service) as staying:
        first.send(request("1"))
        wait_until(lambda: gate.reached, "run() to block")
        leaving.send(request("2"))
        wait_until(lambda: slots(service)["queued"] == 1, "the second to wait")
        staying.send(request("3"))
        wait_until(lambda: slots(service)["queued"] == 2, "the third to wait")
        if how == "resets":
            leaving.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        leaving.socket.close()
        wait_until(lambda: slots(service)["queued"] == 1, "the second to be dropped")
        gate.open()
        assert (first.answer().json, staying.answer().json) == (["1"], ["1", "3"])
    assert "POST /score was given up by its client" in service.out


def test_a_request_whose_client_goes_away_is_run_to_its_end(serve: Serve, gate: Gate) -> None:
    service = held(serve, gate)
    with Raw(service) as leaving, Raw(service) as staying:
        leaving.send(request("1"))
        wait_until(lambda: gate.reached, "run() to block")
        leaving.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        leaving.socket.close()
        staying.send(request("2"))
        wait_until(lambda: "was given up by its client" in service.out, "the loss to be seen")
        assert slots(service)["busy"] == 1
        gate.open()
        assert staying.answer().json == ["1", "2"]


def test_an_answer_is_streamed_as_it_is_made(serve: Serve, gate: Gate) -> None:
    service = streaming(serve, gate)
    with Raw(service) as raw:
        raw.send(request("gate"))
        head = raw._until(b"\r\n\r\n").lower()
        assert b"transfer-encoding: chunked" in head
        assert b"content-length" not in head
        assert raw.chunk() == b"first"
        gate.open()
        assert [raw.chunk(), raw.chunk()] == [b"last", b""]
        assert raw.send(request("again")).answer().body == b"firstlast"
    wait_until(lambda: "POST /score 200 " in service.out, "the line of the log")
    assert service.out.splitlines()[-1].endswith("ms N/A")


def test_http_1_0_is_streamed_until_the_connection_ends(serve: Serve, gate: Gate) -> None:
    with Raw(streaming(serve, gate)) as raw:
        answer = raw.send(request("x", line="POST /score HTTP/1.0")).answer()
    assert (answer.status, answer.body) == (200, b"firstlast")
    assert "transfer-encoding" not in answer.headers


def test_an_answer_that_breaks_off_is_seen_to(serve: Serve, gate: Gate) -> None:
    service = streaming(serve, gate)
    with Raw(service) as raw:
        raw.send(request("fail"))
        with pytest.raises((ConnectionResetError, AssertionError)):
            raw.answer()
    assert ask(service, request("x")).body == b"firstlast"


def test_a_stream_whose_client_goes_away_is_stopped(serve: Serve, gate: Gate) -> None:
    service = streaming(serve, gate)
    with Raw(service) as raw:
        raw.send(request("forever"))
        raw._until(b"\r\n\r\n")
        raw.chunk()
    closed = Path(f"{gate}.closed")
    wait_until(closed.exists, "the generator to be closed")
    assert ask(service, request("x")).body == b"firstlast"


def test_a_client_too_slow_for_a_stream_makes_the_script_wait(serve: Serve, gate: Gate) -> None:
    """Memory is what a server that just goes on would run out of."""
    script = STREAM.replace('yield b"first"', "yield from [bytes(2**20)] * 64")
    service = serve(
        Gate.WAIT + script, GATE=str(gate), FAIRLEAD_MAX_CONCURRENT_REQUESTS="2"
    ).until_ready()
    closed = Path(f"{gate}.closed")
    with Raw(service) as slow:
        slow.send(request("x"))
        wait_until(lambda: slots(service)["busy"] == 1, "the stream")
        for served in (".", "..", "..."):  # in this time the slow one would have been served, too
            assert len(ask(service, request("x")).body) > 2**26
            wait_until(partial(closed_is, closed, served), "its end")
        assert len(slow.answer().body) > 2**26
    wait_until(partial(closed_is, closed, "...."), "the end of the slow one")


def closed_is(path: Path, marks: str) -> bool:
    return path.exists() and path.read_text() == marks


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-A", "a\nb"), ("X-A", "\u20ac"), ("X A", "b"), ("", "b"), ("X-\xe9", "b")],
)
def test_a_header_that_http_does_not_allow_is_our_failure(
    serve: Serve, name: str, value: str
) -> None:
    script = f"""
from azureml.contrib.services.aml_request import rawhttp
from azureml.contrib.services.aml_response import AMLResponse


def init():
    pass


@rawhttp
def run(request):
    response = AMLResponse("x", 200)
    response.headers._list.append(({name!r}, {value!r}))
    return response
"""
    answer = ask(serve(script).until_ready(), request("x"))
    assert (answer.status, answer.headers["x-ms-run-function-failed"]) == (500, "False")
    assert list(answer.json) == ["message"]
