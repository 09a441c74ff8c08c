"""What the operator counts, for Prometheus."""

from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

RECONCILE_BUCKETS_S = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
Gauges = Callable[[], Mapping[tuple[str, ...], int]]
"""Numbers by the values of their labels, as of now."""


class Metrics:
    """Use one for each operator: it registers nothing globally."""

    CONTENT_TYPE: ClassVar[str] = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "fairlead_reconcile_seconds",
            "Duration of reconciles.",
            ("kind", "outcome"),
            buckets=RECONCILE_BUCKETS_S,
            registry=self._registry,
        )
        self._transitions = Counter(
            "fairlead_transitions",
            "Conditions that changed, as Events tell them: builds, rollouts, failures by reason.",
            ("kind", "reason"),
            registry=self._registry,
        )

    def reconciled(self, kind: str, outcome: str, seconds: float) -> None:
        """``outcome``: done, deferred, gone, blocked, failed."""
        self._seconds.labels(kind, outcome).observe(seconds)

    def transition(self, kind: str, reason: str) -> None:
        self._transitions.labels(kind, reason).inc()

    def gauge(self, name: str, about: str, labels: tuple[str, ...], read: Gauges) -> None:
        """Have ``read`` called at each scrape."""
        self._registry.register(_Gauges(name, about, labels, read))

    def exposed(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)


class _Gauges(Collector):
    def __init__(self, name: str, about: str, labels: tuple[str, ...], read: Gauges) -> None:
        self._about = (name, about)
        self._labels = labels
        self._read = read

    def describe(self) -> Iterable[Metric]:
        return [GaugeMetricFamily(*self._about, labels=self._labels)]

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(*self._about, labels=self._labels)
        for values, number in self._read().items():
            family.add_metric(values, number)
        yield family
