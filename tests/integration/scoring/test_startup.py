"""A service that cannot start: exit code 3, the traceback in the log, the operator's record."""

import json
import platform
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.integration.scoring.conftest import Serve
from tests.integration.scoring.raw_http import Raw, request
from tests.integration.scoring.service import ECHO, Gate, wait_until

CONTRACT = Path(__file__).parents[2] / "contract" / "startup-record.json"
SCHEMA = "fairlead.dev/startup-failure/v1"
RUN = "\n\ndef run(data):\n    return data\n"
MISSING_MODEL = f"""
from azureml.core.model import Model


def init():
    model_path = Model.get_model_path('sklearn_regresion_model.pkl')
{RUN}"""
WRAPPED = f"""
def init():
    try:
        {{}}["missing"]
    except KeyError as error:
        raise ValueError("no such key") from error
{RUN}"""


def location(line: int, function: str, code: str, file: str = "score.py") -> dict[str, object]:
    return {"file": file, "line": line, "function": function, "code": code}


def what_it_says(record: dict[str, Any]) -> dict[str, Any]:
    """The record without what differs from run to run, or follows from the rest."""
    told = {"schema", "models", "python", "elapsedSeconds", "traceback"}
    return {name: value for name, value in record.items() if name not in told}


@pytest.mark.parametrize(
    ("script", "words", "says"),
    [
        pytest.param(
            "def init():\n    pass\n",
            "does not have a run() function defined.",
            {"stage": "script", "exception": "UserScriptError",
             "message": "User script at {root}/score.py does not have a run() function defined.",
             "causes": [], "location": None, "frames": []},
            id="no run()",
        ),
        pytest.param(
            "def init():\n    pass\n\n\ndef run(*data):\n    return data\n",
            "run() cannot accept positional-only arguments, *args, or **kwargs.",
            {"stage": "script", "exception": "UserScriptError",
             "message": "run() cannot accept positional-only arguments, *args, or **kwargs.",
             "causes": [], "location": location(5, "run", "def run(*data):"), "frames": []},
            id="run() does not fit",
        ),
        pytest.param(
            "def init(:\n    pass\n",
            "Failed to import user script because it raised an unhandled exception",
            {"stage": "import", "exception": "SyntaxError", "message": "invalid syntax",
             "causes": [], "location": location(1, "<module>", "def init(:"), "frames": []},
            id="not Python",
        ),
        pytest.param(
            "import no_such_package\n",
            "ModuleNotFoundError: No module named 'no_such_package'",
            {"stage": "import", "exception": "ModuleNotFoundError",
             "message": "No module named 'no_such_package'", "causes": [],
             "location": location(1, "<module>", "import no_such_package"),
             "frames": ["score.py:1 <module>"]},
            id="import error",
        ),
        pytest.param(
            "import sys\n\nsys.exit('no licence')\n",
            "SystemExit: no licence",
            {"stage": "import", "exception": "SystemExit", "message": "no licence", "causes": [],
             "location": location(3, "<module>", "sys.exit('no licence')"),
             "frames": ["score.py:3 <module>"]},
            id="sys.exit() at import",
        ),
        pytest.param(
            WRAPPED,
            "User's init function failed",
            {"stage": "init", "exception": "ValueError", "message": "no such key",
             "causes": [{"exception": "KeyError", "message": "'missing'"}],
             "location": location(6, "init", 'raise ValueError("no such key") from error'),
             "frames": ["score.py:6 init"]},
            id="init() raises",
        ),
        pytest.param(
            f"import sys\n\n\ndef init():\n    sys.exit(0)\n{RUN}",
            "SystemExit: 0",
            {"stage": "init", "exception": "SystemExit", "message": "0", "causes": [],
             "location": location(5, "init", "sys.exit(0)"), "frames": ["score.py:5 init"]},
            id="sys.exit(0) in init()",
        ),
        pytest.param(
            f"import os\n\n\ndef init():\n    os._exit(0)\n{RUN}",
            "The process that runs score.py ended with exit code 0 during init().",
            {"stage": "init", "exception": "ProcessExited",
             "message": "The process that runs score.py ended with exit code 0 during init().",
             "causes": [], "location": None, "frames": []},
            id="the process exits",
        ),
        pytest.param(
            f"import os\n\n\ndef init():\n    os.kill(os.getpid(), {int(signal.SIGSEGV)})\n{RUN}",
            "Fatal Python error: Segmentation fault",
            {"stage": "init", "exception": "ProcessKilled",
             "message": "The process that runs score.py was killed by SIGSEGV during init().",
             "causes": [], "location": None, "frames": []},
            id="the process crashes",
        ),
    ],
)  # fmt: skip
def test_a_failed_start_is_explained(
    serve: Serve, script: str, words: str, says: dict[str, Any]
) -> None:
    service = serve(script)
    assert service.exit_code() == 3
    message = says["message"].format(root=service.root)
    assert what_it_says(service.record) == {**says, "message": message}
    assert words in service.err


