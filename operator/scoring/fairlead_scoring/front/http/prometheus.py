"""``/metrics``: the metrics in Prometheus' text format."""

from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from fairlead_scoring.front.http.messages import Response
from fairlead_scoring.front.metrics import Histogram, Metrics
from fairlead_scoring.front.queue.body_budget import BodyBudget
from fairlead_scoring.front.slots.pool import SlotPool
from fairlead_scoring.slot.console import console


class PrometheusMetrics(Collector):
    """Collected from the counters on demand, so that counting costs a request next to nothing."""

    def __init__(self, pool: SlotPool, metrics: Metrics, body_budget: BodyBudget) -> None:
        self._pool, self._metrics, self._body_budget = pool, metrics, body_budget
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def response(self) -> Response:
        return Response(
            200, generate_latest(self._registry), (("Content-Type", CONTENT_TYPE_LATEST),)
        )

    def collect(self) -> Iterator[Metric]:
        yield from self._gauges()
        yield from self._counters()
        metrics = self._metrics
        yield _histogram("fairlead_queue_wait_seconds", "Wait for a slot", metrics.queue_wait_s)
        yield _histogram("fairlead_run_seconds", "Time in a slot", metrics.run_s)

    def _gauges(self) -> Iterator[Metric]:
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
            yield GaugeMetricFamily(name, description, value)

    def _counters(self) -> Iterator[Metric]:
        metrics = self._metrics
        yield _counter(
            "fairlead_requests",
            "Answers of /score",
            "code",
            {str(k): v for k, v in metrics.responses.items()},
        )
        yield _counter("fairlead_rejected", "Answers with 503", "reason", metrics.rejections)
        yield _counter(
            "fairlead_handed_back",
            "Answers with 425, for which the front asks another replica",
            "reason",
            metrics.handed_back,
        )
        yield _counter(
            "fairlead_slot_restarts", "Slots started again", "reason", metrics.slot_restarts
        )
        yield CounterMetricFamily(
            "fairlead_run_failures", "Answers for which run() failed", metrics.run_failures
        )
        yield CounterMetricFamily(
            "fairlead_abandoned", "Requests whose client went away", metrics.disconnects
        )
        yield CounterMetricFamily(
            "fairlead_log_lines_lost", "Lines that the front could not log", console().lost_lines
        )


def _counter(
    name: str, description: str, label: str, values: dict[str, int]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, description, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family


def _histogram(name: str, description: str, histogram: Histogram) -> HistogramMetricFamily:
    buckets = [(bound, float(count)) for bound, count in histogram.cumulative()]
    return HistogramMetricFamily(name, description, buckets=buckets, sum_value=histogram.sum)
