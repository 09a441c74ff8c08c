"""Requests through a real controller, as what Fairlead makes tells it: hosts, TLS, time, size.

Traefik serves Ingresses of a class of its own, Ingresses with the annotations of ingress-nginx, and
HTTPRoutes; behind it are real fronts and runtimes. No node is there: the tests say to which ports
of this machine a Service leads. `make ingress` runs it, for Traefik takes minutes to build.
"""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from fairlead.api.objects import Webservice
from fairlead.api.refs import Manifest
from fairlead.desired.exposure import Granted, http_route, ingress
from fairlead.desired.request_limits import RequestLimits
from fairlead.desired.service import service
from tests.cluster.ports import free_port
from tests.control_plane import ControlPlane
from tests.haproxy import FrontProcess
from tests.integration.registry.certificates import make_certificates
from tests.integration.scoring.conftest import Serve
from tests.integration.scoring.ingress import WayIn, api_server, lead, traefik
from tests.integration.scoring.service import Service, wait_until
from tests.integration.scoring.test_front import PARAMETERS
from tests.unit.objects import webservice

pytestmark = pytest.mark.long

SCRIPT = """\
import json
import time


def init():
    pass


def run(data):
    time.sleep(json.loads(data).get("seconds", 0))
    return len(data)
"""
SPACE = "team-a"
PATHS = {"nginx": "/api/v1/service/nginx", "traefik": "", "route": "/credit"}
BODY_MB, MEGABYTE = 20, 1 << 20
LIMITS = RequestLimits(slots=3, queue_wait_ms=20_000, scoring_timeout_ms=90_000, body_mb=BODY_MB)
KEY = {"Authorization": "Bearer open-sesame", "Content-Type": "application/json"}
LONGER_THAN_A_MINUTE_S = 65
LEARNED_S = 5.0  # until a controller knows of an address: as long as a front waits before it ends
IN_PLAIN_TEXT = (308, 404)
TOO_LARGE = (413, 502)  # a HAProxy before 3.0 closes before a proxy has sent all, and read the 413


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with api_server(tmp_path_factory.mktemp("api")) as running:
        yield running


@pytest.fixture(scope="module")
def way(server: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WayIn]:
    """Everything that whoever runs a cluster, and the operator, would have put there."""
    folder = tmp_path_factory.mktemp("way")
    certificates = make_certificates(folder / "tls", f"*.{SPACE}.example.com")
    ports = free_port(), free_port()
    server.apply(*cluster_objects(ports[1]))
    balanced = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}}
    where = ("service", "traefik", "--namespace=infra", "--subresource=status", "--type=merge")
    server.run_kubectl("patch", *where, "-p", json.dumps(balanced))
    for namespace in ("infra", SPACE):
        files = (f"--cert={certificates}/server.crt", f"--key={certificates}/server.key")
        server.run_kubectl("create", "secret", "tls", "tls", f"--namespace={namespace}", *files)
    server.apply(*webservice_objects())
    with traefik(server, folder, ports):
        yield WayIn(*ports, certificates / "ca.crt")


def cluster_objects(port: int) -> list[Manifest]:
    listener = {
        **{"name": "https", "protocol": "HTTPS", "port": port},
        "tls": {"certificateRefs": [{"name": "tls"}]},
        "allowedRoutes": {"namespaces": {"from": "All"}},
    }
    return [
        *(made("v1", "Namespace", name, None) for name in ("infra", SPACE)),
        made("v1", "Service", "traefik", {"type": "LoadBalancer", "ports": [{"port": 443}]}),
        ingress_class("nginx", "k8s.io/ingress-nginx"),
        ingress_class("traefik", "traefik.io/ingress-controller"),
        made(
            "gateway.networking.k8s.io/v1",
            "GatewayClass",
            "traefik",
            {"controllerName": "traefik.io/gateway-controller"},
        ),
        made(
            "gateway.networking.k8s.io/v1",
            "Gateway",
            "public",
            {"gatewayClassName": "traefik", "listeners": [listener]},
        ),
    ]


def ingress_class(name: str, controller: str) -> Manifest:
    return made("networking.k8s.io/v1", "IngressClass", name, {"controller": controller})


def made(version: str, kind: str, name: str, spec: Manifest | None) -> Manifest:
    """In namespace infra, where it has one."""
    metadata = {"name": name}
    if kind in ("Service", "Gateway"):
        metadata["namespace"] = "infra"
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": metadata,
        **({"spec": spec} if spec else {}),
    }


def webservice_objects() -> list[Manifest]:
    """One Webservice for each way that a host can lead to it."""
    tls = {"type": "Ingress", "tls": {"secretName": "tls"}}
    nginx = exposed("nginx", {**tls, "path": PATHS["nginx"]})
    own = exposed("traefik", tls)
    route = exposed("route", {"type": "HTTPRoute", "path": PATHS["route"]})
    wanted = [
        ingress(nginx, Granted("nginx", "nginx")),
        ingress(own, Granted("traefik", "traefik")),
        http_route(route, Granted(gateway="infra/public")),
        *(service(one) for one in (nginx, own, route)),
    ]
    return [applied(manifest) for manifest in wanted if manifest]


def exposed(name: str, expose: Manifest) -> Webservice:
    spec: Manifest = {
        "expose": {**expose, "host": host(name)},
        "front": {},
        "scoringTimeoutMilliseconds": LIMITS.scoring_timeout_ms,
        "environmentVariables": {"FAIRLEAD_MAX_BODY_MB": str(BODY_MB)},
    }
    return replace(webservice(**spec), name=name, namespace=SPACE)


