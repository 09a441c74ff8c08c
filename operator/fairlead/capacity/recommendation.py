"""From what was observed: how many replicas at least and at most, and the one field to change."""

import math
from dataclasses import dataclass

from fairlead.capacity.formula import PERCENT, needed_replicas

HEADROOM = 1.5  # of the most replicas over what the highest rate that was seen needs
REFUSED_SHARE = 0.01  # less is no reason to change anything
MAX_REPLICAS = 1000  # the schema's bound
MAX_QUEUE_WAIT_MS = 3_600_000
MS_PER_S = 1000
AT_MAX_REPLICAS, UNSCHEDULABLE = "at_max_replicas", "unschedulable"
STARTING, QUEUE_TIMEOUT = "starting", "queue_timeout"


@dataclass(frozen=True)
class Observed:
    """What requests did in a window. Rates are of all requests, refused ones too; shares 0 to 1."""

    requests_per_second: float
    peak_requests_per_second: float
    run_seconds_p95: float
    utilization_percent: float
    queued: float
    refused_share: float
    replicas: int
    unplaced: int = 0
    """Replicas that no node takes."""


@dataclass(frozen=True)
class Limits:
    """What the Webservice sets. ``maximum`` is None where the number of replicas is fixed."""

    minimum: int
    maximum: int | None
    target_utilization: float
    slots: int
    queue_wait_seconds: float
    front: bool


@dataclass(frozen=True)
class Recommendation:
    """``arithmetic`` and ``advice`` are sentences; ``cause`` is that of the 503, in the words of
    their header; ``field`` (below ``spec``) is empty, and ``value`` too, where no field helps."""

    minimum: int
    maximum: int
    arithmetic: str
    advice: str
    cause: str = ""
    field: str = ""
    value: str = ""


@dataclass(frozen=True)
class _Change:
    advice: str
    cause: str = ""
    field: str = ""
    value: str = ""


def recommend(seen: Observed, limits: Limits) -> Recommendation:
    """By the calculation of Azure ML v1's guide, with the run time that 95 % stay below."""
    least = _replicas(seen.requests_per_second, seen, limits)
    peak = max(seen.peak_requests_per_second, seen.requests_per_second)
    for_peak = _replicas(peak, seen, limits)
    most = min(math.ceil(for_peak * HEADROOM), MAX_REPLICAS)
    change = _change(seen, limits, least, most)
    arithmetic = (
        f"{_sum(seen.requests_per_second, seen, limits)} = {least} replicas at least; "
        f"{_sum(peak, seen, limits)} = {for_peak} for the highest rate of a minute, and half as "
        f"many again: {most} at most."
    )
    return Recommendation(
        least, most, arithmetic, change.advice, change.cause, change.field, change.value
    )


def _replicas(rate: float, seen: Observed, limits: Limits) -> int:
    needed = needed_replicas(rate, seen.run_seconds_p95, limits.target_utilization, limits.slots)
    return min(needed, MAX_REPLICAS)


def _sum(rate: float, seen: Observed, limits: Limits) -> str:
    share = limits.target_utilization / PERCENT
    return f"{rate:.4g} rps * {seen.run_seconds_p95:.3g} s / {share:.4g} / {limits.slots}"


def _change(seen: Observed, limits: Limits, least: int, most: int) -> _Change:
    if seen.refused_share < REFUSED_SHARE:
        return _Change("Nothing needs to be changed.")
    refused = f"{seen.refused_share:.0%} of the requests get 503"
    all_in_use = seen.replicas >= (limits.maximum or seen.replicas)
    if seen.unplaced:
        return _Change(
            f"{refused}: no node takes {seen.unplaced} replicas. Add nodes, or ask for less in "
            "resources.",
            UNSCHEDULABLE,
        )
    if seen.utilization_percent < limits.target_utilization:
        return _at_low_utilization(seen, limits, refused, least)
    if all_in_use and limits.maximum is None:
        wanted = max(least, seen.replicas + 1)
        return _Change(
            f"{refused}: the {seen.replicas} replicas are all busy.",
            AT_MAX_REPLICAS,
            "replicas",
            str(wanted),
        )
    if all_in_use:
        wanted = max(most, seen.replicas + 1)
        return _Change(
            f"{refused}: all replicas that maxReplicas allows are busy.",
            AT_MAX_REPLICAS,
            "autoscale.maxReplicas",
            str(wanted),
        )
    return _Change(
        f"{refused}: load rises faster than replicas start.",
        STARTING,
        "autoscale.minReplicas",
        str(min(max(least, limits.minimum + 1), limits.maximum or MAX_REPLICAS)),
    )


def _at_low_utilization(seen: Observed, limits: Limits, refused: str, least: int) -> _Change:
    """503 although slots are free: at other moments, or of other replicas."""
    if not limits.front and seen.replicas > 1:
        return _Change(
            f"{refused} while other replicas are free: without a front the Service picks a "
            "replica at random.",
            QUEUE_TIMEOUT,
            "front.enabled",
            "true",
        )
    if limits.queue_wait_seconds < seen.run_seconds_p95:
        wait_ms = min(math.ceil(seen.run_seconds_p95 * MS_PER_S), MAX_QUEUE_WAIT_MS)
        return _Change(
            f"{refused}: a request may wait for {limits.queue_wait_seconds:.3g} s and one takes "
            f"{seen.run_seconds_p95:.3g} s, so those that meet get 503.",
            QUEUE_TIMEOUT,
            "concurrency.maxQueueWaitMilliseconds",
            str(wait_ms),
        )
    more = max(least, limits.minimum + 1)
    field = "replicas" if limits.maximum is None else "autoscale.minReplicas"
    advice = f"{refused} in bursts: more replicas must be there before."
    return _Change(advice, QUEUE_TIMEOUT, field, str(more))
