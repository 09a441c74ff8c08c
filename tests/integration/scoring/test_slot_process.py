"""A slot as its front sees it: streams, threads, ends, and what goes wrong before it is ready."""

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.integration.scoring.service import ECHO, Gate, wait_until
from tests.integration.scoring.slot_process import SlotProcess

STREAM = """
from azureml_inference_server_http.api.aml_request import rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse

closed = []


def init():
    pass


def pieces(count):
    try:
        for number in range(count):
            yield f"piece {number};"
        if not count:
            yield 1
        if count == 3:
            raise ValueError("enough")
    finally:
        closed.append(count)


@rawhttp
def run(request):
    if request.args.get("closed"):
        return closed
    return AMLResponse(pieces(int(request.args["count"])), 200, {"Content-Type": "text/plain"})
"""
MODULES = {
    "new names": (
        "from azureml_inference_server_http.api.aml_request import AMLRequest, rawhttp\n"
        "from azureml_inference_server_http.api.aml_response import AMLResponse\n"
    ),
    "old names": (
        "from azureml.contrib.services.aml_request import AMLRequest, rawhttp\n"
        "from azureml.contrib.services.aml_response import AMLResponse\n"
    ),
    "modules by their old names": (
        "import azureml.contrib.services.aml_request as requests\n"
        "import azureml.contrib.services.aml_response as responses\n"
        "rawhttp, AMLResponse = requests.rawhttp, responses.AMLResponse\n"
    ),
    "modules out of the package": (
        "from azureml.contrib.services import aml_request, aml_response\n"
        "rawhttp, AMLResponse = aml_request.rawhttp, aml_response.AMLResponse\n"
    ),
    "whole paths": (
        "import azureml.contrib.services.aml_request, azureml.contrib.services.aml_response\n"
        "rawhttp = azureml.contrib.services.aml_request.rawhttp\n"
        "AMLResponse = azureml.contrib.services.aml_response.AMLResponse\n"
    ),
    "everything": (
        "from azureml.contrib.services.aml_request import *\n"
        "from azureml.contrib.services.aml_response import *\n"
        "assert json and Request and Response and AMLRequest\n"
    ),
    "the old and the new": (
        "from azureml.contrib.services.aml_request import rawhttp\n"
        "from azureml_inference_server_http.api import aml_request, aml_response\n"
        "assert aml_request.rawhttp is rawhttp\n"
        "AMLResponse = aml_response.AMLResponse\n"
    ),
}
RAW = """

def init():
    pass


@rawhttp
def run(request):
    return AMLResponse(request.get_data() + b"!", 201)
"""


DEBUG = {"enabled": True, "listen_port": None, "wait_s": 0, "connect_port": None}


class Start(Protocol):
    def __call__(
        self, script: str, *, files: dict[str, str] = ..., environment: dict[str, str] = ...,
        **order: Any,
    ) -> SlotProcess: ...  # fmt: skip


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[SlotProcess] = []

    def begin(
        script: str,
        *,
        files: dict[str, str] | None = None,
        environment: dict[str, str] | None = None,
        **order: Any,
    ) -> SlotProcess:
        content = {"score.py": script, **(files or {})}
        python = Path(sys.executable)
        started.append(SlotProcess(tmp_path, content, order, python, environment or {}))
        return started[-1]

    yield begin
    for slot in started:
        slot.end()


def whole(slot: SlotProcess, query: str) -> tuple[list[str], bytes]:
    """The types of the frames of one answer, and its body."""
    head, body = slot.ask(query=query)
    kinds = [head["type"]]
    while head.get("more"):
        head, piece = slot.receive()
        kinds.append(head["type"])
        body += piece
    return kinds, body


def test_a_generator_is_sent_piece_by_piece_and_closed(start: Start) -> None:
    slot = start(STREAM)
    assert slot.ready()["mode"] == "raw"
    kinds, body = whole(slot, "count=2")
    assert (kinds, body) == (["answer", "chunk", "chunk"], b"piece 0;piece 1;")
    assert whole(slot, "closed=1") == (["answer"], b"[2]")


def test_a_generator_that_raises_breaks_off(start: Start) -> None:
    slot = start(STREAM)
    slot.ready()
    kinds, body = whole(slot, "count=3")
    assert (kinds[-1], body) == ("abort", b"piece 0;piece 1;piece 2;")
    assert "run() broke off its answer in request r-0" in slot.output
    assert whole(slot, "closed=1") == (["answer"], b"[3]")


@pytest.mark.parametrize("threads", [1, 2])
def test_a_stream_that_nobody_wants_is_closed(start: Start, threads: int) -> None:
    slot = start(STREAM, threads=threads)
    slot.ready()
    slot.send(7, query="count=1000000")
    assert slot.receive()[0]["more"]
    slot.cancel(7)
    while slot.receive()[0]["more"]:
        pass
    assert whole(slot, "closed=1") == (["answer"], b"[1000000]")
    slot.cancel(7)  # too late, and no harm
    assert whole(slot, "closed=1") == (["answer"], b"[1000000]")


