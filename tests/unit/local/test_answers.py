"""What a local service answers, and how that is told."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.api.reasons import Reason
from fairlead.local.answers import (
    NoAnswerError,
    ask,
    is_debugger_attached,
    is_ready,
    reload_script,
)
from fairlead.local.errors import LocalError, refusal
from fairlead.local.host import Exit
from fairlead.local.logs import read_log
from fairlead.local.scoring import score
from fairlead.local.service import failure_of
from fairlead.local.standing import Standing, standing
from tests.unit.local.services import Standin, service

FAILURE = {"failure": {"exception": "ValueError"}, "message": "no"}
ANSWERS: dict[str, tuple[int, bytes]] = {
    "/ready": (200, b"Ready"),
    "/score": (200, b'{"a": 1}'),
    "/-/reload": (200, b"{}"),
}


class Handler(http.server.BaseHTTPRequestHandler):
    answers = ANSWERS

    def do_GET(self) -> None:
        status, body = self.answers[self.path]
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(status)
        self.send_header("x-fairlead-503-reason", "queue_full")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def answers() -> dict[str, tuple[int, bytes]]:
    return dict(ANSWERS)


@pytest.fixture
def port(answers: dict[str, tuple[int, bytes]]) -> Iterator[int]:
    handler = type("Mine", (Handler,), {"answers": answers})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def silent(port: int, answers: dict[str, tuple[int, bytes]]) -> int:
    """A port at which connections end without an answer."""
    answers.clear()
    return port


def test_whether_it_is_ready(port: int, answers: dict[str, tuple[int, bytes]]) -> None:
    assert is_ready(port)
    answers["/ready"] = (503, b"")
    assert not is_ready(port)


def test_nobody_there_is_not_ready(silent: int) -> None:
    assert not is_ready(silent)
    with pytest.raises(NoAnswerError):
        ask(silent, "GET", "/")


def test_a_reload_tells_why_it_did_not_go(port: int, answers: dict[str, tuple[int, bytes]]) -> None:
    assert reload_script(port) is None
    answers["/-/reload"] = (500, json.dumps(FAILURE).encode())
    assert reload_script(port) == {"exception": "ValueError"}
    for odd in (b"no json", b"[]", b'{"failure": 1}'):
        answers["/-/reload"] = (500, odd)
        assert reload_script(port) == {"message": odd.decode()}


def test_a_score(port: int, tmp_path: Path) -> None:
    assert score(service(port=port), b"{}", Standin(), tmp_path).body == b'{"a": 1}'


def test_a_score_that_fails_is_shown_with_the_log(
    port: int, answers: dict[str, tuple[int, bytes]], tmp_path: Path
) -> None:
    answers["/score"] = (503, b'{"message": "the queue is full"}')
    with pytest.raises(LocalError) as caught:
        score(service(port=port), b"{}", Standin(printed=b"last line"), tmp_path)
    message = caught.value.finding.message
    assert message.startswith("The service answered 503 (queue_full): ")
    assert "the queue is full" in message
    assert caught.value.log_tail == "last line"


def test_of_one_that_does_not_run_the_cause_is_told(silent: int, tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="does not answer at port") as caught:
        score(service(port=silent), b"{}", Standin(), tmp_path)
    assert caught.value.finding.reason == Reason.SERVICE_NOT_RUNNING
    failed = service(port=silent, failure=failure_of(refusal(Reason.PORT_TAKEN, "Taken.", "")))
    with pytest.raises(LocalError, match=r"Taken\."):
        score(failed, b"{}", Standin(), tmp_path)


def test_how_a_service_stands(
    port: int, answers: dict[str, tuple[int, bytes]], tmp_path: Path
) -> None:
    one = service(port=port)
    assert standing(one, Standin(), tmp_path) == Standing("Healthy", "Serving")
    answers["/ready"] = (503, b"")
    assert standing(one, Standin(), tmp_path) == Standing("Transitioning", "Starting")
    ended = Standin(Exit(1, ""))
    assert standing(one, ended, tmp_path) == Standing("Failed", "ServiceNotRunning")
    failed = service(failure=failure_of(refusal(Reason.PORT_TAKEN, "Taken.", "")))
    assert standing(failed, ended, tmp_path) == Standing("Failed", "PortTaken")


def test_logs_of_now_and_before(tmp_path: Path) -> None:
    keeper, one = Standin(printed=b"now"), service()
    assert list(read_log(one, keeper, tmp_path, follow=False, previous=False)) == [b"now"]
    assert list(read_log(one, keeper, tmp_path, follow=True, previous=False)) == [b"now"]
    with pytest.raises(LocalError, match="no earlier log"):
        read_log(one, keeper, tmp_path, follow=False, previous=True)
    (tmp_path / "previous.log").write_bytes(b"before")
    assert list(read_log(one, keeper, tmp_path, follow=False, previous=True)) == [b"before"]


@pytest.mark.parametrize(
    ("said", "attached"),
    [
        ({"debugger": {"attached": True}}, True),
        ({"debugger": {"attached": False}}, False),
        ({"debugger": True}, False),
        ({}, False),
        ([], False),
    ],
)
def test_the_service_says_whether_a_debugger_is_attached(
    port: int, answers: dict[str, tuple[int, bytes]], said: object, *, attached: bool
) -> None:
    answers["/-/slots"] = (200, json.dumps(said).encode())
    assert is_debugger_attached(port) is attached
    answers["/-/slots"] = (200, b"no json")
    assert not is_debugger_attached(port)


def test_who_does_not_answer_has_no_debugger() -> None:
    assert not is_debugger_attached(1)