def applied(manifest: Manifest) -> Manifest:
    """Without the owner, which is not there, and with no pods to select."""
    metadata = {k: v for k, v in manifest["metadata"].items() if k != "ownerReferences"}
    spec = {k: v for k, v in manifest["spec"].items() if k != "selector"}
    return {**manifest, "metadata": {**metadata, "namespace": SPACE}, "spec": spec}


def host(name: str) -> str:
    return f"{name}.{SPACE}.example.com"


class Behind:
    """A runtime, and the front before it, to which a Service leads."""

    def __init__(self, name: str, runtime: Service, server: ControlPlane, folder: Path) -> None:
        self.name, self._runtime, self._server, self._folder = name, runtime, server, folder
        self.fronts = [self._front()]
        self._lead_to(self.fronts)

    def roll(self) -> None:
        """As a Deployment does: the new one is ready before the old one goes."""
        self.fronts.append(self._front())
        self._lead_to(self.fronts[-2:])
        self._lead_to(self.fronts[-1:])
        time.sleep(LEARNED_S)
        self.fronts[-2].told_to_stop()

    def _front(self) -> FrontProcess:
        number = len(getattr(self, "fronts", ()))
        front = replace(PARAMETERS, service=self.name, limits=LIMITS)
        servers = [self._runtime.url.removeprefix("http://")]
        process = FrontProcess(self._folder / f"{self.name}-{number}", front, servers, outside=True)
        wait_until(lambda: process.ready_servers() == 1, "the front to see the runtime")
        return process

    def _lead_to(self, fronts: list[FrontProcess]) -> None:
        ports = [int(front.address.rpartition(":")[2]) for front in fronts]
        lead(self._server, self.name, SPACE, ports)


@pytest.fixture
def behind(
    server: ControlPlane, way: WayIn, serve: Serve, tmp_path: Path
) -> Iterator[dict[str, Behind]]:
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "primaryKey").write_text("open-sesame")
    made: dict[str, Behind] = {}
    for name, path in PATHS.items():
        runtime = serve(
            SCRIPT,
            FAIRLEAD_MAX_CONCURRENT_REQUESTS=str(LIMITS.slots),
            FAIRLEAD_MAX_BODY_MB=str(BODY_MB),
            FAIRLEAD_KEYS_DIR=str(keys),
            SCORING_TIMEOUT_MS=str(LIMITS.scoring_timeout_ms),
            SERVICE_PATH_PREFIX=path,
        )
        made[name] = Behind(name, runtime.until_ready(), server, tmp_path)
    wait_until(lambda: {scored(way, name).status_code for name in made} == {200}, "the ways in")
    yield made
    for one in made.values():
        for front in one.fronts:
            front.end()


def scored(way: WayIn, name: str, body: object = None, **given: Any) -> httpx.Response:
    content = json.dumps(body or {})
    return way.ask(host(name), f"{PATHS[name]}/score", content=content, **{"headers": KEY, **given})


def test_what_fairlead_makes_leads_to_the_service(
    server: ControlPlane, way: WayIn, behind: dict[str, Behind]
) -> None:
    for name in behind:
        path = PATHS[name]
        assert scored(way, name, headers={**KEY, "Authorization": "Bearer no"}).status_code == 401
        document = way.ask(host(name), f"{path}/swagger.json", headers=KEY)
        assert f"{path}/score" in document.json()["paths"]
        plain = f"http://127.0.0.1:{way.plain}{path}/score"
        assert httpx.post(plain, headers={"Host": host(name)}).status_code in IN_PLAIN_TEXT
        large = scored(way, name, {"x": "x" * (BODY_MB - 1) * MEGABYTE})
        assert (large.status_code, large.json()) == (200, (BODY_MB - 1) * MEGABYTE + 9)
        assert scored(way, name, {"x": "x" * BODY_MB * MEGABYTE}).status_code in TOO_LARGE
    v1 = "/api/v1/service/traefik/score"
    assert way.ask(host("traefik"), v1, content="{}", headers=KEY).status_code == 200
    where = (f"--namespace={SPACE}", "--output=json")
    for one in json.loads(server.run_kubectl("get", "ingress", *where))["items"]:
        assert one["status"]["loadBalancer"]["ingress"] == [{"ip": "192.0.2.7"}]
    [route] = json.loads(server.run_kubectl("get", "httproute", *where))["items"]
    [parent] = route["status"]["parents"]
    truths = {c["type"]: c["status"] for c in parent["conditions"]}
    assert truths == {"Accepted": "True", "ResolvedRefs": "True"}


def test_no_request_is_lost_while_fronts_roll_and_one_takes_longer_than_a_minute(
    way: WayIn, behind: dict[str, Behind]
) -> None:
    with ThreadPoolExecutor(16) as threads:
        slow = {"seconds": LONGER_THAN_A_MINUTE_S}
        long = [threads.submit(scored, way, name, slow) for name in PATHS]
        with asking(threads, way) as clients:
            for _ in range(2):
                list(threads.map(Behind.roll, behind.values()))
            time.sleep(LEARNED_S)
        answers = [client.result() for client in clients]
        assert [one for answer in answers for one in answer if one != "200"] == []
        assert all(len(answer) > 50 for answer in answers)
        assert [one.result().status_code for one in long] == [200] * len(PATHS)


@contextmanager
def asking(threads: ThreadPoolExecutor, way: WayIn) -> Iterator[list[Future[list[str]]]]:
    """A client of each that keeps its connection, until the block ends; the codes, or failures."""
    stop = threading.Event()

    def ask(name: str) -> list[str]:
        answers = []
        with way.client() as client:
            while not stop.is_set():
                try:
                    answers.append(str(scored(way, name, client=client).status_code))
                except httpx.TransportError as error:
                    answers.append(repr(error))
                time.sleep(0.02)
        return answers

    clients = [threads.submit(ask, name) for name in PATHS]
    try:
        yield clients
    finally:
        stop.set()
