"""What all programs share: they end in one of three ways, and what they leave is whole."""

import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event

import psutil
import pytest

from fairlead.api.model import ModelSource
from fairlead.api.reasons import Reason
from fairlead.contract import RESULT_FILE, AssembleRequest, IngestRequest, LogTarget, TaskResult
from fairlead.images.build_log import read_log
from fairlead.registry.client import Registry
from fairlead.registry.reference import parse_repository
from tests.cluster import Cluster
from tests.integration.registry.images import HANDED_OVER, push_environment
from tests.integration.registry.server import WebServer, replies, reply, wait_until
from tests.integration.registry.task import Tasks

MEGABYTE = 1024 * 1024
# A child's peak begins with that of the process it was forked from: so from a small one.
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.fixture
def request_(namespace: str, web: WebServer) -> IngestRequest:
    return IngestRequest(
        repository=f"{namespace}/fairlead/models/m",
        model_name="m",
        source=ModelSource(uri=web.url("/m")),
    )


class Held:
    """An answer that begins and then waits, so that a test can act in its middle."""

    def __init__(self) -> None:
        self.begun, self.go_on = Event(), Event()

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "2000000")
        request.end_headers()
        request.wfile.write(bytes(1_000_000))
        self.begun.set()
        self.go_on.wait(20)
        request.close_connection = True


def test_sigterm_ends_a_task_as_cancelled_and_leaves_nothing_behind(
    tasks: Tasks, web: WebServer, request_: IngestRequest
) -> None:
    web.answers["/m"] = held = Held()
    folder = tasks.prepare(request_, {})
    process = tasks.start("ingest", folder)
    try:
        assert held.begun.wait(20)
        process.send_signal(signal.SIGTERM)
        ended = tasks.finish(process, folder)
    finally:
        held.go_on.set()
    assert (ended.failure.reason, ended.failure.retryable) == (Reason.TASK_INTERRUPTED, True)
    assert "TaskInterrupted: The task was cancelled before it was done." in ended.log


def test_the_log_of_a_cancelled_build_is_kept(
    tasks: Tasks, registry: Registry, web: WebServer, namespace: str
) -> None:
    environments = parse_repository(f"{namespace}/fairlead/environments")
    web.otherwise = held = Held()
    request = AssembleRequest(
        repository=f"{namespace}/credit",
        version=1,
        hash="h",
        environments=str(environments),
        environment_digest=push_environment(registry, environments, "e1"),
        runtimes=f"{web.host}/silent/runtimes",
        python="3.11.2",
        entry_script="score.py",
        log=LogTarget(repository=f"{namespace}/credit", tag="log-1-1", owner="demo/credit"),
    )
    folder = tasks.prepare(request, {"score.py": b""})
    process = tasks.start("assemble", folder)
    try:
        assert held.begun.wait(20)
        process.send_signal(signal.SIGTERM)
        assert tasks.finish(process, folder).failure.reason is Reason.TASK_INTERRUPTED
    finally:
        held.go_on.set()
    kept = read_log(registry, parse_repository(request.repository), "log-1-1").text.decode()
    assert "The environment's 1 layers are in place." in kept
    assert "TaskInterrupted" in kept


def test_a_task_killed_in_the_middle_of_an_upload_is_done_by_the_next_run(
    tasks: Tasks, registry: Registry, namespace: str
) -> None:
    """The upload stands still because the program was stopped while it read the model."""
    repository = parse_repository(f"{namespace}/fairlead/models/m")
    request = IngestRequest(repository=str(repository), model_name="m", source=HANDED_OVER)
    files = {"m": os.urandom(200 * MEGABYTE)}
    folder = tasks.prepare(request, files)
    process = tasks.start("ingest", folder)
    wait_until(lambda: uploads_something(process.pid, folder), "the upload to begin")
    process.kill()
    ended = tasks.finish(process, folder)
    assert (ended.code, ended.result) == (-signal.SIGKILL, None)
    assert registry.tags(repository) == ()
    again = tasks.finish(tasks.start("ingest", folder), folder)
    assert again.ok["version"] == 1
    assert registry.tags(repository) == ("1",)


