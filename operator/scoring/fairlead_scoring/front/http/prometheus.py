"""``/metrics``: the metrics in Prometheus' text format."""

from collections.abc import Iterator

from fairlead_scoring.front.http.exposition import (
    CONTENT_TYPE,
    Family,
    counter,
    counters,
    exposition,
    gauge,
    histogram,
)
from fairlead_scoring.front.http.messages import Response
from fairlead_scoring.front.metrics import Histogram, Metrics
from fairlead_scoring.front.queue.body_budget import BodyBudget
from fairlead_scoring.front.slots.pool import SlotPool
from fairlead_scoring.slot.console import console


class PrometheusMetrics:
    """Collected from the counters on demand, so that counting costs a request next to nothing."""

    def __init__(self, pool: SlotPool, metrics: Metrics, body_budget: BodyBudget) -> None:
        self._pool, self._metrics, self._body_budget = pool, metrics, body_budget

    def response(self) -> Response:
        return Response(200, exposition(self._families()), (("Content-Type", CONTENT_TYPE),))

    def _families(self) -> Iterator[Family]:
        yield from self._gauges()
        yield from self._counters()
        metrics = self._metrics
        yield _histogram("fairlead_queue_wait_seconds", "Wait for a slot", metrics.queue_wait_s)
        yield _histogram("fairlead_run_seconds", "Time in a slot", metrics.run_s)

    def _gauges(self) -> Iterator[Family]:
        state = self._pool.state
        values = {
            ("fairlead_slots", "Slots that there should be"): state.slots,
            ("fairlead_slots_ready", "Slots whose init() has finished"): state.ready,
            ("fairlead_slots_busy", "Requests that run"): state.busy,
            ("fairlead_queue_length", "Requests that wait for a slot"): state.waiting,
            ("fairlead_body_bytes", "Memory for the bodies of requests"): self._body_budget.used,
            ("fairlead_body_queue_length", "Requests whose body waits for memory"): (
                self._body_budget.waiting
            ),
            ("fairlead_ready", "1 if every slot is ready"): int(self._pool.ready),
            ("fairlead_init_seconds", "From the start of the newest slot to the end of init()"): (
                self._metrics.init_s or 0.0
            ),
        }
        for (name, description), value in values.items():
            yield gauge(name, description, value)

    def _counters(self) -> Iterator[Family]:
        metrics = self._metrics
        yield counters(
            "fairlead_requests",
            "Answers of /score",
            "code",
            ((str(code), count) for code, count in metrics.responses.items()),
        )
        yield counters(
            "fairlead_rejected", "Answers with 503", "reason", metrics.rejections.items()
        )
        yield counters(
            "fairlead_handed_back",
            "Answers with 425, for which the front asks another replica",
            "reason",
            metrics.handed_back.items(),
        )
        yield counters(
            "fairlead_slot_restarts", "Slots started again", "reason", metrics.slot_restarts.items()
        )
        yield counter(
            "fairlead_run_failures", "Answers for which run() failed", metrics.run_failures
        )
        yield counter("fairlead_abandoned", "Requests whose client went away", metrics.disconnects)
        yield counter(
            "fairlead_log_lines_lost", "Lines that the front could not log", console().lost_lines
        )


def _histogram(name: str, description: str, measured: Histogram) -> Family:
    return histogram(name, description, measured.cumulative(), measured.sum)
