"""Servers of stores: installed once into the cache, started on a free port, ended with the run."""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.cluster.command import found, run
from tests.cluster.errors import ClusterError
from tests.cluster.packages import install
from tests.cluster.places import Places
from tests.cluster.ports import free_port

LOCKS = Path(__file__).parent
START_TIMEOUT_S, END_TIMEOUT_S = 180.0, 15.0


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
            _wait_for(port, process)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_TIMEOUT_S)
            process.kill()
            process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    """A machine that is busy with other tests takes its time to start a server."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while not _listens(port):
        assert process.poll() is None, f"the server ended with {process.returncode}"
        assert time.monotonic() < deadline, f"nothing listens after {START_TIMEOUT_S:.0f} s"
        time.sleep(0.05)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
    except OSError:
        return False
    return True


def _stamp(lock: Path) -> str:
    what = lock.read_bytes() + sys.version.encode()
    return hashlib.sha256(what).hexdigest()[:12]


def node_server(places: Places, name: str) -> Path:
    """The folder of programs of what ``<name>/package-lock.json`` says, installed by npm."""
    source = LOCKS / name
    folder = places.cache / "servers" / f"{name}-{_stamp(source / 'package-lock.json')}"
    done = folder / "installed"
    if not done.exists():
        npm = _npm()
        folder.mkdir(parents=True, exist_ok=True)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(source / file, folder / file)
        options = ("--ignore-scripts", "--no-audit", "--no-fund", "--cache", places.cache / "npm")
        run([npm, "ci", "--prefix", folder, *options])
        done.touch()
    return folder / "node_modules/.bin"


def _npm() -> str:
    """Node's installer, from Debian where the machine has none."""
    if found("npm") is None:
        if os.geteuid() != 0:
            raise ClusterError("npm is needed.", "Run `sudo apt-get install nodejs npm`.")
        install(["nodejs", "npm"])
    return found("npm") or "npm"
