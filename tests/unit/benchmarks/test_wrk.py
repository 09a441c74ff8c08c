import os

import pytest

from benchmarks.runtime import wrk
from benchmarks.runtime.errors import PeerError
from benchmarks.runtime.figures import Load
from tests.cluster import packages
from tests.cluster.errors import ClusterError

SAID = """\
Running 3s test @ http://127.0.0.1:8080/score
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.30ms  410.12us   6.64ms   84.64%
    Req/Sec     3.49k   211.54     3.74k    90.00%
  10400 requests in 3.00s, 3.10MB read
Requests/sec:   3466.34
Transfer/sec:      1.03MB
RESULT {"requests": 10400, "seconds": 2.500000, "p50": 2264, "p99": 3780, "failed": 3}
"""


def test_the_result_is_read_in_requests_a_second_and_milliseconds() -> None:
    assert wrk.parse(SAID) == Load(rate=4160.0, p50=2.264, p99=3.78, failed=3)


def test_without_a_result_the_error_shows_what_wrk_said() -> None:
    with pytest.raises(PeerError, match="wrk gave no result") as raised:
        wrk.parse("unable to connect to 127.0.0.1:8080 Connection refused\n")
    assert raised.value.tail == ("unable to connect to 127.0.0.1:8080 Connection refused",)


def test_who_may_not_install_wrk_is_told_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wrk, "found", lambda program: None if program == "wrk" else program)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ClusterError, match="sudo apt-get install wrk"):
        wrk.ensure()


def test_root_installs_wrk_from_debian(monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[str] = []
    monkeypatch.setattr(wrk, "found", lambda program: None if program == "wrk" else program)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(packages, "install", installed.extend)
    wrk.ensure()
    assert installed == ["wrk"]
