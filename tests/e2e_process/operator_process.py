"""The operator as a process that tests start, kill and start again."""

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from tests.cluster import Cluster, ClusterError
from tests.cluster.command import extended
from tests.cluster.installation import settings_for
from tests.cluster.places import places
from tests.cluster.ports import free_port, listens
from tests.e2e.installed_operator import may
from tests.faults.standins.forked import ForkedOperators
from tests.plain_http import CLIENT

PATIENCE_S = 120.0  # until it serves build logs: then it watches, too; and until it has ended
LAST_LINES = 12


class OperatorProcess:
    """``kubeconfig`` holds its rights; in ``folder`` are its state and its log."""

    def __init__(
        self,
        operators: ForkedOperators,
        cluster: Cluster,
        kubeconfig: Path,
        folder: Path,
        settings: Mapping[str, str],
    ) -> None:
        self._operators, self._cluster, self._port = operators, cluster, free_port()
        self.log, self.state_folder = folder / "operator.log", folder / "state"
        own = {
            "KUBECONFIG": str(kubeconfig),
            "FAIRLEAD_STATE_FOLDER": str(self.state_folder),
            "FAIRLEAD_LOG_ADDRESS": f"127.0.0.1:{self._port}",
        }
        self._usual, self._others = {**settings, **own}, dict[str, str]()
        self._pid = 0

    @property
    def running(self) -> bool:
        return bool(self._pid) and psutil.pid_exists(self._pid)

    @property
    def logs_at(self) -> str:
        """Where it serves the logs of builds."""
        return f"http://127.0.0.1:{self._port}"

    def whole_log(self) -> str:
        """What all operators of this run have said."""
        return self.log.read_text()

    def start(self, **settings: str) -> None:
        """Return once it is at work. Raises ``ClusterError`` with the end of its log."""
        self._others = settings
        environment = {**settings_for(self._cluster, places()), **self._usual, **settings}
        self._pid = self._operators.start(None, self.log, extended(environment))
        deadline = time.monotonic() + PATIENCE_S
        while not listens(self._port):
            if not self.running or time.monotonic() > deadline:
                self.stop()
                last = self.log.read_text(errors="replace").splitlines()[-LAST_LINES:]
                raise ClusterError("The operator did not start.", tail=last)
            time.sleep(0.1)  # poll

    def stop(self) -> None:
        """Ask it to end, as Kubernetes would, and wait until it has."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: no last word."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if not self.running:
            return
        with suppress(ProcessLookupError):  # it has ended just now
            os.kill(self._pid, how)
        deadline = time.monotonic() + PATIENCE_S
        while self.running:
            assert time.monotonic() < deadline, f"the operator does not end by {how.name}"
            time.sleep(0.02)  # poll

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
