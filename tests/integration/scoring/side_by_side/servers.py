"""The two servers, side by side: the same files, the same environment, the same bytes sent."""

import http.client
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from tests.cluster.ports import free_port

DEADLINE_S = 120.0  # the reference server takes long to start
HOST = "model.example:5001"
ELSEWHERE = {"connection", "date", "keep-alive", "server"}  # the connection's, not the answer's
ADDED = "x-fairlead-"  # what we say on top
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Answer:
    """What counts of an answer: whatever differs by nature is made equal, or left out."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Process(Protocol):
    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float) -> int: ...


class Program(Protocol):
    """What starts a process in a session of its own, with its output in ``log``."""

    def start(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], log: IO[bytes]
    ) -> Process: ...


@dataclass(frozen=True)
class Ours:
    """The runtime, run by the Python of an environment."""

    python: Path
    runtime: Path

    def start(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], log: IO[bytes]
    ) -> Process:
        main = self.runtime / "fairlead_scoring" / "__main__.py"
        return subprocess.Popen(
            [str(self.python), "-I", "-S", str(main), *arguments],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


class Server:
    """A server that was just started; what it serves is in ``app`` in the folder."""

    def __init__(self, program: Program, folder: Path, environment: Mapping[str, str]) -> None:
        self.port = free_port()
        self.log = folder / "log"
        app = folder / "app"
        arguments = ["--entry_script", "score.py", "--port", str(self.port)]
        places = {"PATH": os.environ["PATH"], "AML_APP_ROOT": str(app)}
        with self.log.open("wb") as log:
            self.process = program.start(arguments, app, {**places, **environment}, log)

    def until_up(self) -> "Server":
        deadline = time.monotonic() + DEADLINE_S
        while not self._is_up():
            assert self.process.poll() is None, f"it has ended:\n{self.log.read_text()}"
            assert time.monotonic() < deadline, f"it does not come up:\n{self.log.read_text()}"
            time.sleep(0.02)
        return self

    def ask(self, request: bytes) -> Answer:
        """Send the bytes on a connection of their own and return what comes back."""
        method = request.partition(b" ")[0].decode()
        with closing(socket.create_connection(("127.0.0.1", self.port), DEADLINE_S)) as connection:
            connection.sendall(request)
            response = http.client.HTTPResponse(connection, method=method)
            response.begin()
            try:
                body = response.read()
            except http.client.IncompleteRead as error:
                body = error.partial + b"<broken off>"
        return Answer(response.status, comparable(response.getheaders()), body)

    def end(self) -> None:
        """At once: there is nothing to be kept. A slot ends when its front is gone."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(DEADLINE_S)

    def _is_up(self) -> bool:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as probe:
                probe.request("GET", "/ready")
                return probe.getresponse().status in (200, 404)  # there is none at the reference
        except OSError:
            return False


def comparable(headers: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    pairs = [(name.lower(), value) for name, value in headers]
    kept = [(name, value) for name, value in pairs if name not in ELSEWHERE]
    return tuple(sorted((n, _constant(n, value)) for n, value in kept if not n.startswith(ADDED)))


def _constant(name: str, value: str) -> str:
    if name == "x-ms-run-fn-exec-ms" and re.fullmatch(r"\d+\.\d{3}", value):
        return "<ms>"
    if name == "x-ms-server-version":
        return "<server>"
    if name == "allow":  # a set, in the order of the day
        return ", ".join(sorted(value.split(", ")))
    return UUID.sub("<uuid>", value)
