"""Debug mode as a developer meets it: edit, reload, break, attach; nothing of it in production."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.ports import free_port
from tests.integration.scoring.conftest import Serve
from tests.integration.scoring.debug_client import DebugClient
from tests.integration.scoring.service import (
    CLIENT,
    DEADLINE_S,
    ECHO,
    Gate,
    Sent,
    Service,
    wait_until,
)

DEBUG: dict[str, Any] = {"FAIRLEAD_DEBUG": "true", "FAIRLEAD_DEBUG_PORT": "0"}
SCRIPT = """
import helper


def init():
    pass


def run(data):
    return helper.answer(data)
"""


def helper(words: str) -> dict[str, str]:
    return {"helper.py": f"def answer(data):\n    return {words!r}\n"}


def reload(service: Service) -> tuple[int, dict[str, Any]]:
    found = CLIENT.post(f"{service.url}/-/reload")
    return found.status_code, found.json()


def state(service: Service) -> dict[str, Any]:
    told: dict[str, Any] = service.get("/-/slots").json()["reload"]
    return told


def answers(service: Service, expected: object) -> bool:
    return bool(service.score("1").json() == expected)


def test_a_changed_file_is_loaded(serve: Serve) -> None:
    service = serve(SCRIPT, files=helper("one"), **DEBUG).until_ready()
    assert answers(service, "one")
    service.write(helper("two"))
    wait_until(lambda: answers(service, "two"), "the changed module")
    service.write({"score.py": ECHO})
    wait_until(lambda: answers(service, "1"), "the changed script")
    assert state(service) == {"reloads": 2, "failure": None}
    assert f"{service.root}/helper.py has changed: the script is loaded again." in service.out


def test_it_is_loaded_on_demand(serve: Serve) -> None:
    service = serve(
        "import os\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    return os.getpid()\n",
        **DEBUG,
    ).until_ready()
    first = service.score("").json()
    assert reload(service) == (200, {"reloads": 1, "failure": None})
    assert service.score("").json() != first
    assert (service.get("/ready").status_code, service.process.poll()) == (200, None)


@pytest.mark.parametrize(
    ("broken", "stage", "exception"),
    [
        ("def init(:\n", "import", "SyntaxError"),
        ("import no_such_module\n", "import", "ModuleNotFoundError"),
        (ECHO.replace("pass", "raise ValueError('no')"), "init", "ValueError"),
        ("def init():\n    pass\n", "script", "UserScriptError"),
        (ECHO.replace("pass", "import os; os._exit(7)"), "init", "ProcessExited"),
    ],
)
def test_a_broken_edit_leaves_the_old_code_serving(
    serve: Serve, broken: str, stage: str, exception: str
) -> None:
    service = serve(ECHO, **DEBUG).until_ready()
    service.write({"score.py": broken})
    wait_until(lambda: state(service)["failure"], "the reload to fail")
    failure = state(service)["failure"]
    assert (failure["stage"], failure["exception"]) == (stage, exception)
    status, told = reload(service)
    assert (status, told["failure"]["exception"]) == (500, exception)
    assert told["message"].startswith("The script cannot be reloaded")
    assert answers(service, "1")
    assert service.get("/ready").status_code == 200
    assert "what was loaded before still serves" in service.err
    service.write({"score.py": ECHO.replace("return data", "return [data]")})
    wait_until(lambda: answers(service, ["1"]), "the mended script")
    assert state(service)["failure"] is None


def test_no_request_is_lost_over_it(serve: Serve) -> None:
    script = "import time\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    time.sleep(0.01)\n"
    service = serve(script, **DEBUG, FAIRLEAD_MAX_CONCURRENT_REQUESTS="2").until_ready()
    done, seen = threading.Event(), []

    def ask() -> None:
        while not done.is_set():
            seen.append(service.score("1").status_code)

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    results = [reload(service)[0] for _ in range(5)]
    done.set()
    for client in clients:
        client.join(DEADLINE_S)
    assert results == [200] * 5
    assert len(seen) > 20
    assert set(seen) == {200}


def test_a_request_that_runs_is_finished_by_the_old_code(serve: Serve, gate: Gate) -> None:
    script = (
        f"{Gate.WAIT}def init():\n    pass\n\n\ndef run(data):\n    wait_for('{gate}' + data)\n"
    )
    service = serve(f"{script}    return 'old'\n", **DEBUG).until_ready()
    sent = Sent(service, "")
    wait_until(lambda: gate.reached, "run() to block")
    service.write({"score.py": ECHO})
    wait_until(lambda: answers(service, "1"), "the new code, beside the old")
    gate.open()
    assert sent.answer() == (200, "old")


def test_the_client_is_told_why_run_failed(serve: Serve) -> None:
    script = "def init():\n    pass\n\n\ndef run(data):\n    return {}[data]\n"
    service = serve(script, **DEBUG).until_ready()
    told = service.score("x").json()
    assert told["traceback"].endswith("    return {}[data]\n           ~~^^^^^^\nKeyError: 'x'")
    assert "scoring script" in told["message"]


def test_none_of_it_is_there_in_production(serve: Serve) -> None:
    script = "def init():\n    pass\n\n\ndef run(data):\n    return {}[data]\n"
    service = serve(script).until_ready()
    assert list(service.score("x").json()) == ["message"]
    assert CLIENT.post(f"{service.url}/-/reload").status_code == 404
    assert "reload" not in service.get("/-/slots").json()


def test_the_keys_guard_it(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "primaryKey").write_text("key")
    service = serve(ECHO, **DEBUG, FAIRLEAD_KEYS_DIR=str(tmp_path)).until_ready()
    assert reload(service)[0] == 401
    found = CLIENT.post(f"{service.url}/-/reload", headers={"Authorization": "Bearer key"})
    assert found.status_code == 200


def attached(service: Service, port: int, *, times: int) -> DebugClient:
    """Attach, with a breakpoint in the helper, and wait until that is in force."""
    client = DebugClient(port)
    client.stop_at(service.root / "helper.py", 2)
    wait_until(
        lambda: service.out.count("A debugger is attached") == times, "the debugger to be seen"
    )
    return client


def test_a_breakpoint_outlasts_the_time_out_and_health(serve: Serve, debugpy: Path) -> None:
    port = free_port()
    service = serve(
        SCRIPT, files=helper("one"), FAIRLEAD_DEBUG="true", FAIRLEAD_DEBUG_PORT=str(port),
        PYTHONPATH=str(debugpy), SCORING_TIMEOUT_MS="300",
    ).until_ready()  # fmt: skip
    client = attached(service, port, times=1)
    sent = Sent(service, "x")
    thread = client.event("stopped")["threadId"]
    end = time.monotonic() + 1.0  # three time-outs and more
    while time.monotonic() < end:
        assert service.get("/").text == "Healthy"
        assert service.get("/ready").status_code == 200
    client.go_on(thread)
    assert sent.answer() == (200, "one")
    client.leave()
    wait_until(lambda: "The debugger has left" in service.out, "the front to know")


def test_a_debugger_can_attach_again_after_a_reload(serve: Serve, debugpy: Path) -> None:
    port = free_port()
    service = serve(
        SCRIPT, files=helper("one"), FAIRLEAD_DEBUG="true", FAIRLEAD_DEBUG_PORT=str(port),
        PYTHONPATH=str(debugpy),
    ).until_ready()  # fmt: skip
    attached(service, port, times=1).leave()
    service.write(helper("two"))
    wait_until(lambda: answers(service, "two"), "the changed module")
    wait_until(lambda: service.out.count(f"attach at port {port}") == 2, "the port")
    client = attached(service, port, times=2)
    sent = Sent(service, "x")
    client.go_on(client.event("stopped")["threadId"])
    assert sent.answer() == (200, "two")
    client.leave()


def test_a_reload_waits_for_no_debugger(serve: Serve, debugpy: Path) -> None:
    """The first start does, and ``/-/slots`` says whether it has one."""
    port = free_port()
    service = serve(
        SCRIPT, files=helper("one"), FAIRLEAD_DEBUG="true", FAIRLEAD_DEBUG_PORT=str(port),
        FAIRLEAD_DEBUG_WAIT_SECONDS="3600", PYTHONPATH=str(debugpy),
    )  # fmt: skip
    client = attached(service, port, times=1)
    service.until_ready()
    assert service.get("/-/slots").json()["debugger"] == {
        "attached": True,
        "listening": True,
        "edited": False,
    }
    client.leave()
    wait_until(lambda: not service.get("/-/slots").json()["debugger"]["attached"], "it to leave")
    service.write(helper("two"))
    wait_until(lambda: answers(service, "two"), "the changed module")


def test_what_cannot_be_meant_is_named(serve: Serve) -> None:
    service = serve(ECHO, AZUREML_DEBUG_PORT="soon")
    assert service.exit_code() == 3
    assert "AZUREML_DEBUG_PORT" in service.err


def test_an_edited_source_is_loaded_from_a_folder_of_its_own(serve: Serve, tmp_path: Path) -> None:
    """Where the app root cannot be written to, as in a pod: loaded on demand and when it changes,
    running in its folder, while models are found where they are."""
    script = (
        "import os, helper\n\n\ndef init():\n    pass\n\n\n"
        "def run(data):\n"
        "    return [helper.answer(data), os.getcwd(), os.environ['AML_APP_ROOT']]\n"
    )
    edits = tmp_path / "edits"
    service = serve(
        script, files=helper("one"), FAIRLEAD_DEBUG_EDITS=str(edits), **DEBUG
    ).until_ready()
    root = str(service.root)
    assert service.get("/-/slots").json()["edits"] == str(edits)
    assert answers(service, ["one", root, root])
    draft = tmp_path / "draft"
    draft.mkdir()
    (draft / "score.py").write_text(script)
    (draft / "helper.py").write_text(helper("two")["helper.py"])
    draft.rename(edits)
    assert reload(service)[0] == 200
    assert answers(service, ["two", str(edits), root])
    assert service.get("/-/slots").json()["debugger"]["edited"]
    (edits / "helper.py").write_text("def answer(data):\n    raise ValueError\n")
    wait_until(lambda: service.score("1").status_code == 500, "the changed module")
    assert "helper.py" in service.score("1").text
    (edits / "helper.py").write_text("def answer(data:\n")
    code, told = reload(service)
    assert (code, told["failure"]["location"]["file"]) == (500, "helper.py")
