"""Kubernetes' own programs without a node: an API server on its etcd, and who else is asked for.

Beside a cluster it costs little and shares nothing with it, so what is tested at it runs side by
side with what is tested there. ``kube-apiserver`` alone has nobody behind it; with
``kube-controller-manager`` and ``kube-scheduler`` all happens that no node has a part in.
"""

import base64
import os
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml

from fairlead.api.refs import Manifest
from tests.cluster.command import leashed, read
from tests.cluster.objects import Objects, objects_of
from tests.cluster.places import places
from tests.cluster.ports import free_port
from tests.cluster.processes import COLLECT_LESS
from tests.cluster.programs import program_path
from tests.cluster.waiting import until

NOBODYS = {
    "FAIRLEAD_REGISTRY": "localhost:5000",
    "FAIRLEAD_DEFAULT_BASE_IMAGE": "localhost:5000/base:1",
}
"""Settings of an operator at it whose tasks, if any, are stand-ins: nobody asks what they name."""
CONTROLLERS, SCHEDULER = "kube-controller-manager", "kube-scheduler"
HOST = "127.0.0.1"
NODE_LEASES = "/api/v1/namespaces/kube-node-lease"  # the last that an API server makes by itself
PATIENCE_S = 120.0


@dataclass(frozen=True)
class ControlPlane:
    """``kubeconfig`` holds the rights of an administrator. Who calls has what RBAC gives it."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def authority(self) -> Path:
        """PEM: the certificate that the API server has made for itself, and who has signed it."""
        return self.folder / "certificates" / "apiserver.crt"

    @property
    def accounts_key(self) -> Path:
        return self.folder / "accounts.key"

    def run_kubectl(self, *arguments: str | Path, text: str | None = None) -> str:
        """What kubectl says, given ``text`` on its standard input. Raises ``ClusterError``."""
        connection = f"--kubeconfig={self.kubeconfig}"
        command = [program_path(places(), "kubectl"), connection, *arguments]
        return read(command, text=text, seconds=PATIENCE_S)

    @property
    def objects(self) -> Objects:
        """What is there, for who looks often."""
        return objects_of(self.kubeconfig)

    def apply(self, *manifests: Manifest) -> None:
        self.run_kubectl("apply", "-f", "-", text=yaml.safe_dump_all(manifests))


@contextmanager
def control_plane(folder: Path, *others: str) -> Iterator[ControlPlane]:
    """``folder`` is empty; logs are left there. ``others``: CONTROLLERS, SCHEDULER."""
    plane, token = ControlPlane(folder, free_port()), secrets.token_urlsafe()
    folder.joinpath("tokens.csv").write_text(f'{token},test,1,"system:masters"\n')
    accounts = ("openssl", "genrsa", "-out", plane.accounts_key, "2048")
    subprocess.run(accounts, check=True, capture_output=True)
    store, peers = free_port(), free_port()
    with ExitStack() as processes:
        processes.enter_context(running(folder / "etcd.log", _etcd(folder, store, peers)))
        processes.enter_context(running(folder / "api.log", _kube_apiserver(plane, store)))
        until(lambda: _serves(plane, token), bool, PATIENCE_S)
        plane.kubeconfig.write_text(yaml.safe_dump(_kubeconfig(plane, token)))
        for name in others:
            command = _controller(plane, name)
            processes.enter_context(running(folder / f"{name}.log", command))
        yield plane


@contextmanager
def running(
    log: Path, command: Sequence[str | Path], environment: dict[str, str] | None = None
) -> Iterator[None]:
    """A program that does not outlive us; what it says goes to ``log``."""
    given = {**os.environ, **COLLECT_LESS, **(environment or {})}
    with log.open("wb") as output:
        process = subprocess.Popen(
            leashed(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=given,
        )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _serves(plane: ControlPlane, token: str) -> bool:
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with httpx.Client(verify=False, headers=headers, base_url=plane.url) as client:
            return all(client.get(path).is_success for path in ("/readyz", NODE_LEASES))
    except httpx.TransportError:
        return False


def _kubernetes(folder: Path, name: str) -> Path:
    """The one program knows by its name which of Kubernetes' it is to be."""
    program = folder / name
    program.symlink_to(program_path(places(), "kubernetes"))
    return program


def _etcd(folder: Path, port: int, peers: int) -> list[str | Path]:
    own, other = f"http://{HOST}:{port}", f"http://{HOST}:{peers}"
    return [
        program_path(places(), "etcd"),
        "--unsafe-no-fsync",
        f"--data-dir={folder / 'etcd'}",
        *(f"--listen-client-urls={own}", f"--advertise-client-urls={own}"),
        *(f"--listen-peer-urls={other}", f"--initial-advertise-peer-urls={other}"),
        f"--initial-cluster=default={other}",
    ]


def _kube_apiserver(plane: ControlPlane, store: int) -> list[str | Path]:
    return [
        _kubernetes(plane.folder, "kube-apiserver"),
        f"--etcd-servers=http://{HOST}:{store}",
        *(f"--bind-address={HOST}", f"--secure-port={plane.port}"),
        f"--cert-dir={plane.authority.parent}",
        *("--authorization-mode=RBAC", f"--token-auth-file={plane.folder / 'tokens.csv'}"),
        *(
            "--service-account-issuer=https://test",
            f"--service-account-key-file={plane.accounts_key}",
        ),
        f"--service-account-signing-key-file={plane.accounts_key}",
        "--service-cluster-ip-range=10.99.0.0/16",
    ]


def _controller(plane: ControlPlane, name: str) -> list[str | Path]:
    """There is one of each, so none asks for a leader; and nobody asks them anything."""
    accounts = [
        f"--service-account-private-key-file={plane.accounts_key}",
        f"--root-ca-file={plane.authority}",
    ]
    return [
        _kubernetes(plane.folder, name),
        f"--kubeconfig={plane.kubeconfig}",
        *("--leader-elect=false", "--secure-port=0"),
        *(accounts if name == CONTROLLERS else ()),
    ]


def _kubeconfig(plane: ControlPlane, token: str) -> Manifest:
    authority = base64.b64encode(plane.authority.read_bytes()).decode()
    cluster = {"server": plane.url, "certificate-authority-data": authority}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }
