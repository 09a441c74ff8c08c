"""``status.capacity``: what requests did, rounded so that little of it changes, and what to change.

Two digits are enough to choose replicas by; more would write every status each minute.
"""

from fairlead.api.capacity import Capacity
from fairlead.capacity.recommendation import Limits, Observed, recommend
from fairlead.decide.webservice.placement import unplaced
from fairlead.desired.request_limits import MS_PER_S, request_limits
from fairlead.evidence import MeasuredLoad, WebserviceEvidence

DIGITS = 2
PERCENT = 100
UTILIZATION_STEP = 5  # percent


def capacity(evidence: WebserviceEvidence, replicas: int) -> Capacity | None:
    """None where nothing is known; without a recommendation where nothing ran."""
    load = evidence.load
    if load is None:
        return None
    seen = Capacity(
        requests_per_second=rounded(load.requests_per_second),
        peak_requests_per_second=rounded(load.peak_requests_per_second),
        run_seconds_p95=None if load.run_seconds_p95 is None else rounded(load.run_seconds_p95),
        utilization_percent=UTILIZATION_STEP * round(load.utilization_percent / UTILIZATION_STEP),
        queued=round(load.queued),
        refused_per_minute=rounded(load.refused_per_minute),
        refused_percent=rounded(PERCENT * load.refused_share),
    )
    return _with_recommendation(evidence, seen, load, replicas)


def _with_recommendation(
    evidence: WebserviceEvidence, seen: Capacity, load: MeasuredLoad, replicas: int
) -> Capacity:
    if seen.run_seconds_p95 is None or not replicas:
        return seen
    observed = Observed(
        requests_per_second=seen.requests_per_second,
        peak_requests_per_second=seen.peak_requests_per_second,
        run_seconds_p95=seen.run_seconds_p95,
        utilization_percent=seen.utilization_percent,
        queued=seen.queued,
        refused_share=load.refused_share,
        replicas=replicas,
        unplaced=len(unplaced(evidence.pods)),
    )
    found = recommend(observed, _limits(evidence))
    update = {
        "refused_because": found.cause or None,
        "recommended_min_replicas": found.minimum,
        "recommended_max_replicas": found.maximum,
        "arithmetic": found.arithmetic,
        "advice": found.advice,
        "change": f"{found.field}: {found.value}" if found.field else None,
    }
    return seen.model_copy(update=update)


def _limits(evidence: WebserviceEvidence) -> Limits:
    spec, limits = evidence.webservice.spec, request_limits(evidence.webservice)
    wanted = spec.autoscaled
    return Limits(
        minimum=wanted.min_replicas if wanted else spec.fixed_replicas or 1,
        maximum=wanted.max_replicas if wanted else None,
        target_utilization=wanted.target_utilization if wanted else TARGET_UTILIZATION,
        slots=limits.slots,
        queue_wait_seconds=limits.queue_wait_ms / MS_PER_S,
        front=spec.fronted is not None,
    )


TARGET_UTILIZATION = 70  # percent; v1's default, where nothing scales


def rounded(value: float) -> float:
    """To two digits that count."""
    return float(f"{value:.{DIGITS}g}")