def test_before_the_first_piece_an_error_is_still_an_answer(start: Start) -> None:
    slot = start(STREAM)
    slot.ready()
    head, _ = slot.ask(query="count=0")
    assert (head["status"], head["failed"], head["more"]) == (500, True, False)
    assert "1 is not bytes" in slot.output


@pytest.mark.parametrize("imports", MODULES.values(), ids=list(MODULES))
def test_raw_http_is_found_by_every_name(start: Start, imports: str) -> None:
    slot = start(imports + RAW)
    assert slot.ready()["mode"] == "raw"
    head, body = slot.ask(b"body")
    assert (head["status"], head["failed"], body) == (201, False, b"body!")


def test_the_real_package_wins(start: Start, tmp_path: Path) -> None:
    real = tmp_path / "site" / "azureml_inference_server_http" / "api"
    real.mkdir(parents=True)
    (real.parent / "__init__.py").touch()
    (real / "__init__.py").touch()
    (real / "aml_request.py").write_text(
        "_rawHttpRequested = False\n\n\ndef rawhttp(f):\n    global _rawHttpRequested\n"
        "    _rawHttpRequested = True\n    f.real = True\n    return f\n"
    )
    script = MODULES["old names"].replace("AMLRequest, ", "") + "import sys\n" + RAW
    script += "\nassert run.real\n"
    slot = start(script, environment={"PYTHONPATH": str(tmp_path / "site")})
    assert slot.ready()["mode"] == "raw"


def test_a_flask_that_cannot_be_imported_is_done_without(start: Start, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "flask.py").write_text("from werkzeug.urls import url_quote_as_of_old\n")
    slot = start(MODULES["old names"] + RAW, environment={"PYTHONPATH": str(tmp_path / "site")})
    slot.ready()
    assert slot.ask(b"body")[1] == b"body!"


def test_a_module_that_is_called_flask_is_not_flask(start: Start) -> None:
    script = f"import flask\n{MODULES['old names']}{RAW}"
    slot = start(script, files={"flask.py": "from werkzeug.wrappers import Request, Response\n"})
    slot.ready()
    assert slot.ask(b"body")[1] == b"body!"


def test_a_flask_that_makes_no_application_is_no_obstacle(start: Start) -> None:
    flask = "class Flask:\n    def __init__(self, name):\n        self.name = name\n"
    slot = start(f"import flask\n{ECHO}", files={"flask.py": flask})
    slot.ready()
    assert slot.ask(b"body")[1] == b'"body"'
    assert "flask.request cannot be provided: " in slot.output


def test_both_decorators_are_one_too_many(start: Start) -> None:
    schema_util = "def is_schema_decorated(run):\n    return True\n"
    files = {"inference_schema/__init__.py": "", "inference_schema/schema_util.py": schema_util}
    slot = start(f"import inference_schema.schema_util\n{MODULES['old names']}{RAW}", files=files)
    head, _ = slot.receive()
    assert head["record"]["message"] == (
        "run() cannot be decorated with both @rawhttp and @input_schema"
    )
    assert slot.process.wait(15) == 3


def test_threads_answer_as_many_requests_at_once(start: Start, gate: Gate) -> None:
    script = f"{Gate.WAIT}def init():\n    pass\n\n\ndef run(data):\n    wait_for('{gate}')\n"
    slot = start(f"{script}    import threading\n    return threading.current_thread().name\n",
                 threads=3)  # fmt: skip
    slot.ready()
    for seq in range(3):
        slot.send(seq)
    while gate.reached < 3:
        assert slot.process.poll() is None
    gate.open()
    answers = {head["seq"]: json.loads(body) for head, body in (slot.receive() for _ in range(3))}
    assert set(answers) == {0, 1, 2}
    assert set(answers.values()) == {f"fairlead-slot-{number}" for number in range(3)}
    assert slot.leave() == 0


def test_init_is_called_once_on_the_main_thread(start: Start) -> None:
    script = """
import threading

calls = []


def init():
    calls.append(threading.current_thread() is threading.main_thread())


def run(data):
    return [calls, threading.current_thread() is threading.main_thread()]
"""
    slot = start(script, threads=2)
    slot.ready()
    assert json.loads(slot.ask()[1]) == [[True], False]


@pytest.mark.parametrize("threads", [1, 2])
def test_an_exit_in_run_ends_no_process(start: Start, threads: int) -> None:
    script = "import sys\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    sys.exit(4)\n"
    slot = start(script, threads=threads)
    slot.ready()
    for _ in range(2):
        head, _body = slot.ask()
        assert (head["status"], head["failed"]) == (500, True)
    assert "run() failed in request r-0" in slot.output
    assert slot.leave() == 0


