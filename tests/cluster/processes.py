"""Processes that outlive the run that starts them: recorded at once, ended only when surely ours.

A pid alone proves nothing, it is reused. With the moment at which the kernel started the process,
and the boot it did so in, it names one process for ever. What our processes start themselves
inherits a variable from them: by that it is found when its parent was killed.
"""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from tests.cluster.command import extended, located, logger, shown
from tests.cluster.errors import ClusterError
from tests.cluster.places import Places
from tests.cluster.state import Process, forget, read_state, record

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
MARK_VARIABLE = "FAIRLEAD_STARTED_BY_TESTS"
PATIENCE = 15.0  # seconds between asking a process to end and making it
COLLECT_LESS = {"GOGC": "400"}  # programs in Go: there is memory to spare, and little of processors
STARTTIME = 19  # field 22 of /proc/PID/stat, counted from the one after the name


def start(
    places: Places,
    name: str,
    arguments: Sequence[str | Path],
    environment: Mapping[str, str] | None = None,
) -> Process:
    """Start a program in the background, its output in ``run/<name>.log``; record it as ours."""
    logger.debug("& %s", shown(arguments))
    with log_of(places, name).open("w") as log:
        child = subprocess.Popen(
            [located(arguments[0]), *map(str, arguments[1:])],
            env=extended({**(environment or {}), MARK_VARIABLE: _mark(places, name)}),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us, not for it
        )
    process = Process(name, child.pid, started(child.pid) or "ended at once")
    record(places, process)
    return process


def end(places: Places, process: Process) -> None:
    """End it if it still is the process that was recorded, wait until it is gone, forget it."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        if alive(process):
            with suppress(ProcessLookupError):  # gone since we looked
                os.kill(process.pid, how)
            _wait_for_end(process)
    if alive(process):
        raise ClusterError(f"{process.name} (pid {process.pid}) does not end, not even by SIGKILL.")
    forget(places, process)


def orphans(places: Places, spared: str) -> list[psutil.Process]:
    """What processes of ours have started and what still runs, except what ``spared`` started."""
    state = read_state(places)
    recorded = {process.pid for process in state.processes} if state else set()
    ours, not_this = _mark(places, ""), _mark(places, spared)
    marks = {process: _mark_of(process) for process in psutil.process_iter()}
    return [
        process
        for process, mark in marks.items()
        if mark.startswith(ours) and mark != not_this and process.pid not in recorded
    ]


def _mark(places: Places, name: str) -> str:
    return f"{places.cache} {name}"


def _mark_of(process: psutil.Process) -> str:
    try:
        return process.environ().get(MARK_VARIABLE, "")
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        return ""


def alive(process: Process) -> bool:
    return started(process.pid) == process.started


def started(pid: int) -> str | None:
    """When the kernel started ``pid``; None when there is no such process, or only its remains."""
    try:
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return None
        return _ticks(pid) if BOOT_ID.exists() else str(psutil.Process(pid).create_time())
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return None


def _ticks(pid: int) -> str:
    """Linux' own count: psutil's is in seconds since 1970 and moves when the clock is set."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return f"{BOOT_ID.read_text().strip()} {fields[STARTTIME]}"


def log_of(places: Places, name: str) -> Path:
    places.run.mkdir(parents=True, exist_ok=True)
    return places.run / f"{name}.log"


def _wait_for_end(process: Process) -> None:
    deadline = time.monotonic() + PATIENCE
    while alive(process) and time.monotonic() < deadline:
        time.sleep(0.05)
