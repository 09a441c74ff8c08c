"""``Scaling``: what an autoscaler means, and when what is said of it changes by time alone."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from fairlead.api.conditions import Condition, false, true, unknown
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.api.webservice import Autoscale, ScalingMetric
from fairlead.capacity.recommendation import STARTING
from fairlead.decide.decision import StageResult
from fairlead.decide.webservice.capacity import capacity
from fairlead.decide.webservice.placement import unplaced
from fairlead.desired.autoscaler import floor_of, scaled_by
from fairlead.evidence import ChildEvidence, ScalingSettings, WebserviceEvidence

METRICS_GRACE = timedelta(minutes=2)  # a new replica has no CPU metrics for its first minute
SCALING = "Scaling"
MEASURED = {ScalingMetric.CPU: "CPU", ScalingMetric.CONCURRENCY: "slots"}
ASKED = {
    ScalingMetric.CPU: "Is metrics-server running?",
    ScalingMetric.CONCURRENCY: "Do the pods of Fairlead's metrics API run, and reach these pods?",
}


def scaling(
    autoscaler: ChildEvidence | None, evidence: WebserviceEvidence, now: datetime
) -> StageResult:
    """Judge an autoscaler as it is, or a fixed number of replicas."""
    spec = evidence.webservice.spec
    wanted = spec.autoscaled
    if wanted is None:
        fixed = f"spec.replicas is {spec.replicas}" if spec.replicas else "computeType ACI is one"
        fixed = "spec.debug is on: one replica" if spec.debugged else fixed
        words = f"{fixed}; nothing scales."
        return _informing(true(SCALING, Reason.FIXED_REPLICAS, words))
    metric = scaled_by(wanted, evidence.scaling)
    active = autoscaler.condition("ScalingActive") if autoscaler else {}
    if autoscaler is None or not active or active.get("status") == "False":
        return _without_metrics(active, evidence, metric, now)
    limited = autoscaler.condition("ScalingLimited").get("reason") == "TooManyReplicas"
    short = _short_of_replicas(wanted, evidence, at_most=limited)
    if short is not None:
        return _informing(short)
    words = (
        f"Between {wanted.min_replicas} and {wanted.max_replicas} replicas, at "
        f"{wanted.target_utilization} % of their {MEASURED[metric]}."
    )
    reason, why = _fallback(wanted, evidence.scaling)
    if reason is Reason.SCALING and (silent := _silent(evidence, metric)):
        reason, why = Reason.METRICS_DEGRADED, f"{silent} Those that answer stand for the others."
    return _informing(true(SCALING, reason, f"{words} {why}".rstrip()))


def _short_of_replicas(
    wanted: Autoscale, evidence: WebserviceEvidence, *, at_most: bool
) -> Condition | None:
    """Why there are fewer replicas than the load needs, and the one thing to change."""
    ready = sum(pod.ready and not pod.leaving for pod in evidence.pods)
    load, nowhere = capacity(evidence, ready), unplaced(evidence.pods)
    change = f" Change {load.change}." if load and load.change else ""
    share = f"{load.refused_percent:g} % of the requests get 503" if load else ""
    if nowhere:
        total = sum(not pod.leaving for pod in evidence.pods)
        words = f"{len(nowhere)} of {total} replicas wait for a node. {nowhere[0].message}"
        return false(SCALING, Reason.POD_UNSCHEDULABLE, f"{words} {nowhere[0].remedy}")
    if at_most:
        words = f"All {wanted.max_replicas} replicas of maxReplicas are in use"
        advice = f", and {share}.{change}" if change else ": raise it if requests are refused."
        return true(SCALING, Reason.AT_MAX_REPLICAS, words + advice)
    floor = floor_of(wanted, evidence.scaling)
    if floor > wanted.min_replicas:
        words = f"A spike needs {floor} replicas: there are no fewer for a minute.{change}"
        return true(SCALING, Reason.FAST_LANE, words)
    if load and load.refused_because == STARTING:
        words = f"{share}: load rises faster than replicas start.{change}"
        return true(SCALING, Reason.SPIKE_FASTER_THAN_STARTUP, words)
    return None


def _silent(evidence: WebserviceEvidence, metric: ScalingMetric) -> str:
    """A sentence of the pods that do not answer the metrics API; empty where all do."""
    asked, silent = evidence.answering.asked, evidence.answering.silent
    if not silent or metric is ScalingMetric.CPU:
        return ""
    return (
        f"{silent} of {asked} pods do not answer the metrics API: do NetworkPolicies of the "
        "namespace let it reach them (docs/scaling.md)?"
    )


def _fallback(wanted: Autoscale, settings: ScalingSettings) -> tuple[Reason, str]:
    """Why CPU counts where requests were to."""
    if wanted.metric is ScalingMetric.CPU:
        return Reason.SCALING, ""
    if settings.taken_by:
        return Reason.METRICS_API_TAKEN, (
            f"Requests cannot be counted: custom.metrics.k8s.io is served by {settings.taken_by} "
            "in this cluster. Set autoscale.metric to CPU if that is meant."
        )
    if wanted.metric is ScalingMetric.CONCURRENCY and not settings.installed:
        return Reason.METRICS_API_MISSING, (
            "autoscale.metric Concurrency needs Fairlead's metrics API, which is not installed: "
            "metricsApi.enabled of the chart."
        )
    return Reason.SCALING, ""


def _without_metrics(
    active: Manifest, evidence: WebserviceEvidence, metric: ScalingMetric, now: datetime
) -> StageResult:
    """Metrics are measured on replicas that run: one that has just begun has none yet."""
    pods = evidence.pods
    serving = [pod.changed_at("Ready") for pod in pods if pod.ready and not pod.leaving]
    if not serving:
        return _pending("No replica is ready, so there is nothing to measure yet.")
    if not active:
        return _pending("The autoscaler has not looked yet.")
    message = (
        f"The autoscaler has no metrics of {MEASURED[metric]}, so the number of replicas stays as "
        f"it is: {active.get('message', 'no reason given')} "
        f"({_silent(evidence, metric) or ASKED[metric]})"
    )
    waited = now - _since(active, serving, now)
    if waited > METRICS_GRACE:
        return _informing(false(SCALING, Reason.METRICS_UNAVAILABLE, message))
    left = (METRICS_GRACE - waited).total_seconds()
    return _informing(unknown(SCALING, Reason.METRICS_UNAVAILABLE, message), left)


def _since(active: Manifest, serving: Sequence[datetime | None], now: datetime) -> datetime:
    """When there could have been metrics and were none: the later of two moments."""
    blind = active.get("lastTransitionTime")
    times = [min((at for at in serving if at), default=None)]
    times += [datetime.fromisoformat(blind)] if blind else []
    return max((at for at in times if at), default=now)


def _informing(condition: Condition, changes_in_s: float = math.inf) -> StageResult:
    return StageResult(condition, informs=True, changes_in_s=changes_in_s)


def _pending(words: str) -> StageResult:
    return _informing(unknown(SCALING, Reason.PENDING, words))
