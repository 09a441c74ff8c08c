"""An API server without nodes, and Traefik that serves what Ingresses and HTTPRoutes there say."""

import json
import os
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from fairlead.api.refs import Manifest
from tests.cluster import golang
from tests.cluster.places import places
from tests.cluster.programs import MONITORING_MODULE, program_path, source_of
from tests.integration.scoring.service import DEADLINE_S, free_port, wait_until

DEFINITIONS = "config/crd/standard"
TOKEN = "of-the-test"
SERVED = ("/readyz", "/apis/gateway.networking.k8s.io/v1")


class ApiServer:
    """Real, with nobody behind it: no controllers, no nodes; who calls may do everything."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    def kubectl(self, *arguments: str | Path, text: str | None = None) -> str:
        command = [program_path(places(), "kubectl"), f"--kubeconfig={self.kubeconfig}", *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def apply(self, *manifests: Manifest) -> None:
        self.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(manifests))

    def endpoints(self, name: str, namespace: str, ports: Sequence[int]) -> None:
        """Whom a Service leads to: these ports of this machine."""
        for index, port in enumerate(ports):
            self.apply(_slice(f"{name}-{index}", name, namespace, port))
        kept = {f"{name}-{index}" for index in range(len(ports))}
        selector = f"--selector=kubernetes.io/service-name={name}"
        where = ("endpointslices", f"--namespace={namespace}")
        found = json.loads(self.kubectl("get", *where, selector, "--output=json"))["items"]
        for one in {item["metadata"]["name"] for item in found} - kept:
            self.kubectl("delete", *where, one)


@dataclass(frozen=True)
class WayIn:
    """Where DNS would lead every host, and who has signed their certificates."""

    plain: int
    tls: int
    authority: Path

    def client(self) -> httpx.Client:
        trust = ssl.create_default_context(cafile=self.authority)
        return httpx.Client(verify=trust, timeout=DEADLINE_S)

    def ask(
        self, host: str, path: str, client: httpx.Client | None = None, **given: Any
    ) -> httpx.Response:
        """POST, or GET where there is no body, under TLS; the certificate must be the host's."""
        method = "POST" if "content" in given else "GET"
        headers = {"Host": host, **given.pop("headers", {})}
        known = {"headers": headers, "extensions": {"sni_hostname": host}, **given}
        url = f"https://127.0.0.1:{self.tls}{path}"
        if client is not None:
            return client.request(method, url, **known)
        with self.client() as own:
            return own.request(method, url, **known)


@contextmanager
def api_server(folder: Path) -> Iterator[ApiServer]:
    """With the definitions of the Gateway API."""
    store, peers, port = free_port(), free_port(), free_port()
    with ExitStack() as processes:
        processes.enter_context(_running(folder / "etcd.log", _etcd(folder, store, peers)))
        processes.enter_context(_running(folder / "api.log", _kube_apiserver(folder, store, port)))
        server = ApiServer(_kubeconfig(folder, port))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(verify=False, headers=headers) as client:
            wait_until(lambda: _served(client, f"https://127.0.0.1:{port}{SERVED[0]}"), "the API")
            go = golang.located(places()) or golang.install(places())
            source = source_of(go, "sigs.k8s.io/gateway-api", MONITORING_MODULE)
            server.kubectl("apply", "--server-side", "-f", source / DEFINITIONS)
            wait_until(lambda: _served(client, f"https://127.0.0.1:{port}{SERVED[1]}"), "routes")
        yield server


@contextmanager
def traefik(server: ApiServer, folder: Path, ports: tuple[int, int]) -> Iterator[None]:
    """``ports``: without TLS and with. It publishes the address of Service ``infra/traefik``."""
    ping = free_port()
    published = "infra/traefik"
    command: list[str | Path] = [
        program_path(places(), "traefik"),
        *("--global.checkNewVersion=false", "--global.sendAnonymousUsage=false", "--ping"),
        f"--entryPoints.traefik.address=127.0.0.1:{ping}",
        f"--entryPoints.web.address=127.0.0.1:{ports[0]}",
        f"--entryPoints.websecure.address=:{ports[1]}",
        "--providers.kubernetesIngress.ingressClass=traefik",
        f"--providers.kubernetesIngress.ingressEndpoint.publishedService={published}",
        f"--providers.kubernetesIngressNGINX.publishService={published}",
        "--providers.kubernetesIngressNGINX.httpEntryPoint=web",
        "--providers.kubernetesIngressNGINX.httpsEntryPoint=websecure",
        "--providers.kubernetesGateway",
    ]
    environment = {**os.environ, "KUBECONFIG": str(server.kubeconfig)}
    with _running(folder / "traefik.log", command, environment), httpx.Client() as client:
        wait_until(lambda: _served(client, f"http://127.0.0.1:{ping}/ping"), "Traefik")
        yield


def machine_address() -> str:
    """An address of this machine that is not the loopback's, which no EndpointSlice may have."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing
        return str(probe.getsockname()[0])


def _slice(name: str, service: str, namespace: str, port: int) -> Manifest:
    labels = {"kubernetes.io/service-name": service}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
        "endpoints": [{"addresses": [machine_address()], "conditions": {"ready": True}}],
    }


def _etcd(folder: Path, port: int, peers: int) -> list[str | Path]:
    own, other = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peers}"
    return [
        program_path(places(), "etcd"),
        f"--data-dir={folder / 'etcd'}",
        *(f"--listen-client-urls={own}", f"--advertise-client-urls={own}"),
        *(f"--listen-peer-urls={other}", f"--initial-advertise-peer-urls={other}"),
        f"--initial-cluster=default={other}",
    ]


def _kube_apiserver(folder: Path, store: int, port: int) -> list[str | Path]:
    """The program knows by its name which of Kubernetes' it is to be."""
    program = folder / "kube-apiserver"
    program.symlink_to(program_path(places(), "kubernetes"))
    (folder / "tokens.csv").write_text(f'{TOKEN},test,1,"system:masters"\n')
    key = folder / "accounts.key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    return [
        program,
        f"--etcd-servers=http://127.0.0.1:{store}",
        *(f"--secure-port={port}", f"--cert-dir={folder / 'certificates'}"),
        *("--authorization-mode=AlwaysAllow", f"--token-auth-file={folder / 'tokens.csv'}"),
        *("--service-account-issuer=https://test", f"--service-account-key-file={key}"),
        *(f"--service-account-signing-key-file={key}", "--service-cluster-ip-range=10.99.0.0/24"),
        "--disable-admission-plugins=ServiceAccount",
    ]


def _kubeconfig(folder: Path, port: int) -> Path:
    cluster = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
    whole = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": {"token": TOKEN}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(whole))
    return file


@contextmanager
def _running(
    log: Path, command: Sequence[str | Path], environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _served(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url, timeout=DEADLINE_S).status_code == 200
    except httpx.TransportError:
        return False
