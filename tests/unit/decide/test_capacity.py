"""``status.capacity``: rounded, so that it seldom changes, and what to change about the service."""

from dataclasses import replace

import pytest

from fairlead.api.capacity import Capacity
from fairlead.decide.webservice.capacity import capacity, rounded
from fairlead.evidence import MeasuredLoad
from tests.unit.decide.webservices import SERVING, decided, evidence, made
from tests.unit.objects import webservice

LOAD = MeasuredLoad(
    requests_per_second=19.87,
    peak_requests_per_second=30.4,
    utilization_percent=93.4,
    queued=3.6,
    refused_per_minute=123.4,
    refused_share=0.1034,
    run_seconds_p95=1.234,
)


def test_what_is_not_known_is_not_said() -> None:
    assert capacity(evidence(webservice()), 3) is None


@pytest.mark.parametrize(("load", "replicas"), [(MeasuredLoad(), 3), (LOAD, 0)])
def test_nothing_is_recommended_where_nothing_ran_or_runs(
    load: MeasuredLoad, replicas: int
) -> None:
    found = capacity(replace(evidence(webservice()), load=load), replicas)
    assert found is not None
    assert (found.recommended_min_replicas, found.arithmetic, found.change) == (None, None, None)


def test_numbers_have_two_digits_and_one_field_is_to_be_changed() -> None:
    assert capacity(replace(evidence(webservice()), load=LOAD), 10) == Capacity(
        requests_per_second=20,
        peak_requests_per_second=30,
        run_seconds_p95=1.2,
        utilization_percent=95,
        queued=4,
        refused_per_minute=120,
        refused_percent=10,
        refused_because="at_max_replicas",
        recommended_min_replicas=35,
        recommended_max_replicas=78,
        arithmetic=(
            "20 rps * 1.2 s / 0.7 / 1 = 35 replicas at least; 30 rps * 1.2 s / 0.7 / 1 = 52 for "
            "the highest rate of a minute, and half as many again: 78 at most."
        ),
        advice="10% of the requests get 503: all replicas that maxReplicas allows are busy.",
        change="autoscale.maxReplicas: 78",
    )


def test_a_fixed_number_is_advised_about_too() -> None:
    given = replace(evidence(webservice(replicas=3, front={})), load=LOAD)
    found = capacity(given, 3)
    assert found is not None
    assert found.change == "replicas: 35"


def test_small_changes_of_a_load_change_nothing() -> None:
    given = evidence(webservice())
    other = replace(
        LOAD, requests_per_second=20.2, utilization_percent=96.1, queued=4.4, refused_share=0.1049
    )
    assert capacity(replace(given, load=LOAD), 3) == capacity(replace(given, load=other), 3)


def test_columns_show_it() -> None:
    wanted = webservice()
    given = evidence(wanted, children=made(wanted, **SERVING))
    display = decided(replace(given, load=LOAD)).status.display
    assert display is not None
    assert (display.utilization, display.queued, display.refused) == ("95%", "4", "120")
    huge = replace(LOAD, utilization_percent=1e9, queued=1e9, refused_per_minute=1e9)
    shown = decided(replace(given, load=huge)).status.display
    assert shown is not None
    assert len(shown.utilization or "") <= 16
    unknown = decided(given).status.display
    assert unknown is not None
    assert unknown.utilization is None


@pytest.mark.parametrize(("value", "two"), [(0, 0), (0.04567, 0.046), (9.96, 10), (12345, 12000)])
def test_two_digits(value: float, two: float) -> None:
    assert rounded(value) == two
