"""The address under which a Webservice is scored, as far as its Service says it."""

from collections.abc import Iterable

from fairlead.api.refs import Manifest
from fairlead.api.webservice import ExposeType
from fairlead.evidence import ChildEvidence

SCORE, SWAGGER = "/score", "/swagger.json"


def base_uri(service: ChildEvidence, node_addresses: Iterable[str], external_host: str) -> str:
    """Return the address of ``service`` as it is in the cluster, without a path.

    A NodePort opens on ``external_host`` if that is set, else on the first of ``node_addresses``;
    where no outside address is known (yet) the Service's name inside the cluster is returned.
    """
    kind, host = service.spec.get("type"), ""
    if kind == ExposeType.NODE_PORT:
        port = _first(service.spec.get("ports")).get("nodePort")
        host = external_host or next(iter(node_addresses), "")
        if host and port:
            return f"http://{_bracketed(host)}:{port}"
    if kind == ExposeType.LOAD_BALANCER and (host := balancer_address(service)):
        return f"http://{_bracketed(host)}"
    return f"http://{service.metadata['name']}.{service.metadata['namespace']}.svc"


def pending_address(service: ChildEvidence | None) -> str:
    """What is to be said of a load balancer without an address (yet); empty where it has one."""
    if (
        service is None
        or service.spec.get("type") != ExposeType.LOAD_BALANCER
        or balancer_address(service)
    ):
        return ""
    return (
        " The load balancer has no address yet: until it has one, the service is reached from "
        f"inside the cluster alone (see `kubectl describe service {service.metadata['name']}`)."
    )


def balancer_address(service: ChildEvidence) -> str:
    """The address of a Service's load balancer, or of an Ingress; empty while it has none."""
    ingress = _first(service.status.get("loadBalancer", {}).get("ingress"))
    return str(ingress.get("hostname") or ingress.get("ip") or "")


def _first(items: list[Manifest] | None) -> Manifest:
    return items[0] if items else {}


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
