"""Two operators at an API server: one works, the other waits, and takes over when it is killed."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from fairlead.health.echo import NAME as ECHO
from tests.cluster.installation import grant
from tests.cluster.places import places
from tests.cluster.ports import free_port
from tests.control_plane import NOBODYS, ControlPlane
from tests.plain_http import CLIENT

Seen = TypeVar("Seen")
PATIENCE_S = 180.0
TAKEOVER_S = 20.0
SYSTEM = "fairlead-system"
NAMESPACE = "takeover"
GOOD = (200, "ok\n")
SERVICE = {"image": "localhost:5000/fairlead/nothing:1", "auth": {"enabled": False}}


@dataclass
class Candidate:
    process: subprocess.Popen[bytes]
    probes: str

    @property
    def identity(self) -> str:
        return f"{socket.gethostname()}-{self.process.pid}"

    def says(self, path: str) -> tuple[int, str]:
        """Status and text of a probe; 0 where nobody listens yet."""
        try:
            answer = CLIENT.get(f"http://{self.probes}{path}", timeout=5)
        except httpx.TransportError:
            return 0, ""
        return answer.status_code, answer.text


@contextmanager
def candidate(kubeconfig: Path, folder: Path) -> Iterator[Candidate]:
    probes = f"127.0.0.1:{free_port()}"
    settings = {
        **NOBODYS,
        "KUBECONFIG": str(kubeconfig),
        "FAIRLEAD_STATE_FOLDER": str(folder),
        "FAIRLEAD_LOG_ADDRESS": f"127.0.0.1:{free_port()}",
        "FAIRLEAD_HEALTH_ADDRESS": probes,
        "FAIRLEAD_LEADER_ELECTION": "true",
    }
    with folder.with_suffix(".log").open("wb") as log:
        command = [sys.executable, "-m", "fairlead"]
        process = subprocess.Popen(command, env={**os.environ, **settings}, stderr=log)
        try:
            yield Candidate(process, probes)
        finally:
            process.kill()
            process.wait()


def until(look: Callable[[], Seen], holds: Callable[[Seen], object]) -> Seen:
    deadline = time.monotonic() + PATIENCE_S
    while not holds(seen := look()):
        assert time.monotonic() < deadline, f"last seen: {seen}"
        time.sleep(0.1)  # poll
    return seen


@dataclass
class Seat:
    """What both candidates sit at, as a person sees it."""

    server: ControlPlane

    def holder(self) -> str:
        lease = self.server.objects.find("lease", "fairlead-operator", SYSTEM)
        return str(lease["spec"].get("holderIdentity", "")) if lease else ""

    def echo_version(self) -> str:
        found = self.server.objects.find("configmap", ECHO, SYSTEM)
        return str(found["metadata"]["resourceVersion"]) if found else ""

    def apply(self, name: str) -> None:
        head = {"apiVersion": "fairlead.dev/v1alpha1", "kind": "Webservice"}
        manifest = {**head, "metadata": {"name": name}, "spec": SERVICE}
        self.server.run_kubectl("apply", "-n", NAMESPACE, "-f", "-", text=json.dumps(manifest))

    def reason(self, name: str) -> str:
        service = self.server.objects.get("webservice", name, NAMESPACE)
        conditions = service["status"]["conditions"]
        return str(next(one["reason"] for one in conditions if one["type"] == "Ready"))


@pytest.fixture
def seat(api_server: ControlPlane) -> Iterator[Seat]:
    api_server.run_kubectl("create", "namespace", NAMESPACE)
    yield Seat(api_server)
    api_server.run_kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def test_a_standby_waits_in_good_health_and_takes_over_from_a_killed_leader(
    api_server: ControlPlane, seat: Seat, tmp_path: Path
) -> None:
    kubeconfig = grant(api_server.run_kubectl, places().checkout, tmp_path / "kubeconfig")
    with candidate(kubeconfig, tmp_path / "one") as one:
        until(lambda: one.says("/readyz"), GOOD.__eq__)
        assert until(seat.holder, bool) == one.identity
        echo = until(seat.echo_version, bool)
        with candidate(kubeconfig, tmp_path / "two") as two:
            until(lambda: two.says("/readyz"), GOOD.__eq__)
            assert two.says("/healthz") == GOOD
            seat.apply("first")
            until(lambda: seat.reason("first"), lambda seen: seen != "Pending")
            assert seat.holder() == one.identity
            one.process.kill()
            killed = time.monotonic()
            until(seat.holder, two.identity.__eq__)
            assert time.monotonic() - killed < TAKEOVER_S
            seat.apply("second")
            until(lambda: seat.reason("second"), lambda seen: seen != "Pending")
            until(seat.echo_version, lambda version: version != echo)
            assert two.says("/healthz") == GOOD
            assert 'fairlead_objects{kind="Webservice"' in two.says("/metrics")[1]
            two.process.terminate()
            assert two.process.wait(timeout=PATIENCE_S) == 0
            assert seat.holder() == ""
