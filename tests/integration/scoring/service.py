"""The scoring runtime as the image starts it: a child process, a temporary app root, real HTTP."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tests.cluster.ports import free_port

DEADLINE_S = 120.0  # for anything that a test waits for
ECHO = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"
PLAIN = {"content-type": "text/plain"}
# One for all, for it is slow to make; a connection for each request, so that tests do not meet.
CLIENT = httpx.Client(timeout=DEADLINE_S, limits=httpx.Limits(max_keepalive_connections=0))


def wait_until(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, f"waited {DEADLINE_S:.0f} s in vain for: {what}"
        time.sleep(0.01)


class Command(NamedTuple):
    """The interpreter, what stands before it, and the arguments of the runtime."""

    interpreter: Sequence[str] = (sys.executable,)
    arguments: Sequence[str] = ()


OWN_PYTHON = Command()


class Service:
    """One run of the runtime in its own folder; ``files`` are what an image would hold.

    ``output`` takes stdout and stderr, which go to files otherwise.
    """

    def __init__(
        self,
        folder: Path,
        runtime: Path,
        files: Mapping[str, str],
        environment: Mapping[str, str],
        command: Command = OWN_PYTHON,
        output: int | None = None,
    ) -> None:
        self.folder = folder
        self.root = folder / "app"
        self.termination_log = folder / "termination-log"
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.write(files)
        defaults = {
            "PATH": os.environ["PATH"],
            "AML_APP_ROOT": str(self.root),
            "AZUREML_ENTRY_SCRIPT": "score.py",
            "FAIRLEAD_TERMINATION_LOG": str(self.termination_log),
            "FAIRLEAD_DRAIN_SECONDS": "0",
            "FAIRLEAD_PORT": str(port),
        }
        main = runtime / "fairlead_scoring" / "__main__.py"
        with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
            self.process = subprocess.Popen(
                [*command.interpreter, "-I", "-S", str(main), *command.arguments],
                cwd=self.root,
                env={**defaults, **environment},
                stdout=out if output is None else output,
                stderr=err if output is None else output,
            )

    @property
    def out(self) -> str:
        return (self.folder / "stdout").read_text()

    @property
    def err(self) -> str:
        return (self.folder / "stderr").read_text()

    @property
    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.termination_log.read_text())
        return found

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def get(self, path: str) -> httpx.Response:
        return CLIENT.get(f"{self.url}{path}")

    def score(self, text: str, **headers: str) -> httpx.Response:
        sent = {**PLAIN, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return CLIENT.post(f"{self.url}/score", content=text, headers=sent)

    def answers(self, path: str, status: int) -> bool:
        """Whether ``path`` answers with ``status`` now; a closed port is no."""
        address = self.url.removeprefix("http://")  # not by httpx: this is asked many times
        with closing(http.client.HTTPConnection(address, timeout=DEADLINE_S)) as connection:
            try:
                connection.connect()
            except ConnectionRefusedError:
                assert self.process.poll() is None, f"the service has ended:\n{self.err}"
                return False
            connection.request("GET", path)
            return connection.getresponse().status == status

    def until_listening(self) -> "Service":
        wait_until(lambda: self.answers("/", 200), "the port to be open")
        return self

    def until_ready(self) -> "Service":
        wait_until(lambda: self.answers("/ready", 200), f"the service to be ready\n{self.err}")
        return self

    def told_to_stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def exit_code(self) -> int:
        return self.process.wait(DEADLINE_S)

    def end(self) -> None:
        """End the front and, each with all that it has started, the slots."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children")
        slots = children.read_text().split() if self.process.poll() is None else []
        self.process.kill()
        self.process.wait()
        for slot in map(int, slots):
            with suppress(ProcessLookupError):
                os.killpg(slot, signal.SIGKILL)


class Sent:
    """A request that has been sent and has arrived; its answer is read later."""

    def __init__(self, service: Service, text: str) -> None:
        address = service.url.removeprefix("http://")
        self._connection = http.client.HTTPConnection(address, timeout=DEADLINE_S)
        self._connection.request("POST", "/score", text.encode(), PLAIN)
        service.get("/")  # what came before this has been read by then

    def answer(self) -> tuple[int, Any]:
        with closing(self._connection):
            response = self._connection.getresponse()
            return response.status, json.loads(response.read())


class Gate:
    """A file that a script waits for: ``run()`` blocks until the test opens it."""

    WAIT = (
        "import os, time\n\n\ndef wait_for(path):\n    open(path + '.reached', 'a').write('.')\n"
        "    while not os.path.exists(path):\n        time.sleep(0.005)\n\n\n"
    )

    def __init__(self, path: Path) -> None:
        self._path = path

    def __str__(self) -> str:
        return str(self._path)

    @property
    def reached(self) -> int:
        """How often the script has come to the gate."""
        marks = Path(f"{self._path}.reached")
        return len(marks.read_text()) if marks.exists() else 0

    def open(self) -> None:
        self._path.touch()
