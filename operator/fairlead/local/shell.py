"""A shell where a service runs: in its container, or with the environment of its process."""

import os
import signal
import subprocess
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from select import select
from typing import TYPE_CHECKING, Protocol, cast

import psutil

from fairlead.api.reasons import Reason
from fairlead.images.layout import APP_ROOT
from fairlead.local.engine import client
from fairlead.local.errors import refusal
from fairlead.local.places import Places
from fairlead.local.process import APP
from fairlead.local.scoring import not_running
from fairlead.local.service import LocalService, Mode

if TYPE_CHECKING:
    from docker import APIClient

READ_BYTES = 64 * 1024
CONTAINER_SHELL = ("/bin/sh", "-c", "command -v bash >/dev/null && exec bash || exec sh")
ROOT = "0"


class Stream(Protocol):
    """A connection, as far as it is used."""

    def fileno(self) -> int: ...
    def recv(self, size: int, /) -> bytes: ...
    def sendall(self, data: bytes, /) -> None: ...


def shell(service: LocalService, places: Places, command: Sequence[str], *, root: bool) -> int:
    """Run a shell, or ``command``, where the service runs; return its exit code.

    Raises ``LocalError``.
    """
    if service.mode is Mode.MACHINE:
        return _beside(service, places, command)
    if command and not _is_terminal():
        return _printed(service, command, root=root)
    if not _is_terminal():
        message = "A shell needs a terminal, and there is none here."
        raise refusal(Reason.PROGRAM_FAILED, message, "Give a command: fairlead shell NAME -- ls.")
    return _in_container(service, command or CONTAINER_SHELL, root=root)


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _beside(service: LocalService, places: Places, command: Sequence[str]) -> int:
    """With the variables of the service's own process, in its folder."""
    try:
        environ = psutil.Process(service.pid).environ()
    except (psutil.Error, ValueError) as error:
        raise not_running(service, "it has ended") from error
    terminal = {name: os.environ[name] for name in ("TERM", "LANG") if name in os.environ}
    program = list(command) or [os.environ.get("SHELL") or "/bin/sh"]
    folder = places.service(service.name) / APP
    try:
        return subprocess.run(
            program, cwd=folder, env={**environ, **terminal}, check=False
        ).returncode
    except OSError as error:
        message = f"{program[0]} does not start: {error.strerror}."
        raise refusal(Reason.PROGRAM_NOT_FOUND, message, "Name a program that is there.") from error


def _printed(service: LocalService, command: Sequence[str], *, root: bool) -> int:
    with client() as engine:
        container = engine.containers.get(service.container or "")
        made = _made(engine.api, str(container.id), command, root=root)
        pieces = engine.api.exec_start(made, stream=True, demux=True)
        for out, err in pieces:
            sys.stdout.buffer.write(out or b"")
            sys.stderr.buffer.write(err or b"")
            sys.stdout.flush()
        return int(engine.api.exec_inspect(made)["ExitCode"] or 0)


def _in_container(service: LocalService, command: Sequence[str], *, root: bool) -> int:
    with client() as engine:
        container = engine.containers.get(service.container or "")
        made = _made(engine.api, str(container.id), command, root=root, tty=True)
        stream = engine.api.exec_start(made, tty=True, socket=True)
        connection = cast("Stream", getattr(stream, "_sock", stream))
        with _resized(engine.api, made), _raw():
            pump(connection, sys.stdin.fileno(), sys.stdout.fileno())
        return int(engine.api.exec_inspect(made)["ExitCode"] or 0)


def _made(
    api: "APIClient", container: str, command: Sequence[str], *, root: bool, tty: bool = False
) -> str:
    made = api.exec_create(
        container,
        list(command),
        stdin=tty,
        tty=tty,
        user=ROOT if root else "",
        environment={"TERM": os.environ.get("TERM", "xterm")},
        workdir=f"/{APP_ROOT}",
    )
    return str(made["Id"])


def pump(connection: Stream, typed: int, shown: int) -> None:
    """Carry what is typed there, and what is printed here, until the other side ends it."""
    sources = [connection.fileno(), typed]
    while True:
        ready, _, _ = select(sources, [], [])
        if connection.fileno() in ready:
            printed = connection.recv(READ_BYTES)
            if not printed:
                return
            _write(shown, printed)
        if typed in ready:
            data = os.read(typed, READ_BYTES)
            if not data:  # nothing will be typed any more
                sources.remove(typed)
            else:
                connection.sendall(data)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


@contextmanager
def _raw() -> Iterator[None]:
    """Every key goes to the other side, ctrl-C, too; the terminal is as before at the end."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


@contextmanager
def _resized(api: "APIClient", made: str) -> Iterator[None]:
    """Tell the other side how large the terminal is, now and whenever that changes."""

    def resize(*_: object) -> None:
        size = os.get_terminal_size(sys.stdout.fileno())
        api.exec_resize(made, height=size.lines, width=size.columns)

    resize()
    before: Callable[..., object] | int | None = signal.signal(signal.SIGWINCH, resize)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
