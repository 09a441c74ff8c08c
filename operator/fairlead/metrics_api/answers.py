"""What the API server is answered, in the form of ``custom.metrics.k8s.io``. Pure.

https://github.com/kubernetes/metrics/tree/master/pkg/apis/custom_metrics
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fairlead.api.meta import API_VERSION, WEBSERVICE
from fairlead.evidence import Answering
from fairlead.metrics_api.demand import Measures

GROUP = "custom.metrics.k8s.io"
VERSIONS = ("v1beta2", "v1beta1")  # the first is registered; older clients ask for the other
RESOURCE = WEBSERVICE.crd_name
DEMAND = "fairlead_demand_concurrency"
MEASURES = "fairlead_measures"
"""All of them together, as one list: for Fairlead's operator."""
MILLI = 1000
Content = dict[str, Any]


def values(measured: Measures | None, answering: Answering) -> Mapping[str, float]:
    """Every metric by its name, but those that are unknown; no ``Measures``: only who answers."""
    pods = {"fairlead_pods_asked": answering.asked, "fairlead_pods_silent": answering.silent}
    if measured is None:
        return {name: float(number) for name, number in pods.items() if answering.asked}
    known = {
        DEMAND: measured.demand,
        "fairlead_busy": measured.busy,
        "fairlead_queue_length": measured.queued,
        "fairlead_utilization_percent": measured.utilization_percent,
        "fairlead_requests_per_second": measured.requests_per_second,
        "fairlead_refused_per_minute": measured.refused_per_minute,
        "fairlead_refused_share": measured.refused_share,
        "fairlead_run_seconds_p95": measured.run_seconds_p95,
        **pods,
    }
    return {name: value for name, value in known.items() if value is not None}


METRICS = (
    DEMAND,
    "fairlead_busy",
    "fairlead_queue_length",
    "fairlead_utilization_percent",
    "fairlead_requests_per_second",
    "fairlead_refused_per_minute",
    "fairlead_refused_share",
    "fairlead_run_seconds_p95",
    "fairlead_pods_asked",
    "fairlead_pods_silent",
    MEASURES,
)


def quantity(value: float) -> str:
    """A ``resource.Quantity``, in thousandths where it is no whole number."""
    milli = round(value * MILLI)
    return f"{milli}m" if milli % MILLI else str(milli // MILLI)


def api_group() -> Content:
    versions = [{"groupVersion": f"{GROUP}/{one}", "version": one} for one in VERSIONS]
    preferred = {"preferredVersion": versions[0]}
    return {"kind": "APIGroup", "apiVersion": "v1", "name": GROUP, "versions": versions} | preferred


def resources(version: str) -> Content:
    resource = {"singularName": "", "namespaced": True, "kind": "MetricValueList", "verbs": ["get"]}
    names = [{"name": f"{RESOURCE}/{metric}", **resource} for metric in METRICS]
    head = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{GROUP}/{version}"}
    return {**head, "resources": names}


def metric_values(version: str, items: Sequence[Content]) -> Content:
    head = {"kind": "MetricValueList", "apiVersion": f"{GROUP}/{version}", "metadata": {}}
    return {**head, "items": list(items)}


def metric_value(
    version: str, webservice: tuple[str, str], metric: str, value: float, at: datetime
) -> Content:
    """One value of a Webservice (namespace, name); the two versions name some fields otherwise."""
    namespace, name = webservice
    described = {
        "kind": WEBSERVICE.kind,
        "namespace": namespace,
        "name": name,
        "apiVersion": API_VERSION,
    }
    timestamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    common = {"describedObject": described, "timestamp": timestamp, "value": quantity(value)}
    if version == VERSIONS[0]:
        return {**common, "metric": {"name": metric, "selector": None}, "windowSeconds": 0}
    return {**common, "metricName": metric, "selector": None, "window": 0}


def failure(code: int, reason: str, message: str) -> Content:
    """A ``metav1.Status``."""
    head = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return {**head, "message": message, "reason": reason, "code": code}
