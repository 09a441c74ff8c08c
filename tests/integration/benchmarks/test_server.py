"""Servers of the benchmarks: stand-ins that are started, asked and ended as the real ones are."""

import os
import socket
import sys
from pathlib import Path

import psutil
import pytest

from benchmarks.runtime import server
from benchmarks.runtime.client import ask
from benchmarks.runtime.errors import PeerError
from benchmarks.runtime.peers import Peer
from benchmarks.runtime.server import serving

ADDS = """
import http.server, json, os, signal, subprocess, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        data = json.loads(self.rfile.read(int(self.headers["content-length"])))["data"]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"result": sum(data) + int(os.environ["EXTRA"])}).encode())

if os.environ.get("STUBBORN"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
CORE = min(os.sched_getaffinity(0))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An environment, as far as it is needed: a folder with ``bin/python``."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(sys.executable)
    return tmp_path


def peer(home: Path, program: str) -> Peer:
    (home / "server.py").write_text(program)
    return Peer("test", "Test", ("python", "{home}/server.py", "{port}"), {"EXTRA": "0"})


@pytest.mark.parametrize("more", [{}, {"STUBBORN": "yes"}], ids=["obedient", "stubborn"])
def test_it_runs_on_its_core_and_ends_with_all_that_it_started(
    home: Path, more: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "END_TIMEOUT_S", 0.5)
    with serving(peer(home, ADDS), home, CORE, home / "log", more) as found:
        family = [found.process, *found.process.children(recursive=True)]
        assert [set(one.cpu_affinity()) for one in family] == [{CORE}, {CORE}]
        assert found.memory > 5
        assert found.cpu > 0.01
        assert 0 < found.start < server.START_TIMEOUT_S
    assert not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in family)


def test_one_that_does_not_start_is_told_with_its_last_words(home: Path) -> None:
    broken = peer(home, "print('about to fail', flush=True); raise SystemExit(7)")
    with (
        pytest.raises(PeerError, match=r"does not start \(exit code 7\)") as raised,
        serving(broken, home, CORE, home / "log"),
    ):
        pass
    assert raised.value.tail == ("about to fail",)


def test_a_wrong_answer_is_not_measured(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "START_TIMEOUT_S", 1.0)
    monkeypatch.setattr(server, "END_TIMEOUT_S", 0.5)
    wrong = peer(home, ADDS)
    with (
        pytest.raises(PeerError, match=r"gave no right answer .* but 200 .*56"),
        serving(wrong, home, CORE, home / "log", {"EXTRA": "1"}),
    ):
        pass


async def test_a_closed_port_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert (await ask(port, "GET", "/")).outcome == "refused"


async def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reply = await ask(silent.getsockname()[1], "GET", "/", patience=0.1)
    assert reply.outcome == "silence"
    assert reply.seconds >= 0.1
