"""A server at work: started on its core, asked until it answers, ended with all it started."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.runtime.client import ask
from benchmarks.runtime.errors import PeerError
from benchmarks.runtime.peers import SUBJECTS, Peer
from tests.cluster.command import LAST_LINES, leashed

BODY = b'{"data": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}'
SUM = b"55"
START_TIMEOUT_S, END_TIMEOUT_S = 60.0, 5.0
POLL_INTERVAL_S = 0.002
MB = 1e6


@dataclass(frozen=True)
class Server:
    """``start``: seconds from the start of the process to the first right answer."""

    peer: Peer
    process: psutil.Popen
    port: int
    start: float

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.peer.path}"

    @property
    def memory(self) -> float:
        """Proportional set size of all its processes in MB."""
        return sum(map(_proportional, _family(self.process))) / MB

    @property
    def cpu(self) -> float:
        """Seconds of processor time that all its processes have used."""
        return sum(map(_processor_time, _family(self.process)))


@contextmanager
def serving(
    peer: Peer, home: Path, core: int, log: Path, more: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Start ``peer`` on ``core``; ``more`` is added to its environment. Raise ``PeerError``."""
    names = ("port", "grpc", "metrics")
    ports = dict(zip(names, _free_ports(len(names)), strict=True))
    process, began = _started(peer, home, core, log, ports, more or {}), time.monotonic()
    try:
        _until_right(peer, process, ports["port"], log)
        yield Server(peer, process, ports["port"], time.monotonic() - began)
    finally:
        _end(process)


def _started(
    peer: Peer,
    home: Path,
    core: int,
    log: Path,
    ports: Mapping[str, int],
    more: Mapping[str, str],
) -> psutil.Popen:
    known = {**ports, "home": home, "subjects": SUBJECTS}
    program, *arguments = (word.format_map(known) for word in peer.arguments)
    environment = {name: value.format_map(known) for name, value in peer.environment.items()}
    with log.open("wb") as out:
        return psutil.Popen(
            leashed(["taskset", "--cpu-list", str(core), home / "bin" / program, *arguments]),
            cwd=SUBJECTS,
            env={
                "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
                "HOME": str(home),
                **environment,
                **more,
            },
            stdout=out,
            stderr=out,
            start_new_session=True,
        )


def _until_right(peer: Peer, process: psutil.Popen, port: int, log: Path) -> None:
    deadline, last = time.monotonic() + START_TIMEOUT_S, "nothing"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise PeerError(f"does not start (exit code {process.returncode})", _tail(log))
        reply = asyncio.run(ask(port, "POST", peer.path, BODY, START_TIMEOUT_S))
        if reply.outcome == "200" and SUM in reply.content:
            return
        last = f"{reply.outcome} {reply.content[:80]!r}"
        time.sleep(POLL_INTERVAL_S)
    raise PeerError(f"gave no right answer within {START_TIMEOUT_S:.0f} s, but {last}", _tail(log))


def _end(process: psutil.Popen) -> None:
    """Ask it to end; what then is left of it, its children's own sessions included, is killed."""
    family = _family(process)
    with suppress(psutil.NoSuchProcess):
        process.terminate()
    _, alive = psutil.wait_procs(family, timeout=END_TIMEOUT_S)
    for one in alive:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=END_TIMEOUT_S)


def _family(process: psutil.Popen) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return [process]


def _proportional(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        return float(process.memory_full_info().pss)
    return 0.0


def _processor_time(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        used = process.cpu_times()
        return float(used.user + used.system)
    return 0.0


def _free_ports(number: int) -> list[int]:
    with ExitStack() as held:  # all at once, or they might be the same
        open_ = (socket.create_server(("127.0.0.1", 0)) for _ in range(number))
        return [held.enter_context(one).getsockname()[1] for one in open_]


def _tail(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines()[-LAST_LINES:]
