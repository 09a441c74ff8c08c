"""Whom to ask: of the cache's Webservices and pods, those that are ready. Pure."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fairlead.api.meta import COMPONENT, FRONT, SCORING
from fairlead.api.objects import Webservice, read_webservice
from fairlead.api.refs import Manifest
from fairlead.desired.front_configuration import METRICS_PORT
from fairlead.desired.request_limits import request_limits
from fairlead.errors import OperatorError
from fairlead.images.layout import PORT
from fairlead.metrics_api.sample import FRONT_PATH, POD_PATH

MAX_ASKED = 32  # pods of one Webservice in one round; they stand for the others
METRICS_PORT_VARIABLE = "FAIRLEAD_METRICS_PORT"


@dataclass(frozen=True)
class Target:
    """A pod that is ready. ``url`` is of its address alone: nothing that a user wrote is in it but
    a port."""

    uid: str
    url: str


@dataclass(frozen=True)
class Service:
    """A Webservice, as far as it is measured; ``metrics_port`` is that of its replicas."""

    slots: int
    fronted: bool
    metrics_port: int


def project_service(manifest: Manifest) -> Any:
    """What is kept of a Webservice; None where it is none that can be read."""
    try:
        webservice = read_webservice(manifest)
    except OperatorError:
        return None
    fronted = webservice.spec.fronted is not None
    return [request_limits(webservice).slots, fronted, _metrics_port(webservice)]


def project_target(manifest: Manifest) -> Any:
    """What is kept of a pod: uid, component, address; None where it is not ready."""
    meta, status = manifest["metadata"], manifest.get("status") or {}
    component = (meta.get("labels") or {}).get(COMPONENT)
    address = str(status.get("podIP") or "")
    ready = any(
        one.get("type") == "Ready" and one.get("status") == "True"
        for one in status.get("conditions") or ()
    )
    leaving = meta.get("deletionTimestamp") is not None
    if leaving or not ready or component not in (SCORING, FRONT) or not _is_address(address):
        return None
    return [str(meta.get("uid", "")), component, address]


def targets(service: Service, pods: Sequence[Any]) -> tuple[str, list[Target]]:
    """Of the projections of its pods: the fronts that are ready, else the replicas."""
    fronts = of_component(service, pods, FRONT) if service.fronted else []
    return (FRONT, fronts) if fronts else (SCORING, of_component(service, pods, SCORING))


def of_component(service: Service, pods: Sequence[Any], component: str) -> list[Target]:
    """By uid, so that it is the same ones that are asked each time."""
    front = component == FRONT
    port, path = (METRICS_PORT, FRONT_PATH) if front else (service.metrics_port, POD_PATH)
    found = [pod for pod in pods if pod is not None and pod[1] == component]
    return [Target(uid, f"http://{_host(ip)}:{port}{path}") for uid, _, ip in sorted(found)]


def _metrics_port(webservice: Webservice) -> int:
    """Where the runtime's metrics are, unless the image itself says otherwise."""
    variables = webservice.spec.environment_variables or {}
    return int(variables.get(METRICS_PORT_VARIABLE, PORT))


def _is_address(text: str) -> bool:
    try:
        return not ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
