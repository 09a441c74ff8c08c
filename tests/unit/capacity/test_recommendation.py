from dataclasses import replace

import pytest

from fairlead.capacity.recommendation import Limits, Observed, recommend

SEEN = Observed(
    requests_per_second=20,
    peak_requests_per_second=30,
    run_seconds_p95=10,
    utilization_percent=95,
    queued=4,
    refused_share=0.2,
    replicas=10,
)
LIMITS = Limits(
    minimum=1,
    maximum=10,
    target_utilization=70,
    slots=1,
    queue_wait_seconds=0.5,
    front=True,
)


def test_the_guides_calculation_in_words() -> None:
    found = recommend(SEEN, LIMITS)
    assert (found.minimum, found.maximum) == (286, 644)
    assert found.arithmetic == (
        "20 rps * 10 s / 0.7 / 1 = 286 replicas at least; 30 rps * 10 s / 0.7 / 1 = 429 for the "
        "highest rate of a minute, and half as many again: 644 at most."
    )


@pytest.mark.parametrize(
    ("seen", "limits", "field", "value"),
    [
        ({"refused_share": 0.001}, {}, "", ""),
        ({}, {}, "autoscale.maxReplicas", "644"),
        ({}, {"maximum": None, "minimum": 10}, "replicas", "286"),
        ({"replicas": 3}, {"maximum": 500}, "autoscale.minReplicas", "286"),
        ({"replicas": 3}, {"maximum": 100}, "autoscale.minReplicas", "100"),
        ({"utilization_percent": 40}, {"front": False}, "front.enabled", "true"),
        ({"utilization_percent": 40}, {}, "concurrency.maxQueueWaitMilliseconds", "10000"),
        (
            {"utilization_percent": 40, "replicas": 1},
            {"front": False},
            "concurrency.maxQueueWaitMilliseconds",
            "10000",
        ),
        (
            {"utilization_percent": 40, "run_seconds_p95": 0.1},
            {"minimum": 5},
            "autoscale.minReplicas",
            "6",
        ),
        (
            {"utilization_percent": 40, "run_seconds_p95": 0.1},
            {"minimum": 5, "maximum": None},
            "replicas",
            "6",
        ),
    ],
)
def test_the_one_field_to_change(
    seen: dict[str, float], limits: dict[str, int], field: str, value: str
) -> None:
    found = recommend(replace(SEEN, **seen), replace(LIMITS, **limits))  # type: ignore[arg-type]
    assert (found.field, found.value) == (field, value)
    assert found.advice.endswith(".")


def test_what_the_schema_does_not_take_is_not_recommended() -> None:
    found = recommend(replace(SEEN, requests_per_second=1e9, run_seconds_p95=1e9), LIMITS)
    assert (found.minimum, found.maximum) == (1000, 1000)