def uploads_something(pid: int, folder: Path) -> bool:
    """Whether the program reads the fetched model again: it does so only to send it."""
    copy = folder / "work" / "fetched" / "m"
    opened = psutil.Process(pid).open_files()
    return any(file.path == str(copy) and file.mode == "r" for file in opened)


def test_a_large_model_goes_through_a_small_memory(
    tasks: Tasks, web: WebServer, request_: IngestRequest
) -> None:
    size = 300 * MEGABYTE

    def large(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(size))
        request.end_headers()
        for number in range(300):
            request.wfile.write(bytes([number % 251]) * MEGABYTE)

    web.answers["/m"] = large
    folder = tasks.prepare(request_, {})
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, sys.executable, "-m", "fairlead.tasks.ingest", str(folder)],
        stdout=subprocess.PIPE,
        env={**os.environ, **tasks.settings},
        check=True,
        timeout=300,
    )
    result = TaskResult.model_validate_json((folder / RESULT_FILE).read_text())
    assert result.ok
    assert result.ok["version"] == 1
    kilobytes = int(measured.stdout.splitlines()[-1])
    assert kilobytes < 100 * 1024


def test_an_unexpected_error_is_a_crash_with_its_traceback_and_without_a_result(
    tasks: Tasks, request_: IngestRequest, tmp_path: Path
) -> None:
    tasks.settings["FAIRLEAD_CA_BUNDLE"] = str(tmp_path)  # a folder is no bundle
    folder = tasks.prepare(request_, {})
    ended = tasks.finish(tasks.start("ingest", folder), folder)
    assert (ended.code, ended.result) == (70, None)
    assert "Traceback (most recent call last):" in ended.log
    assert "Path does not point to a file" in ended.log


def test_an_old_result_is_not_taken_for_the_new_one(
    tasks: Tasks, request_: IngestRequest, tmp_path: Path
) -> None:
    folder = tasks.prepare(request_, {})
    (folder / RESULT_FILE).write_text(TaskResult(ok={"version": 9}).model_dump_json())
    tasks.settings["FAIRLEAD_CA_BUNDLE"] = str(tmp_path)
    assert tasks.finish(tasks.start("ingest", folder), folder).result is None


def test_a_log_that_takes_no_more_hides_no_result(
    tasks: Tasks, web: WebServer, request_: IngestRequest
) -> None:
    web.answers["/m"] = replies(404)
    folder = tasks.prepare(request_, {})
    with Path("/dev/full").open("w") as full:
        subprocess.run(
            [sys.executable, "-m", "fairlead.tasks.ingest", str(folder)],
            stdout=full,
            env={**os.environ, **tasks.settings},
            check=False,
            timeout=300,
        )
    result = TaskResult.model_validate_json((folder / RESULT_FILE).read_text())
    assert result.failure
    assert result.failure.reason is Reason.MODEL_SOURCE_NOT_FOUND


def test_a_registry_that_does_not_take_the_log_changes_no_outcome(
    tasks: Tasks,
    cluster: Cluster,
    registry: Registry,
    web: WebServer,
    namespace: str,
) -> None:
    def read_only(request: BaseHTTPRequestHandler) -> None:
        reply(request, 404 if request.command in ("GET", "HEAD") else 405)

    web.otherwise = read_only
    environments = parse_repository(f"{namespace}/fairlead/environments")
    request = AssembleRequest(
        repository=f"{namespace}/credit",
        version=1,
        hash="h",
        environments=str(environments),
        environment_digest=push_environment(registry, environments, "e1"),
        runtimes=f"{cluster.registry}/shared/runtimes",
        python="3.11.2",
        entry_script="score.py",
        log=LogTarget(repository=f"{web.host}/credit", tag="log-1-1", owner="demo/credit"),
    )
    ended = tasks.run("assemble", request, {"score.py": b""})
    assert ended.ok["digest"]
    assert "This log could not be kept in the registry: The registry" in ended.log
