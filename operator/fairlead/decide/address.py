"""Where a service is reached: an address that opens from outside where ``expose`` allows it."""

from collections.abc import Iterable

from fairlead.api.objects import Manifest
from fairlead.api.webservice import ExposeType

SCORE, SWAGGER = "/score", "/swagger.json"


def base_uri(service: Manifest, node_addresses: Iterable[str], external_host: str) -> str:
    """Return the address of ``service`` as it is in the cluster, without a path.

    A NodePort opens on ``external_host`` if that is set, else on the first of ``node_addresses``;
    where no outside address is known (yet) the Service's name inside the cluster is returned.
    """
    kind = service["spec"].get("type")
    if kind == ExposeType.NODE_PORT:
        port = service["spec"]["ports"][0].get("nodePort")
        host = external_host or next(iter(node_addresses), "")
        if host and port:
            return f"http://{_bracketed(host)}:{port}"
    if kind == ExposeType.LOAD_BALANCER:
        ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}]
        host = ingress[0].get("hostname") or ingress[0].get("ip") or ""
        if host:
            return f"http://{_bracketed(host)}"
    meta = service["metadata"]
    return f"http://{meta['name']}.{meta['namespace']}.svc"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
