"""``/metrics``: the figures in Prometheus' text format."""

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
from fairlead_scoring.front.metrics import Figures, Histogram
from fairlead_scoring.front.slots.pool import Pool


class Metrics(Collector):
    """Made from the figures when they are asked for, so that counting costs requests nothing."""

    def __init__(self, pool: Pool, figures: Figures) -> None:
        self._pool, self._figures = pool, figures
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def response(self) -> Response:
        return Response(
            200, generate_latest(self._registry), (("Content-Type", CONTENT_TYPE_LATEST),)
        )

    def collect(self) -> Iterator[Metric]:
        yield from self._gauges()
        yield from self._counters()
        figures = self._figures
        yield _histogram("fairlead_queue_wait_seconds", "Wait for a slot", figures.waits)
        yield _histogram("fairlead_run_seconds", "Time in a slot", figures.runs)

    def _gauges(self) -> Iterator[Metric]:
        state = self._pool.state
        values = {
            ("fairlead_slots", "Slots that there should be"): state.slots,
            ("fairlead_slots_ready", "Slots whose init() has finished"): state.ready,
            ("fairlead_slots_busy", "Requests that run"): state.busy,
            ("fairlead_queue_length", "Requests that wait for a slot"): state.waiting,
            ("fairlead_ready", "1 if every slot is ready"): int(self._pool.ready),
            ("fairlead_init_seconds", "From the start of the newest slot to the end of init()"): (
                self._figures.init_seconds or 0.0
            ),
        }
        for (name, told), value in values.items():
            yield GaugeMetricFamily(name, told, value)

    def _counters(self) -> Iterator[Metric]:
        figures = self._figures
        yield _counter(
            "fairlead_requests",
            "Answers of /score",
            "code",
            {str(k): v for k, v in figures.requests.items()},
        )
        yield _counter("fairlead_rejected", "Answers with 503", "reason", figures.refusals)
        yield _counter("fairlead_slot_restarts", "Slots started again", "reason", figures.restarts)
        yield CounterMetricFamily(
            "fairlead_run_failures", "Answers for which run() failed", figures.failures
        )
        yield CounterMetricFamily(
            "fairlead_abandoned", "Requests whose client went away", figures.abandoned
        )


def _counter(name: str, told: str, label: str, values: dict[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, told, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family


def _histogram(name: str, told: str, histogram: Histogram) -> HistogramMetricFamily:
    buckets = [(bound, float(count)) for bound, count in histogram.cumulative()]
    return HistogramMetricFamily(name, told, buckets=buckets, sum_value=histogram.sum)
