"""What a plain script's clients see: the reference server's answers (contract §12, §12.1).

The table holds the answers of azureml-inference-server-http 1.5.1 to the same requests.
"""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.scoring.service import CLIENT, PLAIN, Service, wait_until

SCRIPT = """
def init():
    pass


def run(data, request_headers):
    if data == "boom":
        raise ValueError("x")
    if data == "none":
        return None
    if data == "set":
        return {1, 2}
    if data == "nan":
        return [float("nan"), "é"]
    if data == "headers":
        return {name: value for name, value in request_headers.items() if name.startswith("X-")}
    return {"type": type(data).__name__, "data": data}
"""
JSON = "application/json"
HTML = "text/html; charset=utf-8"
FORM = {"content-type": "application/x-www-form-urlencoded"}
RUN_FAILED = (
    b'{"message": "An unexpected error occurred in scoring script. Check the logs for more info."}'
)
INTERNAL = b'{"message": "An unexpected internal error occurred. Check the logs for more info."}'
NOT_UTF8 = (
    b"{\"message\": \"Input cannot be decoded as UTF-8: 'utf-8' codec can't decode byte 0xff in "
    b'position 0: invalid start byte"}'
)
NOT_ALLOWED = b'{"message": "The method is not allowed for the requested URL."}'
NOT_FOUND = (
    b'{"message": "The requested URL was not found on the server. If you entered the URL manually '
    b'please check your spelling and try again."}'
)
LONG_ID = b'{"message": "x-request-id must not exceed 100 characters"}'
LONG_CLIENT_ID = (
    b'{"message": "x-ms-request-id and x-ms-client-request-id must not exceed 100 characters"}'
)
QUERY = '{"a": 1, "b": [1, 2], "c": ["x", "y"], "d": "", "e": "f g"}'
SENT = {"x-one": "1", "x-two-three": "2"}


@pytest.fixture(scope="module")
def plain(runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("plain"), runtime, {"score.py": SCRIPT}, {})
    yield service.until_ready()
    service.end()


def ask(service: Service, method: str, path: str, **more: Any) -> httpx.Response:
    return CLIENT.request(method, f"{service.url}{path}", **more)


@pytest.mark.parametrize(
    ("request_line", "body", "headers", "status", "answer"),
    [
        pytest.param("POST /score", b'{"a":1}', {"content-type": JSON}, 200,
                     rb'{"type": "str", "data": "{\"a\":1}"}', id="the body, as a string"),
        pytest.param("POST /score", b"", PLAIN, 200, b'{"type": "str", "data": ""}', id="no body"),
        pytest.param("POST /score", b"none", PLAIN, 200, b"{}", id="None"),
        pytest.param("POST /score", b"nan", PLAIN, 200, rb'[NaN, "\u00e9"]', id="NaN, not ASCII"),
        pytest.param("POST /score", b"a=1", FORM, 200, b'{"type": "str", "data": ""}', id="a form"),
        pytest.param("POST /score", b"headers", {**PLAIN, **SENT}, 200,
                     b'{"X-One": "1", "X-Two-Three": "2"}', id="request_headers"),
        pytest.param("GET /score?a=1&b=[1,2]&c=x&c=y&d=&e=f+g", b"", {}, 200,
                     rb'{"type": "str", "data": "' + QUERY.replace('"', r"\"").encode() + b'"}',
                     id="a query"),
        pytest.param("GET /score", b"", {}, 200, b'{"type": "str", "data": "{}"}', id="no query"),
        pytest.param("POST /score", b"\xff", PLAIN, 400, NOT_UTF8, id="not UTF-8"),
        pytest.param("POST /score", b"boom", PLAIN, 500, RUN_FAILED, id="run() raises"),
        pytest.param("POST /score", b"set", PLAIN, 500, INTERNAL, id="what is no JSON"),
        pytest.param("PUT /score", b"1", PLAIN, 405, NOT_ALLOWED, id="wrong method"),
        pytest.param("POST /", b"", {}, 405, NOT_ALLOWED, id="wrong method elsewhere"),
        pytest.param("GET /nope", b"", {}, 404, NOT_FOUND, id="unknown route"),
        pytest.param("POST /score/", b"", {}, 404, NOT_FOUND, id="a slash too many"),
        pytest.param("POST /score", b"1", {"x-request-id": "r" * 101}, 431, LONG_ID, id="long id"),
        pytest.param("POST /score", b"1", {"x-ms-client-request-id": "r" * 101}, 431,
                     LONG_CLIENT_ID, id="long client id"),
    ],
)  # fmt: skip
def test_the_answer_is_the_reference_servers(
    plain: Service,
    request_line: str,
    body: bytes,
    headers: dict[str, str],
    status: int,
    answer: bytes,
) -> None:
    method, path = request_line.split(" ")
    found = ask(plain, method, path, content=body, headers=headers)
    assert (found.status_code, found.content, found.headers["content-type"]) == (
        status,
        answer,
        JSON,
    )
    failed = "True" if answer == RUN_FAILED else "False"
    assert found.headers["x-ms-run-function-failed"] == failed
    assert ("x-ms-run-fn-exec-ms" in found.headers) == (status == 200)


