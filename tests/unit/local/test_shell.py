"""A shell where a service runs."""

import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from fairlead.api.reasons import Reason
from fairlead.local import shell as shells
from fairlead.local.errors import LocalError
from fairlead.local.places import Places
from fairlead.local.service import Mode
from fairlead.local.shell import pump, shell
from tests.unit.local.services import service

IN_CONTAINER = service(mode=Mode.CONTAINER, container="c1")


@pytest.fixture
def places(tmp_path: Path) -> Places:
    (tmp_path / "credit/app").mkdir(parents=True)
    return Places(tmp_path, tmp_path)


@pytest.fixture
def running() -> Iterator[int]:
    """A process with a variable of its own."""
    command = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]
    with subprocess.Popen(
        command, env={"MINE": "here"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_beside_a_process_it_has_its_variables_and_its_folder(
    places: Places, running: int, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    one = service(pid=running)
    command = ("/bin/sh", "-c", "echo $MINE $TERM; pwd; exit 7")
    assert shell(one, places, command, root=False) == 7
    assert capfd.readouterr().out == f"here dumb\n{places.state}/credit/app\n"
    monkeypatch.setenv("SHELL", "/bin/true")
    assert shell(one, places, (), root=False) == 0
    with pytest.raises(LocalError, match="/nowhere does not start") as caught:
        shell(one, places, ["/nowhere"], root=False)
    assert caught.value.finding.reason is Reason.PROGRAM_NOT_FOUND


def test_one_that_has_ended_has_none(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(pid: int) -> None:
        raise psutil.NoSuchProcess(pid)

    monkeypatch.setattr(psutil, "Process", gone)
    with pytest.raises(LocalError, match="does not answer"):
        shell(service(pid=5), places, (), root=False)


class Api:
    """Of Docker's SDK: one command, which prints on both."""

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}
        self.near, self.far = socket.socketpair()
        self.sizes: list[tuple[int, int]] = []

    def exec_create(self, container: str, command: list[str], **options: Any) -> dict[str, str]:
        self.made = {"container": container, "command": command, **options}
        return {"Id": "e1"}

    def exec_start(self, _: str, **options: Any) -> Any:
        if options.get("socket"):
            return SimpleNamespace(_sock=self.near)
        return iter([(b"out\n", None), (None, b"err\n")])

    def exec_resize(self, _: str, height: int, width: int) -> None:
        self.sizes.append((height, width))

    def exec_inspect(self, _: str) -> dict[str, int]:
        return {"ExitCode": 5}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    one = Api()

    @contextmanager
    def client() -> Iterator[SimpleNamespace]:
        containers = SimpleNamespace(get=lambda name: SimpleNamespace(id=name))
        yield SimpleNamespace(api=one, containers=containers)

    monkeypatch.setattr(shells, "client", client)
    yield one
    one.near.close()
    one.far.close()


@pytest.mark.parametrize("root", [True, False])
def test_without_a_terminal_a_command_is_carried_out(
    api: Api, places: Places, capfd: pytest.CaptureFixture[str], *, root: bool
) -> None:
    assert shell(IN_CONTAINER, places, ["ls"], root=root) == 5
    assert capfd.readouterr() == ("out\n", "err\n")
    assert (api.made["command"], api.made["workdir"]) == (["ls"], "/var/azureml-app")
    assert (api.made["user"], api.made["tty"]) == ("0" if root else "", False)


@pytest.mark.usefixtures("api")
def test_a_shell_needs_a_terminal(places: Places) -> None:
    with pytest.raises(LocalError, match="needs a terminal"):
        shell(IN_CONTAINER, places, (), root=False)


def read_until(descriptor: int, words: bytes) -> bytes:
    """A terminal gives what is printed in as many pieces as it likes, the echo first."""
    content = b""
    while words not in content and select.select([descriptor], [], [], 120)[0]:
        content += os.read(descriptor, 100)
    return content


def test_on_a_terminal_every_key_goes_to_the_container(
    api: Api, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, terminal = os.openpty()
    with os.fdopen(terminal, "r+b", buffering=0) as file:
        monkeypatch.setattr(sys, "stdin", file)
        monkeypatch.setattr(sys, "stdout", file)
        os.write(ours, b"\x03ls\r")
        typed: list[bytes] = []

        def answers(connection: socket.socket, descriptor: int, shown: int) -> None:
            """In place of a shell: take what was typed, print, and end."""
            api.far.sendall(b"files\r\n")
            api.far.shutdown(socket.SHUT_WR)
            pump(connection, descriptor, shown)
            typed.append(read_until(ours, b"files"))

        monkeypatch.setattr(shells, "pump", answers)
        assert shell(IN_CONTAINER, places, (), root=False) == 5
    os.close(ours)
    assert b"files" in typed[0]
    assert api.made["command"][0] == "/bin/sh"
    assert api.made["tty"] is True
    assert len(api.sizes) == 1


def test_what_is_typed_is_carried_over_until_the_other_side_ends_it() -> None:
    near, far = socket.socketpair()
    typed, typing = os.pipe()
    reading, shown = os.pipe()
    with near, far, os.fdopen(typed), os.fdopen(reading) as printed:
        os.write(typing, b"exit\n")
        os.close(typing)  # nothing more will be typed
        far.sendall(b"bye\n")
        far.shutdown(socket.SHUT_WR)
        pump(near, typed, shown)
        os.close(shown)
        assert printed.read() == "bye\n"
        assert far.recv(100) == b"exit\n"
