"""What probes and pollers are told, by the front alone and at once."""

import json
from typing import Any

from fairlead_scoring.front.http.messages import JSON, Response, problem, text
from fairlead_scoring.front.metrics import Figures
from fairlead_scoring.front.queue.admission import Reason
from fairlead_scoring.front.slots.pool import Pool

WORDS = {
    Reason.STARTING: "The service is starting: init() has not finished yet. Try again later.",
    Reason.DRAINING: "The service is shutting down and finishes what it has accepted.",
    Reason.BUSY: "Every slot is busy, and requests may not wait. Try again later.",
    Reason.QUEUE_FULL: "Every slot is busy and the queue is full. Try again later.",
    Reason.QUEUE_TIMEOUT: "Every slot was busy for as long as a request may wait. Try again later.",
}
CRASHING = (
    "The process that runs the script dies again and again, with no request answered in between. "
    "The log says how it ended each time."
)


def unavailable(reason: Reason, seconds: int) -> Response:
    """Return the 503 that explains itself; ``seconds`` is when to try again."""
    return _unavailable(reason.value, WORDS[reason], seconds)


def liveness(pool: Pool) -> Response:
    if pool.failing:
        return _unavailable("crashing", CRASHING, pool.retry_after(Reason.STARTING))
    return text(200, b"Healthy")


def readiness(pool: Pool, *, draining: bool) -> Response:
    if draining:
        return unavailable(Reason.DRAINING, pool.retry_after(Reason.DRAINING))
    if not pool.ready:
        return unavailable(Reason.STARTING, pool.retry_after(Reason.STARTING))
    return text(200, b"Ready")


def slots(pool: Pool, figures: Figures, *, draining: bool, **more: Any) -> Response:
    """Return the state as JSON, small enough to be polled each second."""
    state = pool.state
    told = {
        "slots": state.slots,
        "ready": state.ready,
        "places": state.places,
        "busy": state.busy,
        "queued": state.waiting,
        "draining": draining,
        "requests": figures.requests.total(),
        "rejected": figures.refusals.total(),
        "restarts": figures.restarts.total(),
        "run_count": figures.runs.total,
        "run_sum": round(figures.runs.sum, 6),
        **more,
    }
    return Response(200, json.dumps(told).encode(), (("Content-Type", JSON),))


def _unavailable(reason: str, message: str, seconds: int) -> Response:
    return problem(503, message, reason=reason).with_headers(
        ("Retry-After", str(seconds)), ("x-fairlead-503-reason", reason)
    )
