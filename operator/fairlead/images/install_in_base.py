"""The container in the user's base image: ``python3 install_in_base.py FOLDER [DESCRIPTOR]``.

It runs on the base image's own Python, or on conda's where that has none (``begin_in_base.sh``),
with that one's standard library and nothing else, and it is all of ours that is in reach of foreign
code. ``FOLDER`` is mounted read-only: it holds a named pipe, to which this program says first what
its Python can do, then that the base image's own modules are compiled, all that the installation
prints, last how that ended; and, from the moment they are decided on, the orders. A record of our
own is a line that begins with ``RECORD``. When nobody reads the pipe any more, nobody wants the
installation: it ends. What it leaves running ends with it, for it is the container's first process.

Old Pythons run it, too, and then say which they are: no newer syntax than theirs.
"""

import importlib.util
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from typing import Any, Dict, List  # noqa: UP035  (older than list[str])

PIPE, ORDERS, ENDED, READING, TAKEN = "log", "orders.json", "ended", "reading", "taken"
COMPILE = "compile_base.py"
RECORD = "::fairlead:: "
READER_TIMEOUT_S = 600.0  # until the container beside this one has begun
POLL_S = 0.2
GONE = select.POLLERR | select.POLLHUP | select.POLLNVAL


class NobodyReadsError(Exception):
    """The container beside this one has ended."""


def main(folder: str, held: "List[str]") -> None:  # noqa: UP006
    """Install what the orders say. How that ended is in the last record, not in an exit code.

    ``held``: descriptors that kept the pipe open for whoever began this program.
    """
    try:
        pipe = opened(folder)
        for descriptor in held:
            os.close(int(descriptor))
        tell(
            pipe,
            {
                "python": version(),
                "venv": makes_environments(),
                "libc": libc(),
                "path": sys.executable,
            },
        )
        orders = awaited(os.path.join(folder, ORDERS), pipe)  # noqa: PTH118
        absent = [n for n, path in enumerate(orders["folders"]) if not os.path.isdir(path)]  # noqa: PTH112
        if orders["compiled"]:
            compile_base(orders["compiled"], folder, pipe)
        code = run_all(orders, folder, pipe)
        for number in absent:  # one at a time: what a pipe takes at once is not mixed with others'
            tell(pipe, {"absent": number})
        tell(pipe, {"ended": code})
    except (NobodyReadsError, BrokenPipeError):
        return


def version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def makes_environments() -> bool:
    return bool(importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"))


def libc() -> str:
    """``glibc 2.36``; empty where it is another C library."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):
        return ""


def opened(folder: str) -> int:
    """The pipe, once somebody reads it."""
    deadline = time.monotonic() + READER_TIMEOUT_S
    while time.monotonic() < deadline and not os.path.exists(os.path.join(folder, ENDED)):  # noqa: PTH110, PTH118
        try:
            pipe = os.open(os.path.join(folder, PIPE), os.O_WRONLY | os.O_NONBLOCK)  # noqa: PTH118
        except OSError:  # ENXIO: not yet
            time.sleep(POLL_S)
            continue
        os.set_blocking(pipe, True)
        return pipe
    raise NobodyReadsError


def tell(pipe: int, record: "Dict[str, Any]") -> None:  # noqa: UP006
    os.write(pipe, ("\n" + RECORD + json.dumps(record) + "\n").encode())


def awaited(path: str, pipe: int) -> "Dict[str, Any]":  # noqa: UP006
    """The orders, once they are there: they come whole, for they are renamed."""
    while not os.path.exists(path):  # noqa: PTH110
        stay_wanted(pipe, os.path.dirname(path), POLL_S)  # noqa: PTH120
    with open(path) as file:  # noqa: PTH123
        return dict(json.load(file))


def stay_wanted(pipe: int, folder: str, seconds: float) -> None:
    """Wait, or raise where nobody reads the pipe any more.

    Foreign code may read it, too: so the container beside this one says in a file that it ends.
    """
    poll = select.poll()
    poll.register(pipe, 0)
    if any(event & GONE for _, event in poll.poll(seconds * 1000)):
        raise NobodyReadsError
    if os.path.exists(os.path.join(folder, ENDED)):  # noqa: PTH110, PTH118
        raise NobodyReadsError


def compile_base(place: str, folder: str, pipe: int) -> None:
    """Leave bytecode at ``place`` until it is taken: foreign code, which is next, finds none."""
    program = os.path.join(folder, COMPILE)  # noqa: PTH118
    command = [sys.executable, "-s", "-W", "ignore", program, place]
    tell(pipe, {"compiled": run(command, same_each_time(), folder, pipe)})
    while not os.path.exists(os.path.join(folder, TAKEN)):  # noqa: PTH110, PTH118
        stay_wanted(pipe, folder, POLL_S)
    shutil.rmtree(place, ignore_errors=True)


def same_each_time() -> "Dict[str, str]":  # noqa: UP006
    """No more of the base image's variables than ``-I`` would heed, and no order by chance: up to
    Python 3.10 the sets of a module are written in the order that their hashes have."""
    others = {name: os.environ[name] for name in os.environ if not name.startswith("PYTHON")}
    return dict(others, PYTHONHASHSEED="0")


def run_all(orders: "Dict[str, Any]", folder: str, pipe: int) -> int:  # noqa: UP006
    """Run the commands one after the other; return the first exit code that is not 0."""
    environment = dict(os.environ, **orders["variables"])
    for command in orders["commands"]:
        code = run(command, environment, folder, pipe)
        if code:
            return code
    return 0


def run(command: "List[str]", environment: "Dict[str, str]", folder: str, pipe: int) -> int:  # noqa: UP006
    """Run one command; return its exit code as a shell would."""
    try:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        os.write(pipe, (command[0] + ": " + str(error) + "\n").encode())
        return 127
    try:
        while process.poll() is None:
            stay_wanted(pipe, folder, POLL_S)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    code = process.returncode
    return code if code >= 0 else 128 - code


def leave(number: int, frame: object) -> None:  # noqa: ARG001  (signal's own signature)
    """A container's first process that did not ask for SIGTERM would not get it."""
    os._exit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, leave)
    main(sys.argv[1], sys.argv[2:])
