"""A profile: the service under load in its own container, measured, and no service."""

import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.scoring.conftest import Serve
from tests.integration.scoring.service import Gate, Service, wait_until
from tests.integration.scoring.test_smoke_test import ECHO, FAILING_RUN, SAMPLE, SLOW

SLEEPS = """\
import time


def init():
    pass


def run(data):
    time.sleep(0.02)
    return data
"""
FAILS_LATER = """\
calls = 0


def init():
    pass


def run(data):
    global calls
    calls += 1
    if calls > 3 and calls % 2:
        raise ValueError("odd")
    return data
"""
ONLY_ONCE = """\
import os
from pathlib import Path

FIRST = Path(__file__).with_name("was-here")


def init():
    global again
    again = FIRST.exists()
    FIRST.touch()


def run(data):
    if again:
        raise ValueError("only once")
    return data
"""


class Profiles:
    """Starts profiles of scripts; ``order`` is the file's JSON."""

    def __init__(self, serve: Serve, folder: Path) -> None:
        self._serve, self._folder = serve, folder

    def start(self, script: str, order: Mapping[str, object], **environment: str) -> Service:
        file = self._folder / "order.json"
        file.write_text(json.dumps({"sample": SAMPLE, "seconds": 200, "requests": 20, **order}))
        set_up: dict[str, Any] = dict(environment)
        set_up["files"] = {"sample.json": SAMPLE}
        return self._serve(script, arguments=("--profile", str(file)), **set_up)

    def ended(
        self, script: str, order: Mapping[str, object] | None = None, **environment: str
    ) -> tuple[int, dict[str, Any]]:
        """Its exit code, and what it left for the operator."""
        service = self.start(script, order or {}, **environment)
        code = service.process.wait(300)
        found = service.termination_log
        return code, service.record if found.exists() else {}


@pytest.fixture
def profiles(serve: Serve, tmp_path: Path) -> Profiles:
    return Profiles(serve, tmp_path)


@pytest.mark.parametrize("slots", ["1", "2"])
def test_what_serves_is_measured(profiles: Profiles, slots: str) -> None:
    code, left = profiles.ended(SLEEPS, WORKER_COUNT=slots)
    assert code == 0
    found = left["ok"]
    assert (found["requests"], found["errors"], found["restarts"]) == (20, 0, 0)
    latency = found["latencyMilliseconds"]
    assert 20 <= latency["p50"] <= latency["p95"] <= latency["p999"] == latency["highest"]
    assert 0 < found["requestsPerSecond"] <= 50 * int(slots)
    assert found["startSeconds"] > 0
    assert found["memoryBytes"] > 2**20
    assert len(json.dumps(left)) < 2048


def test_the_sample_may_be_a_file_and_time_ends_it_too(profiles: Profiles) -> None:
    order = {"sample": None, "sampleFile": "sample.json", "requests": 1_000_000, "seconds": 0.5}
    code, left = profiles.ended(SLEEPS, order)
    assert code == 0
    assert 1 <= left["ok"]["requests"] < 1000


def test_answers_that_are_errors_are_counted_and_not_measured(profiles: Profiles) -> None:
    code, left = profiles.ended(FAILS_LATER)
    assert code == 0
    assert (left["ok"]["requests"], left["ok"]["errors"]) == (20, 10)
    assert left["ok"]["firstError"].startswith("status 5")


@pytest.mark.parametrize(
    ("script", "order", "says"),
    [
        ("import nowhere_at_all\n", {}, {"stage": "import", "exception": "ModuleNotFoundError"}),
        (FAILING_RUN, {}, {"stage": "run", "exception": "KeyError", "message": "'bias'"}),
        (SLOW, {"timeoutSeconds": 3}, {"exception": "InitInterrupted"}),
        (ONLY_ONCE, {}, {"stage": "run", "exception": "AnsweredWithError"}),
        (
            ECHO,
            {"sample": None, "sampleFile": "nowhere.json"},
            {"stage": "run", "exception": "SampleUnreadable"},
        ),
    ],
)
def test_what_fails_leaves_the_record_of_it(
    profiles: Profiles, script: str, order: dict[str, object], says: dict[str, object]
) -> None:
    code, left = profiles.ended(script, order)
    assert code == 3
    assert left.items() >= says.items()


def test_one_that_is_told_to_end_leaves_nothing(profiles: Profiles, gate: Gate) -> None:
    script = f"{Gate.WAIT}def init():\n    pass\n\n\ndef run(data):\n    wait_for({str(gate)!r})\n"
    service = profiles.start(script, {})
    wait_until(lambda: gate.reached, "run() to begin")
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(300) != 0
    assert not service.termination_log.exists()
