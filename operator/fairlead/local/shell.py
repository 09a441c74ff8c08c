"""A shell where a service runs: in its container, or with the environment of its process."""

import os
import subprocess
import sys
from collections.abc import Sequence
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
from fairlead.local.terminal import (
    CONTAINER_SHELL,
    is_terminal,
    no_terminal,
    raw,
    resized,
    shown_on,
)

if TYPE_CHECKING:
    from docker import APIClient

READ_BYTES = 64 * 1024
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
    if command and not is_terminal():
        return _printed(service, command, root=root)
    if not is_terminal():
        raise no_terminal()
    return _in_container(service, command or CONTAINER_SHELL, root=root)


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

        def resize(size: os.terminal_size) -> None:
            engine.api.exec_resize(made, height=size.lines, width=size.columns)

        with resized(resize), raw():
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
            shown_on(shown, printed)
        if typed in ready:
            data = os.read(typed, READ_BYTES)
            if not data:  # nothing will be typed any more
                sources.remove(typed)
            else:
                connection.sendall(data)
