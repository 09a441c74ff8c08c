"""Whom to ask: of the cache's Webservices and pods, those that are ready. Pure."""

import ipaddress
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairlead.api.meta import COMPONENT, FRONT, OWNED_BY_WEBSERVICE, SCORING
from fairlead.api.objects import Webservice, read_webservice
from fairlead.api.refs import Manifest
from fairlead.desired.front import FRONT_SUFFIX
from fairlead.desired.front_configuration import METRICS_PORT
from fairlead.desired.request_limits import request_limits
from fairlead.errors import OperatorError
from fairlead.images.layout import PORT
from fairlead.metrics_api.sample import FRONT_PATH, POD_PATH

MAX_ASKED = 32  # pods of one Webservice in one round; they stand for the others
METRICS_PORT_VARIABLE = "FAIRLEAD_METRICS_PORT"
TEMPLATE_HASH = "pod-template-hash"


@dataclass(frozen=True)
class Target:
    """A pod that is ready. Nothing that a user wrote is in it but a port."""

    uid: str
    address: str
    port: int
    path: str

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self.address else socket.AF_INET

    @property
    def question(self) -> bytes:
        """The request, as it is sent."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        lines = (
            f"GET {self.path} HTTP/1.1",
            f"Host: {host}:{self.port}",
            "Accept-Encoding: identity",
            "Connection: close",
        )
        return "\r\n".join((*lines, "", "")).encode("ascii")


@dataclass(frozen=True)
class Service:
    """A Webservice, as far as it is measured; ``fronted``: there may be a front, whose pods tell;
    ``metrics_port`` is that of its replicas."""

    slots: int
    fronted: bool
    metrics_port: int


def project_service(manifest: Manifest) -> Any:
    """What is kept of a Webservice; None where it is none that can be read."""
    try:
        webservice = read_webservice(manifest)
    except OperatorError:
        return None
    fronted = webservice.spec.may_be_fronted
    return [request_limits(webservice).slots, fronted, _metrics_port(webservice)]


def project_target(manifest: Manifest) -> Any:
    """What is kept of a pod: uid, component, address; None where it is not ready, or is no replica
    of the Deployment that its labels are of."""
    meta, status = manifest["metadata"], manifest.get("status") or {}
    component = (meta.get("labels") or {}).get(COMPONENT)
    address = str(status.get("podIP") or "")
    ready = any(
        one.get("type") == "Ready" and one.get("status") == "True"
        for one in status.get("conditions") or ()
    )
    leaving = meta.get("deletionTimestamp") is not None
    if leaving or not ready or not _is_address(address) or not _is_ours(manifest):
        return None
    return [str(meta.get("uid", "")), component, address]


def targets(service: Service, pods: Sequence[Any]) -> tuple[str, list[Target]]:
    """Of the projections of its pods: the fronts that are ready, else the replicas."""
    fronts = of_component(service, pods, FRONT) if service.fronted else []
    return (FRONT, fronts) if fronts else (SCORING, of_component(service, pods, SCORING))


def of_component(service: Service, pods: Sequence[Any], component: str) -> list[Target]:
    """By uid, so that it is the same ones that are asked each time; each address once."""
    front = component == FRONT
    port, path = (METRICS_PORT, FRONT_PATH) if front else (service.metrics_port, POD_PATH)
    found = sorted((pod for pod in pods if pod is not None and pod[1] == component), reverse=True)
    by_address = {address: uid for uid, _, address in found}
    return [Target(uid, ip, port, path) for ip, uid in reversed(by_address.items())]


def _metrics_port(webservice: Webservice) -> int:
    """Where the runtime's metrics are, unless the image itself says otherwise."""
    variables = webservice.spec.environment_variables or {}
    return int(variables.get(METRICS_PORT_VARIABLE, PORT))


def _is_ours(manifest: Manifest) -> bool:
    """Whether a ReplicaSet of the Webservice's Deployment controls it: labels alone are written by
    anybody. A pod in the network of its node is none: what answers there is another's."""
    meta = manifest["metadata"]
    labels = meta.get("labels") or {}
    suffix = {SCORING: "", FRONT: FRONT_SUFFIX}.get(str(labels.get(COMPONENT)))
    if suffix is None or (manifest.get("spec") or {}).get("hostNetwork"):
        return False
    owner = labels.get(OWNED_BY_WEBSERVICE)
    return _controller(meta) == ("ReplicaSet", f"{owner}{suffix}-{labels.get(TEMPLATE_HASH)}")


def _controller(meta: Mapping[str, Any]) -> tuple[str, str] | None:
    for one in meta.get("ownerReferences") or ():
        if one.get("controller"):
            return str(one.get("kind")), str(one.get("name"))
    return None


def _is_address(text: str) -> bool:
    """Of a pod; not of what only its node reaches."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return False
    plain = (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found
    return not (
        plain.is_loopback or plain.is_link_local or plain.is_multicast or plain.is_unspecified
    )
