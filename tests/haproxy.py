"""A real HAProxy, with the configuration that fronts get, before servers on this machine."""

import fcntl
import json
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from fairlead.desired.front_configuration import (
    METRICS_PORT,
    PORT,
    FrontParameters,
    front_configuration,
)
from tests.cluster.command import found
from tests.cluster.errors import ClusterError
from tests.cluster.packages import install
from tests.cluster.ports import free_port
from tests.plain_http import CLIENT

SERVERS = re.compile(r"^    server-template .*$", re.MULTILINE)
ANYONE = re.compile(r"^    server anyone \S+", re.MULTILINE)
FEW = re.compile(r"^    server some .*$", re.MULTILINE)
SLOWLY = re.compile(r"^(    (?:timeout resolve|hold valid)) 10s$", re.MULTILINE)
NOBODY = "127.0.0.1:9"
DEADLINE_S = 120.0


def haproxy() -> str:
    """The program, from Debian where the machine has none."""
    with (Path(tempfile.gettempdir()) / "fairlead-haproxy.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if found("haproxy") is None and not Path("/usr/sbin/haproxy").exists():
            if os.geteuid() != 0:
                raise ClusterError("haproxy is needed.", "Run `sudo apt-get install haproxy`.")
            install(["haproxy"])
    return str(found("haproxy") or "/usr/sbin/haproxy")


def local_configuration(
    front: FrontParameters,
    ports: Mapping[int, int],
    servers: Sequence[str],
    dns: int = 0,
    anyone: str = NOBODY,
) -> str:
    """What ``front`` has in a cluster, at other ports, and for ``servers`` (``host:port``) that are
    named; they are looked up where ``dns`` is the port of a DNS server on this machine, and so is,
    each second, whether no node takes a replica. ``anyone`` stands for the Service that leads to
    any replica."""
    text = ANYONE.sub(f"    server anyone {anyone}", front_configuration(front))
    for port, other in ports.items():
        text = text.replace(f"bind *:{port}\n", f"bind 127.0.0.1:{other}\n")
    if dns:
        text = SLOWLY.sub(r"\1 1s", text)
        return text.replace("parse-resolv-conf", f"nameserver dns 127.0.0.1:{dns}")
    text = FEW.sub(f"    server some {NOBODY} disabled", text)
    lines = (f"    server pod{n} {address}" for n, address in enumerate(servers, 1))
    return SERVERS.sub("\n".join(lines), text)


class FrontProcess:
    """One front; its log is in ``folder``. ``outside``: others than this machine reach it, too."""

    def __init__(
        self,
        folder: Path,
        front: FrontParameters,
        servers: Sequence[str] = (),
        dns: int = 0,
        anyone: str = NOBODY,
        *,
        outside: bool = False,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        ports = {PORT: free_port(), METRICS_PORT: free_port()}
        self.url = f"http://127.0.0.1:{ports[PORT]}"
        self._metrics = f"http://127.0.0.1:{ports[METRICS_PORT]}"
        self._log = folder / "log"
        file = folder / "haproxy.cfg"
        text = local_configuration(front, ports, servers, dns, anyone)
        file.write_text(text.replace("bind 127.0.0.1:", "bind *:") if outside else text)
        with self._log.open("wb") as log:
            command = [haproxy(), "-db", "-f", str(file)]
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    @property
    def address(self) -> str:
        return self.url.removeprefix("http://")

    def metrics(self) -> dict[str, float]:
        """By name and labels, as in ``haproxy_backend_current_queue{proxy="scoring"}``."""
        lines = self.metrics_text("/metrics").splitlines()
        pairs = (line.rpartition(" ")[::2] for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    @property
    def metrics_port(self) -> int:
        return int(self._metrics.rpartition(":")[2])

    def metrics_text(self, path: str) -> str:
        return CLIENT.get(f"{self._metrics}{path}", timeout=DEADLINE_S).text

    def healthy(self) -> bool:
        """What the kubelet asks; a closed port is no."""
        try:
            return CLIENT.get(f"{self._metrics}/healthz", timeout=DEADLINE_S).status_code == 200
        except httpx.TransportError:
            assert self.process.poll() is None, f"HAProxy has ended:\n{self._log.read_text()}"
            return False

    def ready_servers(self) -> int:
        if not self.healthy():
            return 0
        return int(self.metrics()['haproxy_backend_active_servers{proxy="scoring"}'])

    def access_log(self) -> list[dict[str, Any]]:
        lines = self._log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith('{"time"')]

    def told_to_stop(self) -> None:
        """As a container of the image is: finish what runs, take nothing new."""
        self.process.send_signal(signal.SIGUSR1)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
