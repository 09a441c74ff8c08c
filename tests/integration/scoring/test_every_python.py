"""User code's side of the runtime on each Python from 3.6 to 3.14 that the machine has.

Where it has no old one, `tests/unit/scoring/test_oldest_python.py` is what remains: that the code
can be read by Python 3.6 and asks for nothing newer.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.integration.scoring.service import Gate, wait_until
from tests.integration.scoring.slot_process import SlotProcess
from tests.pythons import interpreters

SCRIPT = """
import os
import sys

from azureml.core.model import Model
from azureml.monitoring import ModelDataCollector


def init():
    global path
    ModelDataCollector('x', designation='inputs').collect([1])
    path = Model.get_model_path("ridge")
    print("init of", sys.version_info[:2])
    sys.stdout.write("written ä\\n")


def run(data, request_headers):
    if data == "fork":
        pid = os.fork()
        if pid == 0:
            print("the child")
            os._exit(0)
        os.waitpid(pid, 0)
    if data == "raise":
        raise ValueError("no good")
    return {"python": list(sys.version_info[:2]), "path": path, "data": data,
            "type": request_headers["Content-Type"]}
"""
MODEL = "azureml-models/ridge/3/model.pkl"


class Start(Protocol):
    def __call__(self, script: str, **order: Any) -> SlotProcess: ...


@pytest.fixture(params=sorted(interpreters()), ids=lambda minor: f"3.{minor}")
def minor(request: pytest.FixtureRequest) -> int:
    found: int = request.param
    return found


@pytest.fixture
def start(minor: int, tmp_path: Path) -> Iterator[Start]:
    started: list[SlotProcess] = []

    def begin(script: str, **order: Any) -> SlotProcess:
        files = {"score.py": script, MODEL: "{}"}
        # The front's locale, as it makes one where the image has none.
        environment = {"LC_CTYPE": "C.UTF-8", "AML_APP_ROOT": str(tmp_path / "app")}
        started.append(SlotProcess(tmp_path, files, order, interpreters()[minor], environment))
        return started[-1]

    yield begin
    for slot in started:
        slot.end()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_script_is_served(start: Start, minor: int, tmp_path: Path, threads: int) -> None:
    slot = start(SCRIPT, threads=threads)
    assert slot.ready()["mode"] == "plain"
    head, body = slot.ask("äöü".encode())
    assert (head["status"], head["failed"]) == (200, False)
    path = str(tmp_path / "app" / MODEL)
    assert json.loads(body) == {
        "python": [3, minor], "path": path, "data": "äöü", "type": "text/plain",
    }  # fmt: skip
    assert f" I [{slot.process.pid}] azmlinfsrv.print - init of (3, {minor})\n" in slot.output
    assert "\nwritten ä\n" in slot.output
    assert slot.leave() == 0


def test_a_process_that_run_forks_can_print(start: Start) -> None:
    slot = start(SCRIPT)
    slot.ready()
    assert slot.ask(b"fork")[0]["status"] == 200
    assert "azmlinfsrv.print - the child\n" in slot.output


def test_a_run_that_raises_is_told_with_its_line(start: Start) -> None:
    slot = start(SCRIPT)
    slot.ready()
    head, _ = slot.ask(b"raise")
    assert (head["status"], head["failed"]) == (500, True)
    assert 'score.py", line 25, in run\n' in slot.output
    assert "ValueError: no good" in slot.output


def test_a_run_that_takes_too_long_is_interrupted(start: Start, gate: Gate) -> None:
    script = f"{Gate.WAIT}def init():\n    pass\n\n\ndef run(data):\n    wait_for('{gate}')\n"
    slot = start(script)
    slot.ready()
    slot.send(1)
    wait_until(lambda: gate.reached, "run() to wait")
    slot.interrupt(1)
    assert slot.receive()[0] == {"type": "interrupted", "seq": 1}
    assert slot.receive()[0]["status"] == 500


def test_an_init_that_raises_is_a_record(start: Start, minor: int) -> None:
    slot = start(SCRIPT.replace('"ridge"', '"other"'))
    head, _ = slot.receive()
    record = head["record"]
    assert record["python"].startswith(f"3.{minor}.")
    assert record["exception"] == "azureml.exceptions.ModelNotFoundException"
    assert record["location"]["line"] == 12
    assert record["models"] == [{"name": "ridge", "versions": [3]}]
    assert slot.process.wait(15) == 3


def test_more_of_the_sdk_than_there_is_is_told_by_name(start: Start) -> None:
    slot = start(f"from azureml.core import Workspace\n{SCRIPT}")
    head, _ = slot.receive()
    assert "azureml.core.Workspace is not part of what Fairlead" in head["record"]["message"]
