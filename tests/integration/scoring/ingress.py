"""An API server without nodes, and Traefik that serves what Ingresses and HTTPRoutes there say."""

import json
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from fairlead.api.refs import Manifest
from tests.cluster import golang
from tests.cluster.places import places
from tests.cluster.ports import free_port
from tests.cluster.programs import MONITORING_MODULE, program_path, source_of
from tests.control_plane import ControlPlane, control_plane, running
from tests.integration.scoring.service import DEADLINE_S, wait_until

DEFINITIONS = "config/crd/standard"


def lead(server: ControlPlane, name: str, namespace: str, ports: Sequence[int]) -> None:
    """Have a Service lead to these ports of this machine, and nowhere else."""
    for index, port in enumerate(ports):
        server.apply(_slice(f"{name}-{index}", name, namespace, port))
    kept = {f"{name}-{index}" for index in range(len(ports))}
    selector = f"--selector=kubernetes.io/service-name={name}"
    where = ("endpointslices", f"--namespace={namespace}")
    found = json.loads(server.run_kubectl("get", *where, selector, "--output=json"))["items"]
    for one in {item["metadata"]["name"] for item in found} - kept:
        server.run_kubectl("delete", *where, one)


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
def api_server(folder: Path) -> Iterator[ControlPlane]:
    """With the definitions of the Gateway API, and nobody behind it: no controllers, no nodes."""
    with control_plane(folder) as plane:
        go = golang.located(places()) or golang.install(places())
        source = source_of(go, "sigs.k8s.io/gateway-api", MONITORING_MODULE)
        plane.run_kubectl("apply", "--server-side", "-f", source / DEFINITIONS)
        plane.run_kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        yield plane


@contextmanager
def traefik(server: ControlPlane, folder: Path, ports: tuple[int, int]) -> Iterator[None]:
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
    environment = {"KUBECONFIG": str(server.kubeconfig)}
    with running(folder / "traefik.log", command, environment), httpx.Client() as client:
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


def _served(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url, timeout=DEADLINE_S).status_code == 200
    except httpx.TransportError:
        return False