def test_a_missing_model_is_told_with_the_models_that_exist(serve: Serve) -> None:
    model = "azureml-models/sklearn_regression_model.pkl/1/sklearn_regression_model.pkl"
    service = serve(MISSING_MODEL, files={model: "a model"}, AZUREML_MODEL_DIR="azureml-models")
    assert service.exit_code() == 3
    record = service.record
    elapsed, traceback = record.pop("elapsedSeconds"), record.pop("traceback")
    models = service.root / "azureml-models"
    line = record["frames"][1].split(":")[1].split()[0]
    assert record == {
        "schema": SCHEMA,
        "stage": "init",
        "exception": "azureml.exceptions.ModelNotFoundException",
        "message": f"Model sklearn_regresion_model.pkl not found in cache at {models} or in "
        f"current working directory {service.root}. For more info, set logging level to DEBUG. "
        "The image has: sklearn_regression_model.pkl (version 1).",
        "causes": [],
        "location": location(
            6, "init", "model_path = Model.get_model_path('sklearn_regresion_model.pkl')"
        ),
        "frames": ["score.py:6 init", f"azureml/core/model.py:{line} get_model_path"],
        "models": [{"name": "sklearn_regression_model.pkl", "versions": [1]}],
        "python": platform.python_version(),
    }
    assert 0 <= elapsed < 10
    *frames, error = traceback.splitlines()
    assert frames[0] == "Traceback (most recent call last):"
    assert "\n".join(frames) in service.err
    assert error == f"azureml.exceptions.ModelNotFoundException: {record['message']}"
    assert "        sklearn_regression_model.pkl\n" in tree(service.err)


def tree(log: str) -> str:
    """The tree of the model folder, without what a line of the log begins with."""
    return "".join(line.partition(" - ")[2] + "\n" for line in log.splitlines())


def test_the_record_has_the_keys_of_the_contract(serve: Serve) -> None:
    service = serve(MISSING_MODEL)
    service.exit_code()
    example = json.loads(CONTRACT.read_text())
    assert list(service.record) == list(example)
    assert list(service.record["location"]) == list(example["location"])
    assert service.record["schema"] == example["schema"]
    assert service.record["exception"] == example["exception"]


def test_an_error_in_another_file_of_the_user_is_found_there(serve: Serve) -> None:
    helper = "import json\n\n\ndef load():\n    return json.loads('{')\n"
    script = f"import helper\n\n\ndef init():\n    helper.load()\n{RUN}"
    service = serve(script, files={"helper.py": helper})
    assert service.exit_code() == 3
    assert service.record["location"] == location(5, "load", "return json.loads('{')", "helper.py")
    assert service.record["exception"] == "json.decoder.JSONDecodeError"
    assert service.record["frames"][:2] == ["score.py:5 init", "helper.py:5 load"]


def test_a_missing_script_is_told_with_the_files_that_exist(serve: Serve) -> None:
    service = serve(ECHO, files={"scores.py": ECHO}, AZUREML_ENTRY_SCRIPT="scorer.py")
    assert service.exit_code() == 3
    path = service.root / "scorer.py"
    assert what_it_says(service.record) == {
        "stage": "import",
        "exception": "FileNotFoundError",
        "message": f"[Errno 2] No such file or directory: '{path}'",
        "causes": [],
        "location": None,
        "frames": [],
    }
    assert "Current contents of AML_APP_ROOT: ['score.py', 'scores.py']" in service.err


