"""What a front or a replica says of itself at one moment. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from fairlead.metrics_api.exposition import Series, series

MAX_AT_ONCE = 100_000.0  # requests that one pod may say that it has
MAX_SLOTS = 1000.0  # the schema's bound
FRONT_PATH = "/metrics?scope=frontend&scope=backend&no-maint"
POD_PATH = "/metrics"
MAX_BOUNDS = 32  # of run times; the runtime has 18
NOT_DEMAND = ("draining", "crashing")  # reasons of 503 that more replicas would not change
FRONT_NAMES = frozenset(
    {
        "haproxy_backend_current_queue",
        "haproxy_backend_current_sessions",
        "haproxy_backend_loadbalanced_total",
        "haproxy_backend_http_requests_total",
        "haproxy_backend_http_responses_total",
        "haproxy_frontend_http_responses_total",
    }
)
POD_NAMES = frozenset(
    {
        "fairlead_slots",
        "fairlead_slots_busy",
        "fairlead_queue_length",
        "fairlead_requests_total",
        "fairlead_rejected_total",
        "fairlead_handed_back_total",
        "fairlead_run_seconds_bucket",
    }
)
_BOUND = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")


@dataclass(frozen=True)
class Counted:
    """``busy`` requests run and ``queued`` wait now; ``admitted`` got a slot and ``rejected`` got
    503 for want of one since the process began; ``run_seconds``: how many runs took at most so many
    seconds (cumulative, by bound)."""

    busy: float
    queued: float
    admitted: float
    rejected: float
    slots: float = 0.0
    """That a replica has; 0 of a front."""
    run_seconds: Mapping[float, float] = field(default_factory=dict)


def of_front(text: str) -> Counted | None:
    """From HAProxy's ``/metrics``; None where what is needed is not in it.

    Its backend counts a request when it is over. Who left the queue without a replica was counted
    as a request and never as one that was load-balanced; what the frontend itself answers is in its
    5xx and not in the backend's. One that was sent to a second replica was load-balanced twice: the
    number may fall, and means something as a difference over a while alone.
    """
    found = series(text, FRONT_NAMES)
    queued = _of(found, "haproxy_backend_current_queue", "scoring")
    sessions = _of(found, "haproxy_backend_current_sessions", "scoring")
    if queued is None or sessions is None:
        return None
    balanced = _of(found, "haproxy_backend_loadbalanced_total", "scoring") or 0.0
    ended = _of(found, "haproxy_backend_http_requests_total", "scoring") or 0.0
    busy = _bounded(max(sessions - queued, 0.0))
    left_queue = ended + busy - balanced
    at_once = _failures(found, "frontend", "front") - _failures(found, "backend", "scoring")
    return Counted(busy, _bounded(queued), balanced, left_queue + at_once)


def of_pod(text: str) -> Counted | None:
    """From the runtime's ``/metrics``; a replica runs no more requests than it has slots."""
    found = series(text, POD_NAMES)
    busy, queued = _sum(found, "fairlead_slots_busy"), _sum(found, "fairlead_queue_length")
    if busy is None or queued is None:
        return None
    answered = _sum(found, "fairlead_requests_total") or 0.0
    refused = found.get("fairlead_rejected_total", {})
    rejected = sum(v for k, v in refused.items() if not k.endswith(tuple(map(_quoted, NOT_DEMAND))))
    not_run = sum(refused.values()) + (_sum(found, "fairlead_handed_back_total") or 0.0)
    admitted = max(answered - not_run, 0.0)
    slots = min(max(_sum(found, "fairlead_slots") or 1.0, 1.0), MAX_SLOTS)
    return Counted(min(busy, slots), _bounded(queued), admitted, rejected, slots, _buckets(found))


def _of(found: Series, name: str, proxy: str) -> float | None:
    return found.get(name, {}).get(f'proxy="{proxy}"')


def _failures(found: Series, side: str, proxy: str) -> float:
    labels = f'proxy="{proxy}",code="5xx"'
    return found.get(f"haproxy_{side}_http_responses_total", {}).get(labels, 0.0)


def _sum(found: Series, name: str) -> float | None:
    values = found.get(name)
    return sum(values.values()) if values else None


def _bounded(value: float) -> float:
    return min(value, MAX_AT_ONCE)


def _quoted(reason: str) -> str:
    return f'"{reason}"'


def _buckets(found: Series) -> dict[float, float]:
    """They are kept for a minute, of each pod: so no more of them than there can be."""
    buckets = dict[float, float]()
    for labels, count in found.get("fairlead_run_seconds_bucket", {}).items():
        bound = labels.removeprefix('le="').removesuffix('"')
        if len(buckets) < MAX_BOUNDS and _BOUND.fullmatch(bound):
            buckets[float(bound)] = count
    return buckets
