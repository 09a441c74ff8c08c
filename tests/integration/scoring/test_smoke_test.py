"""The smoke test: what a service would do first, and then no service."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.integration.scoring.conftest import Serve
from tests.integration.scoring.service import Gate, Service, wait_until

ECHO = "def init():\n    print('loading')\n\n\ndef run(data):\n    return data\n"
FAILING_RUN = """\
def init():
    global weights
    weights = {}


def run(data):
    return weights["bias"]
"""
KILLED = "import os\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    os._exit(7)\n"
AWAY = """\
from azureml.contrib.services.aml_response import AMLResponse


def init():
    pass


def run(data):
    return AMLResponse("no such customer", 404)
"""
SLOW = "import time\n\n\ndef init():\n    time.sleep(600)\n\n\ndef run(data):\n    return data\n"
SLOW_RUN = "import time\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    time.sleep(600)\n"
SAMPLE = '{"data": [[1, 2]]}'


class SmokeTests:
    """Starts smoke tests of scripts; ``order`` is the file's JSON."""

    def __init__(self, serve: Serve, folder: Path) -> None:
        self._serve, self._folder = serve, folder

    def start(self, script: str, order: object, **environment: str) -> Service:
        file = self._folder / "order.json"
        file.write_text(order if isinstance(order, str) else json.dumps(order))
        set_up: dict[str, Any] = dict(environment)
        set_up["files"] = {"sample.json": SAMPLE}
        return self._serve(script, arguments=("--smoke-test", str(file)), **set_up)

    def ended(self, script: str, order: object, **environment: str) -> tuple[int, dict[str, Any]]:
        """Its exit code, and what it left for the operator."""
        service = self.start(script, order, **environment)
        code = service.process.wait(120)
        found = service.termination_log
        return code, service.record if found.exists() else {}


@pytest.fixture
def tests(serve: Serve, tmp_path: Path) -> SmokeTests:
    return SmokeTests(serve, tmp_path)


@pytest.mark.parametrize(
    ("order", "environment"),
    [
        ({}, {}),
        ({"sampleFile": "sample.json"}, {}),
        ({"sample": SAMPLE}, {"FAIRLEAD_SLOT_MODE": "thread", "WORKER_COUNT": "2"}),
    ],
)
def test_what_serves_passes(tests: SmokeTests, order: object, environment: dict[str, str]) -> None:
    code, left = tests.ended(ECHO, order, **environment)
    assert code == 0
    assert left.keys() == {"ok"}
    assert left["ok"]["seconds"] > 0


def test_it_opens_no_port_and_user_code_does_not_see_it(tests: SmokeTests) -> None:
    script = f"import os\n{ECHO}    # \n".replace(
        "    print('loading')",
        "    assert not [name for name in os.environ if 'smoke' in name.lower()], os.environ",
    )
    code, _ = tests.ended(script, {"sample": SAMPLE}, FAIRLEAD_PORT="1")  # not ours to open
    assert code == 0


@pytest.mark.parametrize(
    ("script", "says", "at"),
    [
        ("import nowhere_at_all\n", {"stage": "import", "exception": "ModuleNotFoundError"}, 1),
        (
            f"{ECHO}".replace("print('loading')", "raise ValueError('bad weights')"),
            {"stage": "init", "exception": "ValueError", "message": "bad weights"},
            2,
        ),
        (FAILING_RUN, {"stage": "run", "exception": "KeyError", "message": "'bias'"}, 7),
        (KILLED, {"stage": "run", "exception": "ProcessExited"}, None),
        (
            AWAY,
            {
                "stage": "run",
                "exception": "AnsweredWithError",
                "message": "run() answered with status 404: no such customer",
            },
            None,
        ),
    ],
)
def test_what_fails_leaves_the_record_of_it(
    tests: SmokeTests, script: str, says: dict[str, object], at: int | None
) -> None:
    code, left = tests.ended(script, {"sample": SAMPLE})
    assert code == 3
    assert left.items() >= says.items()
    assert (left["location"] or {}).get("line") == at
    if at is not None:
        assert "score.py" in left["traceback"]


def test_a_sample_that_the_image_does_not_have_is_told(tests: SmokeTests) -> None:
    code, left = tests.ended(ECHO, {"sampleFile": "nowhere.json"})
    assert (code, left["exception"]) == (3, "SampleUnreadable")
    assert left["message"] == "The sample nowhere.json cannot be read: No such file or directory."


def test_without_a_sample_run_is_not_called(tests: SmokeTests) -> None:
    code, _ = tests.ended(FAILING_RUN, {})
    assert code == 0


@pytest.mark.parametrize(
    ("script", "environment", "says"),
    [
        (SLOW, {}, {"stage": "init", "exception": "InitInterrupted"}),
        (
            SLOW_RUN.replace("time.sleep(600)", "[time.sleep(0.01) for _ in range(60_000)]"),
            {"SCORING_TIMEOUT_MS": "300"},
            {"stage": "run", "exception": "RunTimedOut"},
        ),
    ],
)
def test_it_has_its_time_and_no_more(
    tests: SmokeTests, script: str, environment: dict[str, str], says: dict[str, object]
) -> None:
    budget = 60 if environment else 3  # seconds
    order = {"sample": SAMPLE, "timeoutSeconds": budget}
    code, left = tests.ended(script, order, **environment)
    assert code == 3
    assert left.items() >= says.items()
    if says["exception"] == "InitInterrupted":
        assert left["location"]["line"] == 5


def test_one_that_is_told_to_end_has_not_passed(tests: SmokeTests, gate: Gate) -> None:
    script = f"{Gate.WAIT}def init():\n    wait_for({str(gate)!r})\n\n\ndef run(data):\n    pass\n"
    service = tests.start(script, {})
    wait_until(lambda: gate.reached, "init() to begin")
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(120) != 0
    assert not service.termination_log.exists()
