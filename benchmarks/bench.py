"""A cluster with the operator at work, and what every benchmark needs of it."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
import psutil
from rich.console import Console
from rich.table import Table

from fairlead.api.failure_class import FailureClass
from fairlead.api.meta import API_VERSION
from fairlead.api.refs import Manifest
from tests.cluster.cluster import Cluster
from tests.cluster.down import down
from tests.cluster.errors import ClusterError
from tests.cluster.installation import install, start_operator
from tests.cluster.places import Places
from tests.cluster.processes import alive
from tests.cluster.state import Process, forget
from tests.cluster.steps import Steps
from tests.cluster.up import up

PATIENCE = 3600.0  # seconds; 5 000 Webservices take a while
SETTINGS = {"FAIRLEAD_INSECURE_HOSTS": "127.0.0.1"}


@dataclass
class Bench:
    cluster: Cluster
    places: Places
    steps: Steps
    kubeconfig: Path
    process: Process

    @property
    def operator(self) -> psutil.Process:
        return psutil.Process(self.process.pid)

    def kill_operator(self) -> None:
        """SIGKILL, and gone."""
        self.operator.kill()
        deadline = time.monotonic() + PATIENCE
        while alive(self.process) and time.monotonic() < deadline:
            time.sleep(0.02)  # poll
        forget(self.places, self.process)

    def start_operator(self, settings: Mapping[str, str] = SETTINGS) -> None:
        self.process = start_operator(self.cluster, self.places, self.kubeconfig, settings)

    def processor_s(self) -> float:
        """What processors have worked for the cluster, its registry and an operator beside it."""
        engine = docker.from_env()
        try:
            names = [str(one.id) for one in engine.containers.list()]
            seen = [engine.api.stats(name, stream=False, one_shot=True) for name in names]
        finally:
            engine.close()
        worked_ns = [int(one["cpu_stats"]["cpu_usage"]["total_usage"]) for one in seen]
        containers = sum(worked_ns) / 1e9
        if not alive(self.process):
            return containers
        return containers + sum(self.operator.cpu_times()[:4])  # and of its tasks

    def namespace(self, name: str) -> str:
        self.cluster.run_kubectl("create", "namespace", name)
        return name

    def apply(self, namespace: str, kind: str, name: str, spec: Manifest) -> None:
        head = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}}
        text = json.dumps({**head, "spec": spec})
        self.cluster.run_kubectl("apply", "-n", namespace, "-f", "-", text=text)

    def manifest(self, namespace: str, kind: str, name: str) -> Manifest:
        seen = self.cluster.run_kubectl("get", kind, name, "-n", namespace, "-o", "json")
        return dict(json.loads(seen))

    def status(self, namespace: str, kind: str, name: str) -> Manifest:
        return dict(self.manifest(namespace, kind, name).get("status", {}))

    def until_ready(self, namespace: str, kind: str, name: str, field: str, old: object) -> float:
        """Wait until ``status.<field>`` is there and not ``old``; return the seconds it took.

        Raises ``ClusterError`` where it fails by what it was given.
        """
        started = time.monotonic()
        place = f"/apis/{API_VERSION}/namespaces/{namespace}/{kind}s"
        with self.watch(f"{place}?fieldSelector=metadata.name%3D{name}") as seen:
            for found in seen:
                status = found.get("status") or {}
                if status.get(field) not in (None, old):
                    return time.monotonic() - started
                if (status.get("failure") or {}).get("class") == FailureClass.USER:
                    raise ClusterError(f"{kind} {name}: {status['failure']['message']}")
        raise TimeoutError(f"{kind} {name} has no new {field}")

    @contextmanager
    def watch(self, collection: str) -> Iterator[Iterator[Manifest]]:
        """Objects of a collection (a path with a query) as they are, then as they change: one
        program that waits takes nothing from what is measured, as one that asks again does."""
        address = f"{collection}&watch=1&timeoutSeconds={PATIENCE:.0f}"
        connection = f"--kubeconfig={self.cluster.kubeconfig}"
        command = (self.cluster.kubectl, connection, "get", "--raw", address)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield (json.loads(line)["object"] for line in process.stdout or ())
            finally:
                process.kill()


@contextmanager
def at_work(places: Places, steps: Steps) -> Iterator[Bench]:
    cluster = up(places, steps)
    try:
        with steps.step("Operator started"):
            kubeconfig = install(cluster, places)
            process = start_operator(cluster, places, kubeconfig, SETTINGS)
        yield Bench(cluster, places, steps, kubeconfig, process)
    finally:
        down(places, steps)


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
