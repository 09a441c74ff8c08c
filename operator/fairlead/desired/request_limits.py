"""How many requests run at a time, how long others wait, and how long all of it may take.

Numbers alone: a replica's container, its pod and the front before it are made from the same.
"""

import math
from dataclasses import dataclass

from fairlead.api.objects import Webservice
from fairlead.api.variables import BODY_SECONDS, MAX_BODY_MB, QUEUE_WAIT, SLOTS, WORKER_COUNT

SCORING_TIMEOUT_MS = 60_000  # v1's scoring time-out
MAX_QUEUE_WAIT_MS = 500  # v1's max_request_wait_time; then a 503 says why
BODY_MB = 100  # the runtime's own limit
BODY_S_BEHIND_A_FRONT = "60"  # a body that comes slowly holds a slot of the front, too
MS_PER_S = 1000


@dataclass(frozen=True)
class RequestLimits:
    """``slots``: requests that a replica runs at a time; ``body_mb``: the largest body."""

    slots: int
    queue_wait_ms: int
    scoring_timeout_ms: int
    body_mb: int

    @property
    def longest_s(self) -> int:
        """Seconds, rounded up, from a request's arrival until it has been answered."""
        return math.ceil((self.queue_wait_ms + self.scoring_timeout_ms) / MS_PER_S)


def request_limits(webservice: Webservice) -> RequestLimits:
    """As the spec says; where it says nothing, as the Webservice's variables do, else v1's."""
    spec = webservice.spec
    variables, concurrency = spec.environment_variables or {}, spec.concurrency
    slots = int(variables.get(SLOTS, variables.get(WORKER_COUNT, 1)))
    wait_ms = int(variables.get(QUEUE_WAIT, MAX_QUEUE_WAIT_MS))
    if concurrency is not None:
        slots = concurrency.max_concurrent_requests
        wait_ms = concurrency.max_queue_wait_milliseconds
    return RequestLimits(
        slots=slots,
        queue_wait_ms=wait_ms,
        scoring_timeout_ms=spec.scoring_timeout_milliseconds or SCORING_TIMEOUT_MS,
        body_mb=int(variables.get(MAX_BODY_MB, BODY_MB)),
    )


def runtime_variables(webservice: Webservice) -> dict[str, str]:
    """The variables by which a replica's runtime learns of these limits.

    How many requests it runs is left to the image where nothing depends on it. A variable of the
    user's is handed on as it is written: another way to write it would start every pod anew.
    """
    spec, limits, front = webservice.spec, request_limits(webservice), webservice.spec.fronted
    variables, concurrency = spec.environment_variables or {}, spec.concurrency
    queue_wait = str(limits.queue_wait_ms)
    if concurrency is None:
        queue_wait = variables.get(QUEUE_WAIT, queue_wait)
    ours = {"SCORING_TIMEOUT_MS": str(limits.scoring_timeout_ms), QUEUE_WAIT: queue_wait}
    if front is not None or concurrency is not None:
        ours[SLOTS] = str(limits.slots)
    if front is not None:
        ours[BODY_SECONDS] = variables.get(BODY_SECONDS, BODY_S_BEHIND_A_FRONT)
    if front is not None and front.replicas > 1:
        ours[QUEUE_WAIT] = "0"  # a front sends to another replica what one is too busy for
    return ours
