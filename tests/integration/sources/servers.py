"""Servers of stores: installed once into the cache, started on a free port, ended with the run."""

import hashlib
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.cluster.command import run
from tests.cluster.places import Places
from tests.integration.registry.server import free_port, wait_until

LOCKS = Path(__file__).parent
END_TIMEOUT_S = 15.0


def python_server(places: Places, name: str) -> Path:
    """The folder of programs of an environment that holds what ``<name>.lock`` says."""
    lock = LOCKS / f"{name}.lock"
    folder = places.cache / "servers" / f"{name}-{_stamp(lock)}"
    done = folder / "installed"
    if not done.exists():
        settings = {"UV_CACHE_DIR": str(places.cache / "uv"), "UV_SYSTEM_CERTS": "true"}
        options = ("--quiet", "--python", folder / "bin/python", "--require-hashes")
        run(
            [places.uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder],
            environment=settings,
        )
        run([places.uv, "pip", "install", *options, "--requirements", lock], environment=settings)
        done.touch()
    return folder / "bin"


@contextmanager
def served(command: Sequence[str | Path], log: Path) -> Iterator[str]:
    """Start a server, whose ``PORT`` is replaced, and yield ``host:port`` once it listens."""
    port = free_port()
    arguments = [str(part).replace("PORT", str(port)) for part in command]
    with log.open("wb") as output:
        process = subprocess.Popen(arguments, stdout=output, stderr=subprocess.STDOUT)
        try:
            wait_until(lambda: _listens(port, process), f"{arguments[0]} on port {port}")
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_TIMEOUT_S)
            process.kill()
            process.wait()


def _listens(port: int, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, f"the server ended with {process.returncode}"
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
    except OSError:
        return False
    return True


def _stamp(lock: Path) -> str:
    what = lock.read_bytes() + sys.version.encode()
    return hashlib.sha256(what).hexdigest()[:12]