def test_a_giant_traceback_full_of_secrets_fits_and_tells_none(serve: Serve) -> None:
    script = f"""
def dig(depth):
    if depth:
        dig(depth - 1)
    secrets = ["https://me:hunter2@host/x", "AccountKey=c2VjcmV0==", "Bearer abc123def456"]
    raise ValueError(" ".join(["é" * 9000, *secrets]))


def init():
    dig(300)
{RUN}"""
    service = serve(script)
    assert service.exit_code() == 3
    written = service.termination_log.read_bytes()
    assert len(written) <= 4096
    assert "[Previous line repeated" in service.err
    for secret in ("hunter2", "c2VjcmV0", "abc123def456"):
        assert secret not in written.decode()
        assert secret not in service.err
    assert "https://***@host/x AccountKey=*** Bearer ***" in service.record["message"]
    assert service.record["location"]["line"] == 6


def test_while_init_runs_the_front_answers_and_says_so(serve: Serve, gate: Gate) -> None:
    service = serve(f"{Gate.WAIT}def init():\n    wait_for('{gate}')\n{RUN}").until_listening()
    wait_until(lambda: gate.reached, "init() to run")
    message = "The service is starting: init() has not finished yet. Try again later."
    answer = service.get("/ready")
    assert answer.status_code == 503
    assert answer.json() == {"message": message, "reason": "starting"}
    assert answer.headers["x-fairlead-503-reason"] == "starting"
    assert int(answer.headers["retry-after"]) > 0
    assert service.get("/").text == "Healthy"
    gate.open()
    assert service.until_ready().score("1").json() == "1"


def test_while_init_runs_requests_wait_as_they_do_at_the_reference_server(
    serve: Serve, gate: Gate
) -> None:
    service = serve(f"{Gate.WAIT}def init():\n    wait_for('{gate}')\n{RUN}").until_listening()
    lines = ("POST /score", "OPTIONS /score", "HEAD /score", "GET /swagger.json", "POST /score")
    with ExitStack() as stack:
        clients = [stack.enter_context(Raw(service)) for _ in lines]
        for client, line in zip(clients, lines, strict=True):
            client.send(request("1" if "POST" in line else "", line=f"{line} HTTP/1.1"))
        wait_until(lambda: service.get("/-/slots").json()["queued"] == len(lines), "all to wait")
        gate.open()
        answers = [
            client.answer(to_head="HEAD" in line)
            for client, line in zip(clients, lines, strict=True)
        ]
    assert [answer.status for answer in answers] == [200, 200, 405, 200, 200]
    assert answers[3].json["swagger"] == "2.0"
    assert (answers[0].json, answers[4].json) == ("1", "1")


@pytest.mark.parametrize(
    "limit", [{"FAIRLEAD_MAX_QUEUE_WAIT_MS": "200"}, {"FAIRLEAD_QUEUE_LIMIT": "0"}]
)
def test_while_init_runs_requests_wait_no_longer_than_they_may(
    serve: Serve, gate: Gate, limit: dict[str, Any]
) -> None:
    script = f"{Gate.WAIT}def init():\n    wait_for('{gate}')\n{RUN}"
    service = serve(script, **limit).until_listening()
    for answer in (service.score("1"), service.get("/swagger.json")):
        assert (answer.status_code, answer.json()["reason"]) == (503, "starting")
        assert int(answer.headers["retry-after"]) > 0
    gate.open()


def test_while_init_runs_what_comes_by_a_front_is_sent_to_another_replica(
    serve: Serve, gate: Gate
) -> None:
    """Soon, for that may be ready; not at once, or a front would soon have asked often enough."""
    script = f"{Gate.WAIT}def init():\n    wait_for('{gate}')\n{RUN}"
    service = serve(script, FAIRLEAD_MAX_QUEUE_WAIT_MS="300000").until_listening()
    asked_s = time.monotonic()
    answer = service.score("1", x_fairlead_front="one")
    assert time.monotonic() - asked_s >= 0.5
    assert (answer.status_code, answer.json()["reason"]) == (425, "starting")
    assert answer.headers["x-fairlead-503-reason"] == "starting"
    metrics = service.get("/metrics").text
    assert 'fairlead_handed_back_total{reason="starting"} 1.0' in metrics
    assert "fairlead_rejected_total{" not in metrics
    gate.open()
    assert service.until_ready().score("1", x_fairlead_front="one").json() == "1"


