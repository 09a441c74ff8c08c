"""Other people's programs, run with a deadline; what they say goes to the log, never to the screen.

No shell is involved anywhere. On Linux a program that we wait for does not outlive us
(``setpriv``): what a killed run leaves behind must not be at work when the next run clears up.
"""

import logging
import os
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.errors import ClusterError

Argument = str | Path
ACTION_SECONDS = 3600.0
QUERY_SECONDS = 60.0
LAST_LINES = 12
SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"  # not in everybody's PATH

logger = logging.getLogger(__name__)
_running: set[subprocess.Popen[str]] = set()
_ending = threading.Event()


def run(
    arguments: Sequence[Argument],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = ACTION_SECONDS,
) -> None:
    """Run a program to its end. Raises ``ClusterError`` with the last lines that it wrote."""
    logger.debug("$ %s", shown(arguments))
    last: deque[str] = deque(maxlen=LAST_LINES)
    with subprocess.Popen(
        leashed(arguments),
        cwd=folder,
        env=extended(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        deadline = threading.Timer(seconds, process.kill)
        deadline.start()
        _running.add(process)
        if _ending.is_set():  # before this one was to be seen
            process.terminate()
        for line in process.stdout or ():
            logger.debug("  %s", line.rstrip())
            last.append(line.rstrip())
        code = process.wait()
        _running.discard(process)
        in_time = deadline.is_alive()
        deadline.cancel()
    if code:
        raise failure(arguments, f"exit code {code}" if in_time else f"{seconds:.0f} s", last)


def read(
    arguments: Sequence[Argument],
    *,
    text: str | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = QUERY_SECONDS,
) -> str:
    """Return what a program writes to its standard output, given ``text`` on its standard input.

    Raises ``ClusterError`` with the last lines of its standard error.
    """
    logger.debug("$ %s", shown(arguments))
    try:
        done = subprocess.run(
            leashed(arguments),
            input=text or "",
            env=extended(environment),
            capture_output=True,
            check=True,
            text=True,
            errors="replace",
            timeout=seconds,
        )
    except subprocess.CalledProcessError as error:
        logger.debug("  %s", error.stderr.strip())
        last = error.stderr.splitlines()[-LAST_LINES:]
        raise failure(arguments, f"exit code {error.returncode}", last) from error
    except subprocess.TimeoutExpired as error:
        raise failure(arguments, f"{seconds:.0f} s", ()) from error
    return done.stdout


def found(program: str) -> str | None:
    """Where a program lies, the folders for administrators included."""
    return shutil.which(program, path=_path())


@contextmanager
def ending_together() -> Iterator[None]:
    """In here ``end_running`` also ends what is started after it."""
    try:
        yield
    finally:
        _ending.clear()


def end_running() -> None:
    """Tell every program that some thread waits for to stop: the run has failed already."""
    _ending.set()
    for process in tuple(_running):
        process.terminate()


def failure(arguments: Sequence[Argument], how: str, last: Sequence[str]) -> ClusterError:
    return ClusterError(f"`{shown(arguments)}` failed ({how}).", tail=tuple(last))


def shown(arguments: Sequence[Argument]) -> str:
    """The command as a person would type it, without the folder of the program, within a line."""
    text = " ".join([Path(arguments[0]).name, *(str(argument) for argument in arguments[1:])])
    return text if len(text) <= 160 else f"{text[:157]}..."


def located(program: Argument) -> str:
    path = found(str(program))
    if path is None:
        raise ClusterError(f"`{program}` is not installed on this machine.")
    return path


def leashed(arguments: Sequence[Argument]) -> list[str]:
    """The command, told by the kernel to end when we do, where there is a kernel that can."""
    leash = [setpriv, "--pdeathsig", "TERM"] if (setpriv := found("setpriv")) else []
    return [*leash, located(arguments[0]), *map(str, arguments[1:])]


def extended(environment: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, "PATH": _path(), **(environment or {})}


def _path() -> str:
    return f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATH}"
