"""What one tenant's Ingress does to another's at a real controller, whatever their hosts: why one
of two Services that are called the same is exposed, and what docs/exposure.md says of certificates.
`make ingress` runs it.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from fairlead.api.refs import Manifest
from fairlead.desired.exposure import Granted, called, ingress
from fairlead.desired.service import service
from tests.cluster.ports import free_port
from tests.control_plane import ControlPlane
from tests.integration.registry.certificates import make_certificates
from tests.integration.scoring.ingress import WayIn, api_server, lead, traefik
from tests.integration.scoring.service import wait_until
from tests.integration.scoring.test_ingress_controller import applied, ingress_class, made
from tests.unit.objects import webservice

pytestmark = pytest.mark.long

CLASSES = {"traefik": "traefik.io/ingress-controller", "nginx": "k8s.io/ingress-nginx"}
ALIKE = (("demo", "credit-risk"), ("demo-credit", "risk"))
APART = ("other", "credit")


@pytest.fixture
def ingress_server(tmp_path: Path) -> Iterator[ControlPlane]:
    with api_server(tmp_path) as running:
        yield running


@contextmanager
def answering(words: str) -> Iterator[int]:
    """A port where every request is answered with these words."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(words)))
            self.end_headers()
            self.wfile.write(words.encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("0.0.0.0", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running.server_address[1]
        running.shutdown()


def host(namespace: str, name: str) -> str:
    return f"{name}.{namespace}.example.com"


@pytest.mark.parametrize("controller", CLASSES)
def test_of_two_services_that_are_called_the_same_one_is_served_alone(
    ingress_server: ControlPlane, tmp_path: Path, controller: str
) -> None:
    """Whoever asks for the other gets an answer of the first, or none."""
    ports = free_port(), free_port()
    with ExitStack() as stack:

        def offer(*services: tuple[str, str]) -> None:
            prepare(ingress_server, controller, *services)
            for space, name in services:
                behind = stack.enter_context(answering(f"{space}/{name}"))
                lead(ingress_server, name, space, [behind])

        offer(*ALIKE)
        stack.enter_context(traefik(ingress_server, tmp_path, ports))
        client = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{ports[0]}"))

        def served(space: str, name: str) -> bool:
            answer = client.get("/", headers={"Host": host(space, name)})
            return answer.text == f"{space}/{name}"

        wait_until(lambda: any(served(*one) for one in ALIKE), "a way in")
        offer(APART)  # what is known of the last is known of all that were there before
        wait_until(lambda: served(*APART), "the other way in")
        assert len({called(*one) for one in ALIKE}) == 1
        assert [served(*one) for one in ALIKE].count(True) == 1


def test_traefik_serves_the_certificate_of_whoever_comes_first_by_name(
    ingress_server: ControlPlane, tmp_path: Path
) -> None:
    """For the same names: those of another namespace's host, in a Secret of its own."""
    ours, theirs = ("demo", "credit"), ("another", "risk")
    ports, tls = (free_port(), free_port()), {"secretName": "tls"}
    prepare(ingress_server, "traefik", ours, theirs, tls=tls)
    signed = {
        space: make_certificates(tmp_path / space, f"*.{ours[0]}.example.com")
        for space in (ours[0], theirs[0])
    }
    for space, folder in signed.items():
        files = (f"--cert={folder}/server.crt", f"--key={folder}/server.key")
        where = ("tls", f"--namespace={space}")
        ingress_server.run_kubectl("create", "secret", "tls", *where, *files)
    with ExitStack() as stack:
        for space, name in (ours, theirs):
            behind = stack.enter_context(answering(f"{space}/{name}"))
            lead(ingress_server, name, space, [behind])
        stack.enter_context(traefik(ingress_server, tmp_path, ports))

        def trusted(authority: str) -> bool:
            way = WayIn(*ports, signed[authority] / "ca.crt")
            try:
                return way.ask(host(*ours), "/").text == "/".join(ours)
            except httpx.ConnectError:
                return False

        wait_until(lambda: trusted(theirs[0]), "our host under their certificate")
        assert not trusted(ours[0])


def prepare(
    server: ControlPlane, controller: str, *services: tuple[str, str], tls: Manifest | None = None
) -> None:
    """A class of Ingresses, and a Webservice's objects for each of ``services``."""
    balancer = {"type": "LoadBalancer", "ports": [{"port": 443}]}
    server.apply(
        *(made("v1", "Namespace", name, None) for name in ("infra", *dict(services))),
        made("v1", "Service", "traefik", balancer),
        ingress_class(controller, CLASSES[controller]),
        *(
            {**one, "metadata": {**one["metadata"], "namespace": space}}
            for space, name in services
            for one in objects(space, name, controller, tls)
        ),
    )


def objects(space: str, name: str, controller: str, tls: Manifest | None) -> list[Manifest]:
    expose = {"type": "Ingress", "host": host(space, name), **({"tls": tls} if tls else {})}
    one = replace(webservice(expose=expose), name=name, namespace=space)
    wanted = (ingress(one, Granted(controller, controller)), service(one))
    return [applied(manifest) for manifest in wanted if manifest]
