"""The operator as a process that tests start, kill and start again."""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from tests.cluster import Cluster
from tests.cluster.installation import NAME, start_operator
from tests.cluster.places import Places
from tests.cluster.processes import alive, end, log_of
from tests.cluster.state import Process, forget
from tests.e2e.installed_operator import may
from tests.plain_http import CLIENT

PATIENCE = 60.0


class OperatorProcess:
    def __init__(
        self, cluster: Cluster, places: Places, kubeconfig: Path, settings: Mapping[str, str]
    ) -> None:
        self._cluster, self._places, self._kubeconfig = cluster, places, kubeconfig
        self._usual, self._others = settings, dict[str, str]()
        self._process: Process | None = None
        self._logs: list[str] = []

    @property
    def log(self) -> Path:
        return log_of(self._places, NAME)

    @property
    def state_folder(self) -> Path:
        return self._places.run / "operator-state"

    @property
    def running(self) -> bool:
        return self._process is not None and alive(self._process)

    def whole_log(self) -> str:
        """What all operators of this run have said."""
        return "".join(self._logs) + self.log.read_text()

    def start(self, **settings: str) -> None:
        if self._process is not None:  # what lies there before is another run's
            self._logs.append(self.log.read_text())
        self._others, all_settings = settings, {**self._usual, **settings}
        self._process = start_operator(self._cluster, self._places, self._kubeconfig, all_settings)

    def stop(self) -> None:
        """Ask it to end, as Kubernetes would, and wait until it has."""
        if self._process:
            end(self._places, self._process)

    def kill(self) -> None:
        """SIGKILL: no last word."""
        assert self._process
        os.kill(self._process.pid, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE
        while alive(self._process) and time.monotonic() < deadline:
            time.sleep(0.02)  # poll
        forget(self._places, self._process)

    def restart(self, **settings: str) -> None:
        self.stop()
        self.start(**settings)

    def may(self, verb: str, resource: str) -> bool:
        """Whether the operator's own ServiceAccount has a right, anywhere."""
        return may(self._cluster, verb, resource)

    def build_log(self, uri: str) -> str:
        """What a browser on this machine shows for ``status.build.logUri``."""
        return CLIENT.get(uri).text

    def ensure_running(self, settings: Mapping[str, str]) -> None:
        """With these settings: a test may have left others."""
        if not self.running:
            self.start(**settings)
        elif self._others != settings:
            self.restart(**settings)
