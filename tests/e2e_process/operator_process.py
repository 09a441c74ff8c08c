"""The operator as a process that tests start, kill and start again."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from tests.cluster import Cluster, ClusterError
from tests.cluster.command import extended, leashed
from tests.cluster.installation import settings_for
from tests.cluster.places import places
from tests.cluster.ports import free_port
from tests.e2e.installed_operator import may
from tests.plain_http import CLIENT

PATIENCE_S = 120.0  # until it serves build logs: then it watches, too; and until it has ended
LAST_LINES = 12


class OperatorProcess:
    """``kubeconfig`` holds its rights; in ``folder`` are its state and its log."""

    def __init__(
        self, cluster: Cluster, kubeconfig: Path, folder: Path, settings: Mapping[str, str]
    ) -> None:
        self._cluster, self._port = cluster, free_port()
        self.log, self.state_folder = folder / "operator.log", folder / "state"
        own = {
            "KUBECONFIG": str(kubeconfig),
            "FAIRLEAD_STATE_FOLDER": str(self.state_folder),
            "FAIRLEAD_LOG_ADDRESS": f"127.0.0.1:{self._port}",
        }
        self._usual, self._others = {**settings, **own}, dict[str, str]()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

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
        with self.log.open("ab") as log:
            self._process = process = subprocess.Popen(
                leashed([sys.executable, "-m", "fairlead"]),
                env=extended(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # what is killed is it alone
            )
        deadline = time.monotonic() + PATIENCE_S
        while not self._listens():
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                last = self.log.read_text(errors="replace").splitlines()[-LAST_LINES:]
                raise ClusterError("The operator did not start.", tail=last)
            time.sleep(0.1)  # poll

    def stop(self) -> None:
        """Ask it to end, as Kubernetes would, and wait until it has."""
        if self._process:
            self._process.terminate()
            self._process.wait(PATIENCE_S)

    def kill(self) -> None:
        """SIGKILL: no last word."""
        assert self._process
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE_S)

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

    def _listens(self) -> bool:
        with closing(socket.socket()) as connection:
            return connection.connect_ex(("127.0.0.1", self._port)) == 0
