"""The HorizontalPodAutoscaler: requests against slots where the metrics API is there, else CPU."""

from fairlead.api.meta import API_VERSION, WEBSERVICE
from fairlead.api.objects import Webservice
from fairlead.api.refs import Manifest
from fairlead.api.webservice import Autoscale, ScalingMetric
from fairlead.desired.metadata import child
from fairlead.desired.request_limits import request_limits
from fairlead.evidence import NO_METRICS_API, ScalingSettings

DEMAND = "fairlead_demand_concurrency"
SCALE_DOWN_WINDOW_S = 60  # seconds; azureml-fe scales down after about a minute
STEP_S = 15  # the autoscaler's own period
TENFOLD = 900  # percent more in one step
HALF = 50  # percent less in one window
MILLI_PER_PERCENT, MILLI, PERCENT = 10, 1000, 100


def scaled_by(wanted: Autoscale, settings: ScalingSettings) -> ScalingMetric:
    """What the autoscaler goes by: CPU, too, where requests cannot be counted."""
    counted = settings.installed and not settings.taken_by
    asked = wanted.metric is not ScalingMetric.CPU
    return ScalingMetric.CONCURRENCY if asked and counted else ScalingMetric.CPU


def autoscaler(
    webservice: Webservice, settings: ScalingSettings = NO_METRICS_API
) -> Manifest | None:
    """Return the autoscaler, or None where the number of replicas is fixed."""
    wanted = webservice.spec.autoscaled
    if wanted is None:
        return None
    counted = scaled_by(wanted, settings) is ScalingMetric.CONCURRENCY
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": webservice.name},
        "minReplicas": max(wanted.min_replicas, floor_of(wanted, settings)),
        "maxReplicas": wanted.max_replicas,
        "metrics": [_demand(webservice, wanted) if counted else _cpu(wanted)],
        "behavior": _behavior(wanted, settings) if counted else {"scaleDown": _down_window()},
    }
    return child(webservice, "autoscaling/v2", "HorizontalPodAutoscaler", spec)


def floor_of(wanted: Autoscale, settings: ScalingSettings) -> int:
    """The fewest replicas while there is a spike; 0: there is none."""
    return min(settings.floor, wanted.max_replicas) if wanted.fast_lane else 0


def requests_of_each(webservice: Webservice, wanted: Autoscale) -> float:
    """How many requests each replica is to have at a time."""
    return wanted.target_utilization * request_limits(webservice).slots / PERCENT


def _cpu(wanted: Autoscale) -> Manifest:
    target = {"type": "Utilization", "averageUtilization": wanted.target_utilization}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _demand(webservice: Webservice, wanted: Autoscale) -> Manifest:
    """All requests by those that one replica is to have: Azure ML v1's calculation. ``Value`` would
    count ready pods alone, and scale down where none is."""
    each = wanted.target_utilization * request_limits(webservice).slots * MILLI_PER_PERCENT
    average = f"{each}m" if each % MILLI else str(each // MILLI)
    described = {"apiVersion": API_VERSION, "kind": WEBSERVICE.kind, "name": webservice.name}
    target = {"type": "AverageValue", "averageValue": average}
    metric = {"describedObject": described, "metric": {"name": DEMAND}, "target": target}
    return {"type": "Object", "object": metric}


def _behavior(wanted: Autoscale, settings: ScalingSettings) -> Manifest:
    """Up at once, as far as it is needed; down by half a minute, after a minute of less. Without a
    tolerance of 0 the autoscaler's own makes 77 % of 70 %, and keeps the pods of a surge."""
    exact = {"tolerance": "0"} if settings.tolerance else {}
    up = [
        {"type": "Percent", "value": TENFOLD, "periodSeconds": STEP_S},
        {"type": "Pods", "value": wanted.max_replicas, "periodSeconds": STEP_S},
    ]
    down = [{"type": "Percent", "value": HALF, "periodSeconds": SCALE_DOWN_WINDOW_S}]
    return {
        "scaleUp": {
            "stabilizationWindowSeconds": 0,
            "selectPolicy": "Max",
            "policies": up,
            **exact,
        },
        "scaleDown": {**_down_window(), "policies": down, **exact},
    }


def _down_window() -> Manifest:
    return {"stabilizationWindowSeconds": SCALE_DOWN_WINDOW_S}
