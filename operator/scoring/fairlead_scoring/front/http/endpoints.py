"""What the front answers itself, at once: health, readiness, state, metrics, Swagger, 503s."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from fairlead_scoring.front.http.messages import (
    JSON_TYPE,
    Response,
    html,
    json_document,
    json_error,
)
from fairlead_scoring.front.http.prometheus import PrometheusMetrics
from fairlead_scoring.front.metrics import Metrics
from fairlead_scoring.front.queue.admission import RejectionReason
from fairlead_scoring.front.queue.body_budget import BodyBudget
from fairlead_scoring.front.slots.pool import SlotPool
from fairlead_scoring.front.slots.reload import ScriptReloader
from fairlead_scoring.slot.responses import INTERNAL_ERROR_MESSAGE

REJECTION_MESSAGES = {
    RejectionReason.STARTING: (
        "The service is starting: init() has not finished yet. Try again later."
    ),
    RejectionReason.DRAINING: ("The service is shutting down and finishes what it has accepted."),
    RejectionReason.BODY_BUDGET: (
        "The requests that are being read take all the memory that there is for them. Try again "
        "later."
    ),
    RejectionReason.BUSY: "Every slot is busy, and requests may not wait. Try again later.",
    RejectionReason.QUEUE_FULL: "Every slot is busy and the queue is full. Try again later.",
    RejectionReason.QUEUE_TIMEOUT: (
        "Every slot was busy for as long as a request may wait. Try again later."
    ),
}
QUEUE_REASONS = {
    RejectionReason.BUSY,
    RejectionReason.QUEUE_FULL,
    RejectionReason.QUEUE_TIMEOUT,
}
NOT_HERE = {RejectionReason.BUSY, RejectionReason.STARTING, RejectionReason.DRAINING}
CRASHING_MESSAGE = (
    "The process that runs the script dies again and again, with no request answered in between. "
    "The log says how it ended each time."
)
SWAGGER_VERSIONS = {"2": "2", "2.0": "2", "3": "3", "3.0": "3", "3.1": "3.1"}
DEFAULT_SWAGGER_VERSION = "2"


class Endpoints:
    """``draining`` is whether the service shuts down: then it is not ready."""

    def __init__(
        self,
        pool: SlotPool,
        metrics: Metrics,
        body_budget: BodyBudget,
        reloader: ScriptReloader | None,
    ) -> None:
        self._pool = pool
        self._metrics = metrics
        self._reloader = reloader
        self._prometheus = PrometheusMetrics(pool, metrics, body_budget)
        self.draining = False

    def rejected(self, reason: RejectionReason, *, elsewhere: bool = False) -> Response:
        """Count and answer a request that gets no slot.

        As long as none has been ready, that is the reason why it waited in vain. ``elsewhere``: it
        is sent to another replica where this one runs none now, as 425 tells; a 503 might be the
        script's own, which has run by then.
        """
        if reason in QUEUE_REASONS and self._pool.script is None:
            reason = RejectionReason.STARTING
        response = self._unavailable(reason)
        if elsewhere and reason in NOT_HERE:
            self._metrics.handed_back[reason.value] += 1
            response.status = 425
        else:
            self._metrics.rejections[reason.value] += 1
        return response

    def liveness(self) -> Response:
        if self._pool.failing:
            retry_after_s = self._pool.retry_after_s(RejectionReason.STARTING)
            return unavailable("crashing", CRASHING_MESSAGE, retry_after_s)
        return html(200, b"Healthy")

    def readiness(self) -> Response:
        if self.draining:
            return self._unavailable(RejectionReason.DRAINING)
        if not self._pool.ready:
            return self._unavailable(RejectionReason.STARTING)
        return html(200, b"Ready")

    def metrics(self) -> Response:
        return self._prometheus.response()

    def slots(self) -> Response:
        """Return the state as JSON, small enough to be polled each second."""
        state, metrics = self._pool.state, self._metrics
        fields: dict[str, Any] = {
            "slots": state.slots,
            "ready": state.ready,
            "places": state.places,
            "busy": state.busy,
            "queued": state.waiting,
            "draining": self.draining,
            "requests": metrics.responses.total(),
            "rejected": metrics.rejections.total(),
            "restarts": metrics.slot_restarts.total(),
            "run_count": metrics.run_s.total,
            "run_sum": round(metrics.run_s.sum, 6),
        }
        if self._reloader:
            fields["reload"] = self._reloader.state
            fields["edits"] = self._reloader.edits
            fields["debugger"] = {
                "attached": self._pool.debugger_attached,
                "listening": self._pool.debugger_listening,
                "edited": self._reloader.edited,
            }
        return json_response(200, fields)

    def swagger(self, query: str) -> Response:
        documents = {} if self._pool.script is None else self._pool.script["swagger"]
        return swagger(query, documents)

    def reloaded(self, failure: str | None) -> Response:
        """Answer once the script was reloaded; ``failure`` is why it was not."""
        state = self._reloader.state if self._reloader else {}
        if failure is None:
            return json_response(200, state)
        return json_response(500, {"message": failure, **state})

    def _unavailable(self, reason: RejectionReason) -> Response:
        retry_after_s = self._pool.retry_after_s(reason)
        return unavailable(reason.value, REJECTION_MESSAGES[reason], retry_after_s)


def unavailable(reason: str, message: str, retry_after_s: int) -> Response:
    """Return a 503 that says why, and when to try again."""
    return json_error(503, message, reason=reason).with_headers(
        ("Retry-After", str(retry_after_s)), ("x-fairlead-503-reason", reason)
    )


def swagger(query: str, documents: Mapping[str, str | bool | None]) -> Response:
    """Return the document of the version that the query asks for.

    ``documents`` are by version; None is for one that the script's types do not allow, False for
    one that cannot be encoded as JSON.
    """
    asked = parse_qs(query, keep_blank_values=True).get("version", [DEFAULT_SWAGGER_VERSION])[0]
    supported = ", ".join(sorted(name for name, text in documents.items() if text is not None))
    version = SWAGGER_VERSIONS.get(asked)
    if version is None:
        return json_error(
            404, f"Swagger version [{asked}] is not valid. Supported versions: [{supported}]."
        )
    document = documents.get(version)
    if document is None:
        return json_error(
            404,
            f"Swagger version [{asked}] is not supported for the scoring script. Supported "
            f"swagger versions: [{supported}].",
        )
    if isinstance(document, str):
        return json_document(document.encode())
    return json_error(500, INTERNAL_ERROR_MESSAGE)


def json_response(status: int, content: Mapping[str, Any]) -> Response:
    return Response(status, json.dumps(content).encode(), [("Content-Type", JSON_TYPE)])
