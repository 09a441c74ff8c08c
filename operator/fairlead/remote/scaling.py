"""`fairlead scale`: another number of replicas, or other bounds for the autoscaler. Pure."""

from collections.abc import Mapping
from typing import Any

from fairlead.api.refs import Manifest
from fairlead.remote.state import mapping, number

DEFAULT_BOUNDS = (1, 10)


def fixed(service: Mapping[str, Any], replicas: int) -> Manifest:
    """The patch for a fixed number; what the autoscaler was told stays there, for later."""
    told = mapping(service.get("spec")).get("autoscale")
    off = {"autoscale": {"enabled": False}} if told else {}
    return {"spec": {"replicas": replicas, **off}}


def bounded(service: Mapping[str, Any], least: int | None, most: int | None) -> Manifest:
    """The patch for an autoscaler between bounds; one that is not given stays as it is."""
    now_least, now_most = bounds(service)
    least_, most_ = least or now_least, most or now_most
    if least is None:
        least_ = min(least_, most_)
    if most is None:
        most_ = max(least_, most_)
    bounds_ = {"minReplicas": least_, "maxReplicas": most_, "enabled": True}
    return {"spec": {"replicas": None, "autoscale": bounds_}}


def bounds(service: Mapping[str, Any]) -> tuple[int, int]:
    autoscale = mapping(mapping(service.get("spec")).get("autoscale"))
    least = number(autoscale.get("minReplicas")) or DEFAULT_BOUNDS[0]
    return least, number(autoscale.get("maxReplicas")) or max(DEFAULT_BOUNDS[1], least)


def scales(service: Mapping[str, Any]) -> bool:
    """Whether an autoscaler has the number of replicas."""
    spec = mapping(service.get("spec"))
    enabled = mapping(spec.get("autoscale")).get("enabled", True)
    return spec.get("replicas") is None and bool(enabled) and spec.get("computeType") != "ACI"