@pytest.mark.parametrize(
    ("script", "code", "reason"),
    [("", 0, "draining"), ("    raise ValueError\n", 3, "starting")],
    ids=["SIGTERM", "a failed start"],
)
def test_whoever_waits_for_init_is_told_that_it_will_not_end(
    serve: Serve, gate: Gate, script: str, code: int, reason: str
) -> None:
    service = serve(f"{Gate.WAIT}def init():\n    wait_for('{gate}')\n{script}{RUN}")
    with Raw(service.until_listening()) as client:
        client.send(request("1"))
        wait_until(lambda: service.get("/-/slots").json()["queued"] == 1, "it to wait")
        if code:
            gate.open()
        else:
            service.told_to_stop()
        assert client.answer().json["reason"] == reason
    assert service.exit_code() == code


def test_sigterm_during_init_ends_at_once_and_says_where_it_was(serve: Serve, gate: Gate) -> None:
    script = f"{Gate.WAIT}def init():\n    wait_for('{gate}')\n{RUN}"
    service = serve(script, FAIRLEAD_DRAIN_SECONDS="60").until_listening()
    wait_until(lambda: gate.reached, "init() to run")
    service.told_to_stop()
    assert service.exit_code() == 0
    assert service.record["exception"] == "InitInterrupted"
    assert service.record["stage"] == "init"
    assert service.record["message"].endswith("score.py was still in init().")


def test_without_a_termination_log_the_exit_code_is_the_same(serve: Serve) -> None:
    service = serve("import no_such_package\n", FAIRLEAD_TERMINATION_LOG="/no/such/folder/log")
    assert service.exit_code() == 3
    assert "The start-up record was not written: [Errno 2]" in service.out


def test_the_log_begins_with_the_settings_in_force_and_what_does_nothing(serve: Serve) -> None:
    service = serve(
        "import os\n\n\ndef init():\n    pass\n\n\n"
        "def run(data):\n    return os.environ['AML_APP_INSIGHTS_ENABLED']\n",
        FAIRLEAD_MAX_QUEUE_WAIT="500",
        WORKER_TIMEOUT="7",
        AZUREML_MODEL_DIR="/no/such/models",
    ).until_ready()
    for words in (
        "Script score.py; port ",
        "Limits: run() 7000 ms; wait for a slot no limit",
        "Keys: none, everybody may call; CORS: off; debug mode: off",
        "Is FAIRLEAD_MAX_QUEUE_WAIT_MS meant?",
        "AZUREML_MODEL_DIR is /no/such/models, which does not exist",
    ):
        assert words in service.out
    assert service.score("").json() == "false"


def test_a_setting_that_cannot_be_meant_is_named(serve: Serve) -> None:
    many = serve(ECHO, FAIRLEAD_MAX_CONCURRENT_REQUESTS="many")
    past = serve(ECHO, FAIRLEAD_DRAIN_SECONDS="-1")
    assert (many.exit_code(), past.exit_code()) == (2, 2)
    assert many.err.endswith(
        "fairlead - FAIRLEAD_MAX_CONCURRENT_REQUESTS is 'many', but must be a whole number from 1 "
        "to 1000.\n"
    )
    assert past.err.endswith(
        "fairlead - FAIRLEAD_DRAIN_SECONDS is '-1', but must be a number of seconds from 0 to "
        "3600.\n"
    )


def test_a_taken_port_is_said_in_a_sentence(serve: Serve) -> None:
    first = serve(ECHO).until_ready()
    port = first.url.rpartition(":")[2]
    second = serve(ECHO, FAIRLEAD_PORT=port)
    assert second.exit_code() == 1
    assert f"Port {port} cannot be opened: Address already in use." in second.err
