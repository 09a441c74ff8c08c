"""The text for Prometheus is what its own client would write of the same figures."""

import pytest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry
from prometheus_client.utils import floatToGoString

from fairlead_scoring.front.http import exposition
from fairlead_scoring.front.http.exposition import counter, counters, gauge, histogram
from fairlead_scoring.front.metrics import Histogram

SAID = 'a "quoted" \\ back\nslash'


def written_by_the_client(*families: object) -> bytes:
    class Given(Collector):
        def collect(self) -> list[object]:  # type: ignore[override]
            return list(families)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Given())
    return generate_latest(registry)


@pytest.mark.parametrize(
    "value",
    [
        *(0, 1, 0.1, 1e-9, -3.5, 999_999, 1_000_000, 1_234_567, 12_345_678.9, 1e16, 1e300),
        *(100_000_000.0, -12_345_678.9, float("inf"), float("-inf"), float("nan")),
    ],
)
def test_numbers_are_written_as_the_client_writes_them(value: float) -> None:
    assert exposition.number(value) == floatToGoString(value)  # type: ignore[no-untyped-call]


def test_the_type_of_the_content_is_that_of_the_client() -> None:
    assert exposition.CONTENT_TYPE == CONTENT_TYPE_LATEST


def test_a_text_is_what_the_client_writes() -> None:
    measured = Histogram()
    for value in (0.0001, 0.3, 7200.0, 12_345_678.0):
        measured.observe(value)
    by_reason = {SAID: 3, "full": 20_000_000}
    labelled = CounterMetricFamily("rejected", SAID, labels=["reason"])
    for reason, count in by_reason.items():
        labelled.add_metric([reason], count)
    buckets = [(bound, float(count)) for bound, count in measured.cumulative()]
    expected = written_by_the_client(
        GaugeMetricFamily("slots", SAID, 2),
        labelled,
        CounterMetricFamily("none", "of them", labels=["reason"]),
        CounterMetricFamily("failures", "of run()", 0),
        HistogramMetricFamily("seconds", "that it took", buckets=buckets, sum_value=measured.sum),
    )
    families = (
        gauge("slots", SAID, 2),
        counters("rejected", SAID, "reason", by_reason.items()),
        counters("none", "of them", "reason", ()),
        counter("failures", "of run()", 0),
        histogram("seconds", "that it took", measured.cumulative(), measured.sum),
    )
    assert exposition.exposition(families) == expected
