"""The log: nobody waits for whoever reads it, and no script silences what the server says."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.integration.scoring.conftest import Serve
from tests.integration.scoring.raw_http import Raw, request
from tests.integration.scoring.service import ECHO, Service, wait_until
from tests.unit.scoring.pipe import Pipe

CHATTY = """
import logging, sys

logger = logging.getLogger("mine")


def init():
    print("from init()")


def run(data):
    for number in range(int(data)):
        print("line", number)
        logger.info("line %d", number)
    if data == "0":
        raise ValueError("nothing to say")
    return int(data)
"""
CLOSED = ("sh", "-c", 'exec "$@" >&- 2>&-', "sh")
REQUESTS = 5000
SILENCED = {
    "dictConfig()": "import logging.config\nlogging.config.dictConfig({'version': 1})",
    "dictConfig() for all": (
        "import logging.config\n"
        "names = ['', 'fairlead', 'azmlinfsrv', 'azmlinfsrv.print']\n"
        "loggers = {name: {'level': 'CRITICAL', 'handlers': [], 'propagate': False} "
        "for name in names}\n"
        "logging.config.dictConfig({'version': 1, 'loggers': loggers})"
    ),
    "fileConfig()": (
        "import io, logging.config\n"
        "logging.config.fileConfig(io.StringIO('[loggers]\\nkeys=root\\n[handlers]\\nkeys=\\n"
        "[formatters]\\nkeys=\\n[logger_root]\\nlevel=CRITICAL\\nhandlers=\\n'))"
    ),
    "disable()": "import logging\nlogging.disable(logging.CRITICAL)",
    "shutdown()": "import logging\nlogging.shutdown()",
    "no handlers": (
        "import logging\n"
        "for each in [logging.getLogger(), *logging.root.manager.loggerDict.values()]:\n"
        "    getattr(each, 'handlers', []).clear()\n"
        "logging.lastResort = None"
    ),
    "other streams": "import io, sys\nsys.stdout = sys.stderr = io.StringIO()",
    "no streams": "import sys\nsys.stdout = sys.stderr = None",
    "closed streams": "import sys\nsys.stdout.close()\nsys.stderr.close()",
    "closed descriptors": "import os\nos.close(1)\nos.close(2)",
    "replaced descriptors": (
        "import os\nfor number in (1, 2):\n    os.dup2(os.open(os.devnull, os.O_WRONLY), number)"
    ),
    "another print()": "import builtins\nbuiltins.print = lambda *_, **__: None",
}


@pytest.fixture
def reader() -> Iterator[Pipe]:
    with closing(Pipe()) as opened:
        yield opened


def serves(service: Service, *, requests: int) -> None:
    """Health, answers and errors come as ever, and SIGTERM ends it."""
    service.until_ready()
    with Raw(service) as client:
        for number in range(requests):
            assert client.send(request("20")).answer().json == 20, number
        assert client.send(request("0")).answer().status == 500
    assert service.get("/").text == "Healthy"
    service.told_to_stop()
    assert service.exit_code() == 0


def test_a_full_disk_stops_nothing(serve: Serve) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    service = serve(CHATTY, output=full).until_ready()
    found = service.get("/metrics").text.partition("\nfairlead_log_lines_lost_total ")[2]
    assert float(found.splitlines()[0]) >= 2, "the first lines"
    serves(service, requests=20)
    os.close(full)


def test_a_log_that_nobody_reads_any_more_stops_nothing(serve: Serve, reader: Pipe) -> None:
    service = serve(CHATTY, output=reader.write_end).until_ready()
    os.close(reader.read_end)
    serves(service, requests=20)


def test_closed_streams_stop_nothing(serve: Serve) -> None:
    serves(serve(CHATTY, prefix=CLOSED), requests=20)


def test_a_reader_that_never_reads_stops_nothing(serve: Serve, reader: Pipe) -> None:
    service = serve(CHATTY, output=reader.write_end)
    serves(service, requests=1200)
    assert len(reader.receive()) <= 2**16, "it was not full, so nothing was shown"


def test_what_was_lost_is_counted_once_somebody_reads(serve: Serve, reader: Pipe) -> None:
    service = serve(CHATTY, output=reader.write_end).until_ready()
    assert service.score("20000").json() == 20000
    told = b"could not be written: nobody read it.\n"
    wait_until(lambda: told in reader.receive(), "it is told")
    service.score("1")
    wait_until(lambda: b"line 0\n" in reader.receive().rpartition(told)[2], "the log goes on")


def test_a_reader_that_is_stopped_for_a_while_gets_everything(serve: Serve) -> None:
    reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert reader.stdin is not None
    assert reader.stdout is not None
    service = serve(ECHO, output=reader.stdin.fileno()).until_ready()
    reader.stdin.close()
    reader.send_signal(signal.SIGSTOP)
    with Raw(service) as client:
        for _ in range(REQUESTS):
            assert client.send(request("1")).answer().status == 200
    reader.send_signal(signal.SIGCONT)
    service.told_to_stop()
    out = reader.stdout.read()
    assert (service.exit_code(), reader.wait()) == (0, 0)
    assert out.count(b"POST /score 200 ") == REQUESTS


@pytest.mark.parametrize("silence", SILENCED.values(), ids=list(SILENCED))
def test_no_script_hides_why_it_does_not_start(serve: Serve, silence: str) -> None:
    script = f"def init():\n    raise ValueError('the reason')\n\n\n{silence}\n\n\n"
    service = serve(script + "def run(data):\n    pass\n")
    assert service.exit_code() == 3
    assert "ValueError: the reason\n" in service.err
    assert service.record["message"] == "the reason"


@pytest.mark.parametrize("silence", SILENCED.values(), ids=list(SILENCED))
def test_no_script_hides_why_run_failed(serve: Serve, silence: str) -> None:
    script = (
        f"{silence}\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    raise ValueError(data)\n"
    )
    service = serve(script).until_ready()
    assert service.score("the reason", x_request_id="r-1").status_code == 500
    wait_until(lambda: "ValueError: the reason\n" in service.err, "the traceback")
    assert "run() failed in request r-1." in service.err


def test_a_script_that_closes_what_it_has_not_opened_is_told_so(serve: Serve) -> None:
    script = "import os\n\n\ndef init():\n    os.closerange(3, 100)\n\n\ndef run(data):\n    pass\n"
    service = serve(script)
    assert service.exit_code() == 3
    assert "The script has closed or replaced descriptor" in service.err


def test_what_user_code_prints_is_its_own(serve: Serve) -> None:
    script = (
        'def init():\n    print(\'{"token": "abc"}\')\n\n\n'
        "def run(data):\n    raise ValueError('token=abc')\n"
    )
    service = serve(script).until_ready()
    service.score("1")
    assert ' azmlinfsrv.print - {"token": "abc"}\n' in service.out
    wait_until(lambda: "ValueError: token=***" in service.err, "the server's own line")


def reconfigured(**loggers: object) -> dict[str, str]:
    """Files with a ``logging.json`` of one handler, whose lines begin with ``theirs``."""
    config = {
        "version": 1,
        "formatters": {"theirs": {"format": "theirs %(levelname)s %(name)s %(message)s"}},
        "handlers": {"theirs": {"class": "logging.StreamHandler", "formatter": "theirs"}},
        "loggers": loggers,
    }
    return {"logging.json": json.dumps(config)}


FAILING = "def init():\n    print('printed')\n\n\ndef run(data):\n    raise ValueError('reason')\n"
THEIRS = {"handlers": ["theirs"], "propagate": False}


@pytest.mark.parametrize(
    ("logger", "shown", "hidden"),
    [
        pytest.param(
            {"level": "INFO", **THEIRS},
            ["theirs INFO azmlinfsrv.print printed", "theirs ERROR azmlinfsrv run() failed",
             " fairlead - POST /score 500 "],
            [" fairlead - run() failed"],
            id="another form",
        ),
        pytest.param(
            {"level": "WARNING", **THEIRS},
            ["theirs ERROR azmlinfsrv run() failed"],
            ["printed", "POST /score"],
            id="no information",
        ),
        pytest.param(
            {"level": "CRITICAL", **THEIRS},
            [" fairlead - run() failed", "ValueError: reason"],
            ["printed", "POST /score"],
            id="no errors either, but those stay",
        ),
    ],
)  # fmt: skip
def test_logging_json_reaches_the_servers_own_lines(
    serve: Serve, logger: dict[str, object], shown: list[str], hidden: list[str]
) -> None:
    service = serve(FAILING, files=reconfigured(azmlinfsrv=logger)).until_ready()
    assert service.score("1").status_code == 500
    service.told_to_stop()
    assert service.exit_code() == 0
    log = service.out + service.err
    assert [words for words in shown if words not in log] == []
    assert [words for words in hidden if words in log] == []


def test_a_script_that_changes_the_handlers_of_logging_json_hides_nothing(serve: Serve) -> None:
    script = (
        "import io, logging\n"
        "for handler in logging.getLogger('azmlinfsrv').handlers:\n"
        "    handler.setLevel('CRITICAL')\n    handler.setFormatter(None)\n"
        "    handler.stream = io.StringIO()\n" + FAILING
    )
    service = serve(script, files=reconfigured(azmlinfsrv={"level": "INFO", **THEIRS}))
    assert service.until_ready().score("1").status_code == 500
    wait_until(lambda: "theirs ERROR azmlinfsrv run() failed" in service.err, "the error")
