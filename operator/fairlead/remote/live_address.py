"""Which addresses the live Service of a Webservice has.

A status is written by whoever may write it: a key that was read as this person goes to no address
that the status alone names.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from fairlead.api.refs import Manifest
from fairlead.remote.client import Client
from fairlead.remote.pods import own_service, scoring_pods
from fairlead.remote.state import mapping, mappings
from fairlead.remote.targets import Target

SCORE = "/score"
PORT = 80


def is_live(client: Client, target: Target, webservice: Manifest, uri: str) -> bool:
    """Whether ``uri`` leads to the Service that the operator made for ``webservice``.

    Not known of a node's name outside of the cluster, which a setting of the operator may give.
    Raises ``LocalError`` where this person may not read Services.
    """
    if not uri.startswith("http://") or not uri.endswith(SCORE):
        return False
    service = own_service(client, target, webservice)
    kind = mapping((service or {}).get("spec")).get("type")
    if service is None or kind not in ("NodePort", "LoadBalancer"):
        return False
    pods = scoring_pods(client, target) if kind == "NodePort" else []
    return uri in set(addresses(service, pods))


def addresses(service: Mapping[str, Any], pods: list[Manifest]) -> Iterator[str]:
    """Of the nodes that ``pods`` are on, or of the load balancer."""
    spec = mapping(service.get("spec"))
    port = next(iter(mappings(spec.get("ports"))), mapping(None))
    if spec.get("type") == "NodePort" and port.get("nodePort"):
        for pod in pods:
            host = str(mapping(pod.get("status")).get("hostIP") or "")
            if host:
                yield f"http://{_bracketed(host)}:{port['nodePort']}{SCORE}"
    if spec.get("type") == "LoadBalancer" and port.get("port") == PORT:
        balancer = mapping(mapping(service.get("status")).get("loadBalancer"))
        for one in mappings(balancer.get("ingress")):
            host = str(one.get("hostname") or one.get("ip") or "")
            if host:
                yield f"http://{_bracketed(host)}{SCORE}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
