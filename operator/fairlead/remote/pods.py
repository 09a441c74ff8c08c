"""The pods of a service: which there are, and which one takes requests."""

from collections.abc import Iterator, Mapping
from typing import Any

from fairlead.api.failure_class import FailureClass
from fairlead.api.meta import COMPONENT, OWNED_BY_WEBSERVICE, SCORING
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest, Ref
from fairlead.local.errors import refusal
from fairlead.remote.client import Client
from fairlead.remote.state import mapping, mappings
from fairlead.remote.targets import Target


def scoring_pods(client: Client, target: Target) -> list[Manifest]:
    """All replicas, the oldest first."""
    selector = f"{OWNED_BY_WEBSERVICE}={target.name},{COMPONENT}={SCORING}"
    found = client.items(Ref("v1", "pods", target.namespace), labelSelector=selector)
    return sorted(found, key=lambda pod: str(mapping(pod["metadata"]).get("creationTimestamp")))


def is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = mappings(mapping(pod.get("status")).get("conditions"))
    leaving = mapping(pod.get("metadata")).get("deletionTimestamp")
    ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
    return ready and not leaving


def own_service(client: Client, target: Target, webservice: Manifest) -> Manifest | None:
    """The Service that the operator made for ``webservice``; None where another one has its name,
    or none. Raises ``LocalError``."""
    found = client.get(Ref("v1", "services", target.namespace, target.name))
    uid = mapping(webservice.get("metadata")).get("uid")
    owners = mappings(mapping((found or {}).get("metadata")).get("ownerReferences"))
    owned = any(one.get("controller") and one.get("uid") == uid for one in owners)
    return found if uid and owned else None


def entrance(client: Client, target: Target, webservice: Manifest) -> tuple[str, int]:
    """A ready pod behind the service's own Service, and the port that takes requests there.

    Raises ``LocalError`` where there is none.
    """
    service = own_service(client, target, webservice)
    spec = mapping((service or {}).get("spec"))
    selector = mapping(spec.get("selector"))
    ports = mappings(spec.get("ports"))
    if selector and ports:
        wanted = ",".join(f"{name}={value}" for name, value in selector.items())
        pods = client.items(Ref("v1", "pods", target.namespace), labelSelector=wanted)
        for pod in filter(is_ready, pods):
            port = _number(pod, ports[0].get("targetPort"))
            if port:
                return str(mapping(pod.get("metadata")).get("name")), port
    raise refusal(
        Reason.SERVICE_NOT_RUNNING,
        f"No replica of '{target.name}' is ready.",
        f"See why: fairlead describe {target.name}; or wait for it: fairlead wait {target.name}.",
        FailureClass.INFRASTRUCTURE,
    )


def _number(pod: Mapping[str, Any], port: object) -> int:
    """The number of a port that may be named; 0 where the pod has none of the name."""
    if isinstance(port, int):
        return port
    for container in containers(pod):
        for one in mappings(container.get("ports")):
            if one.get("name") == port and isinstance(one.get("containerPort"), int):
                return int(one["containerPort"])
    return 0


def containers(pod: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from mappings(mapping(pod.get("spec")).get("containers"))
