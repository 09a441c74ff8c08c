"""Operators as their users start them: ``python -m fairlead``, with real tasks."""

import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.command import extended


class RealOperators:
    """Starts operators; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, registry: Path, log: Path, environment: Mapping[str, str]) -> int:  # noqa: ARG002
        """Return the pid of a new operator. What it says is appended to ``log``."""
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "fairlead"],
                env=extended(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        with self._lock:
            self._processes.append(process)
        threading.Thread(target=process.wait, daemon=True).start()  # no zombies
        return process.pid

    def close(self) -> None:
        """Kill what still runs."""
        for process in self._processes:
            process.kill()
            process.wait(30)
