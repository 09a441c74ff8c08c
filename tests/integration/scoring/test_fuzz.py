"""Requests that no client would send, by the hundred: it never crashes, hangs or leaks a slot."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.scoring.raw_http import Raw, ask, request
from tests.integration.scoring.service import ECHO, Service, wait_until

CHUNKED = b"POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
CORPUS = [
    request("hello"),
    request('{"data": [[1, 2]]}', Content_Type="application/json"),
    request("", line="GET /score?a=1&b=%5B1%5D HTTP/1.1"),
    request("", line="GET / HTTP/1.1"),
    request("", line="HEAD / HTTP/1.1"),
    request("", line="OPTIONS * HTTP/1.1"),
    request("", line="GET http://host:80/score HTTP/1.1"),
    request("", line="GET http://host HTTP/1.1"),
    request("", line="GET //score HTTP/1.0", Connection="keep-alive"),
    request("", line="CONNECT host:443 HTTP/1.1"),
    request("x", Connection="close"),
    request("x", Expect="100-continue"),
    request("x", Upgrade="h2c", Connection="Upgrade, HTTP2-Settings", HTTP2_Settings="AAMAAABk"),
    request("x", x_request_id="r" * 101),
    CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"5;a=b\r\nhello\r\n0\r\nTrailer: t\r\n\r\n",
    CHUNKED + b"ffffffffffffffff\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/1.1\nHost: x\n\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n folded: yes\r\n\r\n",
    b"POST /score HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\n",
    b"POST /score HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    b"POST /score HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /score HTTP/1.1\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
    b"POST /score HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\nabc",
    b"GET /\xff\xfe HTTP/1.1\r\n\xe9: \xff\r\n\r\n",
    b"GET /%00%0d%0a HTTP/1.1\r\n\r\n",
    b"\r\n\r\n\r\n" + request("x"),
    b"",
]
INSERTS = [
    b"\r",
    b"\n",
    b"\r\n",
    b"\x00",
    b" ",
    b":",
    b"chunked",
    b"0",
    b"\xff",
    b"-1",
    b"\r\n\r\n",
]


@st.composite
def conversations(draw: st.DrawFn) -> list[bytes]:
    """Some requests in a row, damaged in some places, and torn into some pieces."""
    data = b"".join(draw(st.lists(st.sampled_from(CORPUS), min_size=1, max_size=3)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        until = draw(st.integers(at, min(len(data), at + 8)))
        data = data[:at] + draw(st.sampled_from(INSERTS) | st.binary(max_size=4)) + data[until:]
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=3)))
    edges = [0, *cuts, len(data)]
    return [data[a:b] for a, b in pairwise(edges) if b > a]


@pytest.fixture(scope="module")
def echo(runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(
        tmp_path_factory.mktemp("fuzzed"),
        runtime,
        {"score.py": ECHO},
        {"FAIRLEAD_MAX_CONCURRENT_REQUESTS": "2", "FAIRLEAD_MAX_BODY_MB": "1"},
    )
    try:
        yield service.until_ready()
        log = service.err + service.out
        assert "Traceback" not in log, log[max(0, log.index("Traceback") - 300) :][:4000]
    finally:
        service.end()


def is_well(service: Service) -> bool:
    state = ask(service, request(line="GET /-/slots HTTP/1.1")).json
    told = [state[name] for name in ("ready", "busy", "queued", "restarts")]
    return told == [2, 0, 0, 0]


@settings(max_examples=1000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(pieces=conversations(), end=st.sampled_from(["half-closes", "closes", "resets"]))
def test_whatever_is_sent_it_serves_on(echo: Service, pieces: list[bytes], end: str) -> None:
    with Raw(echo) as raw, suppress(ConnectionError):
        for piece in pieces:
            raw.send(piece)
        if end == "half-closes":
            raw.close_half().rest()  # it answers, or it closes; it does not leave us waiting
        elif end == "resets":
            raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert ask(echo, request("still here")).json == "still here"
    wait_until(lambda: is_well(echo), "every slot to be free again")


def test_connections_that_are_left_open_are_no_hindrance(echo: Service) -> None:
    clients = [Raw(echo).send(data[: len(data) // 2]) for data in CORPUS * 5]
    assert ask(echo, request("still here")).json == "still here"
    for client in clients:
        client.socket.close()
    wait_until(lambda: is_well(echo), "every slot to be free again")
