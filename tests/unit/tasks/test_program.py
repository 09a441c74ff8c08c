"""How a program ends, as a process of its own: without a registry, which it asks only for a log."""

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from fairlead.contract import EXIT_NO_SPACE, RESULT_FILE, TaskResult
from tests.integration.registry.guarded import content_of
from tests.integration.registry.server import WebServer

PROGRAM = """
import errno, gc, sys
sys.argv[0] = "-m"  # as `python -m` has it while it looks for a program
import fairlead.tasks
assert not gc.isenabled()
from fairlead.api.wire import StatusWire, Wire
from fairlead.contract import LogTarget
from fairlead.tasks.program import run

class Request(Wire):
    log: LogTarget | None = None

class Result(StatusWire):
    fine: bool = True

def work(request, task):
    {work}
    return Result()

sys.exit(run(Request, work))
"""
NO_SPACE = "raise OSError(errno.ENOSPC, 'No space left on device')"


def run(
    folder: Path, work: str, request: str = "{}", registry: str = "localhost:1"
) -> "subprocess.CompletedProcess[str]":
    (folder / "request.json").write_text(request)
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(work=work), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "FAIRLEAD_REGISTRY": registry},
    )


def result_in(folder: Path) -> TaskResult | None:
    path = folder / RESULT_FILE
    return TaskResult.model_validate_json(path.read_text()) if path.exists() else None


def test_a_disk_that_is_full_while_it_works_is_a_failure(tmp_path: Path) -> None:
    assert run(tmp_path, NO_SPACE).returncode == 1
    result = result_in(tmp_path)
    assert result
    assert result.failure
    assert result.failure.reason == "OutOfDisk"


def test_a_disk_that_has_no_room_even_for_the_result_is_told_by_the_exit_code(
    tmp_path: Path,
) -> None:
    """Writing to /dev/full fails as writing to a full disk does."""
    work = f"(task.folder / '{RESULT_FILE}').with_suffix('.tmp').symlink_to('/dev/full')"
    ended = run(tmp_path, work)
    assert ended.returncode == EXIT_NO_SPACE, ended.stdout
    assert "No space left on device" in ended.stdout
    assert result_in(tmp_path) is None


def test_the_result_is_there_before_the_log_is_kept(tmp_path: Path) -> None:
    """A registry that takes no log, or only slowly, costs no result."""
    log = '{"log": {"repository": "localhost:1/demo/x", "tag": "log-1-1", "owner": "demo/x"}}'
    ended = run(tmp_path, "pass", log)
    assert ended.returncode == 0
    assert "This log could not be kept in the registry" in ended.stdout
    assert result_in(tmp_path)


class TinyRegistry:
    """Takes everything and has what it took. ``connections``: the ports that it was asked from."""

    def __init__(self) -> None:
        self.connections: set[int] = set()
        self._stored: dict[str, bytes] = {}
        self._uploaded = b""

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        self.connections.add(request.client_address[1])
        path, _, digest = request.path.partition("?digest=")
        body = content_of(request)
        status, answer = 404, b""
        if request.command in ("GET", "HEAD") and path in self._stored:
            status, answer = 200, self._stored[path]
        elif request.command in ("POST", "PATCH"):
            status, self._uploaded = 202, self._uploaded + body
        elif request.command == "PUT":
            status, name = 201, path.replace("uploads/", digest.replace("%3A", ":"))
            self._stored[name], self._uploaded = self._uploaded + body, b""
        request.send_response(status)
        request.send_header("Location", path)
        request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(answer)


def test_the_log_is_kept_over_the_connection_that_the_work_had(tmp_path: Path) -> None:
    """Where a registry wants a token, it is the same, too."""
    server, registry = WebServer(), TinyRegistry()
    server.otherwise = registry
    host = server.host.replace("127.0.0.1", "localhost")
    target = {"repository": f"{host}/demo/x", "tag": "log-1-1", "owner": "demo/x"}
    work = (
        "from fairlead.registry.reference import parse_repository; "
        "task.registry.upload_bytes(parse_repository(request.log.repository), b'layer')"
    )
    with server.running():
        ended = run(tmp_path, work, json.dumps({"log": target}), host)
    assert "could not be kept" not in ended.stdout, ended.stdout
    assert "PUT /v2/demo/x/manifests/log-1-1" in server.requests
    assert len(registry.connections) == 1


def test_garbage_is_looked_for_once_it_runs_and_not_while_it_is_imported(tmp_path: Path) -> None:
    assert run(tmp_path, "assert gc.isenabled()").returncode == 0
