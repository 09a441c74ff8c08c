"""What the autoscaler says of itself, in the user's words. It never makes a service unready."""

from datetime import datetime, timedelta

from fairlead.api.objects import Manifest
from fairlead.api.reasons import Reason
from fairlead.api.conditions import Condition, false, true, unknown

METRICS_GRACE = timedelta(minutes=2)  # a new replica has no CPU metrics for its first minute
SCALING = "Scaling"


def scaling(autoscaler: Manifest | None, fixed: int | None, now: datetime) -> Condition:
    """Return the condition for an autoscaler as it is, or for a ``fixed`` number of replicas."""
    if fixed is not None:
        return true(SCALING, Reason.FIXED_REPLICAS, f"spec.replicas is {fixed}; nothing scales.")
    if autoscaler is None or not autoscaler.get("status"):
        return unknown(SCALING, Reason.PENDING, "The autoscaler has not looked yet.")
    spec, status = autoscaler["spec"], autoscaler["status"]
    conditions = {condition["type"]: condition for condition in status.get("conditions") or []}
    active = conditions.get("ScalingActive", {})
    if active.get("status") == "False":
        return _blind(active, now)
    most = spec["maxReplicas"]
    if conditions.get("ScalingLimited", {}).get("reason") == "TooManyReplicas":
        words = f"All {most} replicas of maxReplicas are in use: raise it if requests are refused."
        return true(SCALING, Reason.AT_MAX_REPLICAS, words)
    target = spec["metrics"][0]["resource"]["target"]["averageUtilization"]
    words = f"Between {spec.get('minReplicas', 1)} and {most} replicas, at {target} % of their CPU."
    return true(SCALING, Reason.SCALING, words)


def _blind(active: Manifest, now: datetime) -> Condition:
    message = (
        f"The autoscaler has no CPU metrics, so the number of replicas stays as it is: "
        f"{active.get('message', 'no reason given')} (Is metrics-server running?)"
    )
    since = active.get("lastTransitionTime")
    if since and now - datetime.fromisoformat(str(since)) > METRICS_GRACE:
        return false(SCALING, Reason.METRICS_UNAVAILABLE, message)
    return unknown(SCALING, Reason.METRICS_UNAVAILABLE, message)
