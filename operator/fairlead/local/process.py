"""Local services that are processes of this machine, while they run."""

import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from fairlead.local.files import folder_files
from fairlead.local.host import LOG, PREVIOUS_LOG, TERMINATION_LOG, Exit
from fairlead.local.places import Places
from fairlead.local.service import LocalService
from fairlead.local.source import replace_files

APP = "app"
MODELS = "azureml-models"  # in it: what is no part of the source
KEY_CHARS = 16  # of an environment's hash, as its folder's name
END_TIMEOUT_S = 10.0  # seconds until a process that was told to end is killed
START_SLACK_S = 2.0  # between the start that was noted and that which the system tells
POLL_S = 0.05
READ_BYTES = 64 * 1024


class Processes:
    """A ``Keeper``."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def ended(self, service: LocalService, folder: Path) -> Exit | None:
        if _process(service):
            return None
        return Exit(None, _text(folder / TERMINATION_LOG))

    def addresses(self, service: LocalService) -> frozenset[str]:
        process = _process(service)
        return listening(process, service.port) if process else frozenset()

    def put_code(self, service: LocalService, folder: Path, files: Mapping[str, bytes]) -> None:  # noqa: ARG002
        replace_files(folder / APP, files, keep=(MODELS,))

    def source(self, service: LocalService, folder: Path) -> Mapping[str, bytes]:  # noqa: ARG002
        return folder_files(folder / APP, without=(MODELS,))

    def log(self, service: LocalService, folder: Path) -> bytes:  # noqa: ARG002
        path = folder / LOG
        return path.read_bytes() if path.exists() else b""

    def followed(self, service: LocalService, folder: Path) -> Iterator[bytes]:
        if not (folder / LOG).exists():  # it was never started
            return
        with (folder / LOG).open("rb") as file:
            while True:
                running = _process(service)
                while piece := file.read(READ_BYTES):
                    yield piece
                if not running:
                    return
                time.sleep(POLL_S)

    def stop(self, service: LocalService, folder: Path) -> None:
        process = _process(service)
        if process:
            end(process)
        if (folder / LOG).exists():
            (folder / LOG).replace(folder / PREVIOUS_LOG)

    def forget(self, service: LocalService, others: tuple[LocalService, ...]) -> None:
        """Its environment goes with the last service that has it."""
        if all(other.environment != service.environment for other in others):
            key = service.environment[:KEY_CHARS]
            shutil.rmtree(self._places.environments / key, ignore_errors=True)


def listening(process: psutil.Process, port: int) -> frozenset[str]:
    """The addresses at which it, or what it has started, listens at ``port``."""
    found = set[str]()
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            kept = one.net_connections(kind="tcp")
            open_ = (each for each in kept if each.status == psutil.CONN_LISTEN)
            found.update(each.laddr.ip for each in open_ if each.laddr.port == port)
    return frozenset(found)


def end(process: psutil.Process) -> None:
    """SIGTERM, and SIGKILL for what does not end; what it has started goes with it."""
    family = [process, *process.children(recursive=True)]
    process.send_signal(signal.SIGTERM)
    psutil.wait_procs([process], timeout=END_TIMEOUT_S)
    for one in family:
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family, timeout=END_TIMEOUT_S)


def _process(service: LocalService) -> psutil.Process | None:
    """The process that was started; a later one with its number is another."""
    if service.pid is None or service.started is None:
        return None
    try:
        found = psutil.Process(service.pid)
        same = abs(found.create_time() - service.started) < START_SLACK_S
        return found if same and found.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""
