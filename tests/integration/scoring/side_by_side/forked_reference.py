"""Reference servers, forked from a process that has imported what they need of other packages.

A start takes a tenth of a second of a processor instead of eight, most of it for a client of
Application Insights that nobody asks for. Nothing of the server's own is imported before the fork,
and nothing that it would not have imported itself by the time it loads a script.

The process is this file, run by the reference server's Python, which has nothing of ours. It reads
one JSON document a line, ``{"start": …}`` or ``{"poll": pid}``, and answers with one.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Any

PROGRAM = "azmlinfsrv"
# gunicorn is not among them: what it is to change to is the folder in which it is imported.
PACKAGES = ("flask_cors", "pydantic_settings", "azure.monitor.opentelemetry.exporter")


class Forks:
    """Starts reference servers; ``python`` has the server installed."""

    def __init__(self, python: Path) -> None:
        self._program = str(python.with_name(PROGRAM))
        self._server = subprocess.Popen(
            [str(python), __file__],
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], log: IO[bytes]
    ) -> "Forked":
        """In a session of its own; stdout and stderr go to ``log``."""
        order = {
            "command": [self._program, *arguments],
            "folder": str(folder),
            "environment": dict(environment),
            "log": log.name,
        }
        return Forked(self.ask({"start": order}), self)

    def ask(self, question: object) -> Any:
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps(question) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())

    def close(self) -> None:
        assert self._server.stdin
        self._server.stdin.close()
        self._server.wait(30)


class Forked:
    """What is used of a ``Popen``."""

    def __init__(self, pid: int, forks: Forks) -> None:
        self.pid = pid
        self._forks = forks
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            self._code = self._forks.ask({"poll": self.pid})
        return self._code

    def wait(self, timeout: float) -> int:
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            assert time.monotonic() < deadline, f"{self.pid} has not ended after {timeout:.0f} s"
            time.sleep(0.02)
        return code


def serve() -> None:
    for package in PACKAGES:
        import_module(package)
    for line in sys.stdin:
        match json.loads(line):
            case {"start": order}:
                pid = os.fork()
                if pid == 0:
                    return _be_a_server(order)
                print(pid, flush=True)  # noqa: T201  (the answer)
            case {"poll": pid}:
                print(json.dumps(_exit_code(pid)), flush=True)  # noqa: T201  (the answer)
    return None


def _exit_code(pid: int) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _be_a_server(order: Mapping[str, Any]) -> None:
    os.setsid()
    os.chdir(order["folder"])
    log = os.open(order["log"], os.O_WRONLY | os.O_APPEND)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.closerange(3, max(log, null) + 1)
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = order["command"]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    sys.exit(import_module("azureml_inference_server_http.amlserver").run())


if __name__ == "__main__":
    serve()