def test_an_exit_in_a_stream_breaks_off_the_answer_alone(start: Start) -> None:
    script = STREAM.replace('raise ValueError("enough")', "raise SystemExit(4)")
    slot = start(script)
    slot.ready()
    kinds, body = whole(slot, "count=3")
    assert (kinds[-1], body) == ("abort", b"piece 0;piece 1;piece 2;")
    assert whole(slot, "closed=1") == (["answer"], b"[3]")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let processes that are started obey SIGINT: whoever runs the tests may ignore it, as shells
    do for what they start in the background, and that is inherited."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_signal_between_two_requests_ends_the_process_and_is_logged(start: Start) -> None:
    slot = start(ECHO)
    slot.ready()
    slot.ask()
    slot.process.send_signal(signal.SIGINT)
    assert slot.process.wait(15) == 1
    assert "The process that runs the script ends: " in slot.output
    assert "KeyboardInterrupt" in slot.output


def test_an_interrupt_ends_only_the_request_that_it_names(start: Start, gate: Gate) -> None:
    script = f"{Gate.WAIT}def init():\n    pass\n\n\ndef run(data):\n    wait_for('{gate}')\n"
    slot = start(script)
    slot.ready()
    slot.send(1)
    wait_until(lambda: gate.reached, "run() to wait")
    slot.interrupt(0)  # that of a request that is over
    gate.open()
    head, _ = slot.receive()
    assert (head["type"], head["seq"], head["status"]) == ("answer", 1, 200)


def test_a_run_that_is_interrupted_says_so_and_where_it_was(start: Start, gate: Gate) -> None:
    script = f"{Gate.WAIT}def init():\n    pass\n\n\ndef run(data):\n    wait_for('{gate}')\n"
    slot = start(script)
    slot.ready()
    slot.send(1)
    wait_until(lambda: gate.reached, "run() to wait")
    slot.interrupt(1)
    assert slot.receive()[0] == {"type": "interrupted", "seq": 1}
    assert slot.receive()[0]["status"] == 500
    assert ", in wait_for\n" in slot.output


def test_a_closed_pipe_ends_the_process(start: Start) -> None:
    slot = start(ECHO)
    slot.ready()
    assert slot.leave() == 0


def test_debug_mode_tells_the_client(start: Start) -> None:
    slot = start("def init():\n    pass\n\n\ndef run(data):\n    return {}[data]\n", debug=DEBUG)
    slot.ready()
    assert json.loads(slot.ask(b"x")[1])["traceback"].endswith("KeyError: 'x'")


def test_logging_goes_by_the_users_file(start: Start) -> None:
    config = {
        "version": 1,
        "formatters": {
            "theirs": {
                "class": "azureml_inference_server_http.log_config.AMLLogFormatter",
                "format": "%(asctime)s theirs %(name)s - %(message)s",
            },
            "mine": {"format": "mine: %(name)s %(message)s"},
        },
        "filters": {
            "root": {"()": "azureml_inference_server_http.log_config.RootAccessFilter"},
        },
        "handlers": {
            "theirs": {"class": "logging.StreamHandler", "formatter": "theirs"},
            "mine": {"class": "logging.StreamHandler", "formatter": "mine", "filters": ["root"]},
        },
        "loggers": {
            "azmlinfsrv": {"handlers": ["theirs"], "level": "INFO", "propagate": False},
            "app": {"handlers": ["mine"], "level": "DEBUG"},
        },
    }
    script = (
        "import logging\n\n\ndef init():\n    print('printed')\n"
        "    logging.getLogger('app').debug('told')\n\n\ndef run(data):\n    raise ValueError\n"
    )
    slot = start(script, files={"logging.json": json.dumps(config)})
    slot.ready()
    slot.ask()
    assert "mine: app told\n" in slot.output
    assert " theirs azmlinfsrv.print - printed\n" in slot.output
    assert " theirs azmlinfsrv - run() failed in request r-0." in slot.output


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("logging.json", "{", "Expecting property name"),
        ("logging.json", '{"version": 2}', "Unsupported version: 2"),
        ("swagger.json", "{", "Expecting property name"),
        ("swagger3.json", "\ufeff{}", "Unexpected UTF-8 BOM"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    start: Start, name: str, content: str, words: str
) -> None:
    slot = start(ECHO, files={name: content})
    head, _ = slot.receive()
    message = head["record"]["message"]
    assert message.startswith(f"{slot.root / name} cannot be used: {words}")
    assert slot.process.wait(15) == 3


def test_a_front_that_leaves_before_the_start_is_no_error(start: Start) -> None:
    assert start(ECHO).leave() == 0