def test_health_is_healthy(plain: Service) -> None:
    found = ask(plain, "GET", "/")
    assert (found.status_code, found.content, found.headers["content-type"]) == (
        200,
        b"Healthy",
        HTML,
    )
    assert "x-ms-run-function-failed" not in found.headers


@pytest.mark.parametrize(
    ("request_line", "status", "expected"),
    [
        ("HEAD /", 200, {"content-length": "7"}),
        ("OPTIONS /", 200, {"allow": "OPTIONS, GET, HEAD", "content-length": "0"}),
        ("OPTIONS /score", 200, {"x-ms-run-function-failed": "False", "content-length": "0"}),
        ("HEAD /score", 405, {"x-ms-run-function-failed": "False"}),
    ],
)
def test_the_other_methods(
    plain: Service, request_line: str, status: int, expected: dict[str, str]
) -> None:
    method, path = request_line.split(" ")
    found = ask(plain, method, path)
    assert found.status_code == status
    assert {name: found.headers[name] for name in expected} == expected


def ids(found: httpx.Response) -> dict[str, str]:
    names = ("x-request-id", "x-ms-request-id", "x-ms-client-request-id")
    return {name: found.headers[name] for name in names if name in found.headers}


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        pytest.param(
            {"x-request-id": "r"}, {"x-request-id": "r", "x-ms-request-id": "r"}, id="ours"
        ),
        pytest.param(
            {"x-request-id": "r", "x-ms-client-request-id": "c"},
            {"x-request-id": "r", "x-ms-request-id": "c", "x-ms-client-request-id": "c"},
            id="the client's",
        ),
        pytest.param(
            {"x-request-id": "r", "x-ms-request-id": "m"},
            {"x-request-id": "r", "x-ms-request-id": "m", "x-ms-client-request-id": "m"},
            id="the client's old",
        ),
        pytest.param({"x-request-id": ""}, {}, id="an empty one"),
        pytest.param({"x-request-id": "r" * 101}, {}, id="one too long"),
        pytest.param(
            {"x-request-id": "r", "x-ms-client-request-id": "c" * 101},
            {"x-request-id": "r"},
            id="a client's too long",
        ),
    ],
)
def test_ids_are_answered(plain: Service, sent: dict[str, str], answered: dict[str, str]) -> None:
    assert ids(plain.score("1", **sent)) == answered


def test_an_id_is_made_where_none_was_sent(plain: Service) -> None:
    first, second = (plain.score("1").headers["x-request-id"] for _ in range(2))
    assert len(first) == len(second) == 36
    assert first != second


def test_the_trace_id_is_echoed_and_the_server_named(plain: Service) -> None:
    found = plain.score("1", TraceId="t-1")
    assert found.headers["traceid"] == "t-1"
    assert found.headers["x-ms-server-version"].startswith("fairlead-scoring/")
    assert "server" not in found.headers


def test_an_unknown_route_has_no_ids(plain: Service) -> None:
    assert ids(ask(plain, "GET", "/nope", headers={"x-request-id": "r"})) == {}


def test_a_body_above_the_limit_is_refused(plain: Service) -> None:
    def megabytes() -> Iterator[bytes]:
        for _ in range(101):
            yield b" " * 2**20

    found = ask(plain, "POST", "/score", content=megabytes(), headers=PLAIN)
    assert found.status_code == 413
    assert found.json() == {
        "message": "The request body is larger than 100 MB, the most that this service takes "
        "(FAIRLEAD_MAX_BODY_MB). Send less at a time."
    }
    assert plain.score("1").status_code == 200


def test_a_body_that_announces_too_much_is_refused_unread(plain: Service) -> None:
    head = f"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: {100 * 2**20 + 1}\r\n\r\n"
    port = int(plain.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(head.encode())
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_large_body_arrives_whole(plain: Service) -> None:
    text = "0123456789" * 2**20
    assert plain.score(text).json() == {"type": "str", "data": text}


def test_each_score_is_one_line_of_the_log(plain: Service) -> None:
    ask(plain, "GET", "/score?a=1&sig=abcdef")
    wait_until(lambda: "?a=1&sig" in plain.out, "the line, which nothing waits for")
    lines = [line for line in plain.out.splitlines() if "?a=1&sig" in line]
    assert len(lines) == 1
    assert "fairlead - GET /score?a=1&sig=*** 200 " in lines[0]
    assert not [line for line in plain.out.splitlines() if "GET / " in line]
