import math
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from fairlead.api.refs import Manifest
from fairlead.decide.decision import Apply
from fairlead.decide.webservice.scaling import METRICS_GRACE, scaling
from fairlead.evidence import ScalingSettings
from fairlead.pod_evidence import PodEvidence
from tests.unit.decide.webservices import PROGRESSED, SERVING, decided, evidence, made, said
from tests.unit.live import child
from tests.unit.objects import NOW, webservice
from tests.unit.pods import pod

LONG_AGO = NOW - timedelta(hours=1)


def blind(since: datetime = LONG_AGO) -> Manifest:
    """The status of an autoscaler that gets no metrics."""
    condition = {
        "type": "ScalingActive",
        "status": "False",
        "reason": "FailedGetResourceMetric",
        "message": "no metrics returned",
        "lastTransitionTime": since.isoformat(),
    }
    return {"conditions": [condition]}


def serving(since: datetime = LONG_AGO) -> PodEvidence:
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": since.isoformat()}
    return pod(conditions=(ready,), ready=True, state={"running": {}})


def told(pods: list[PodEvidence], status: Manifest) -> tuple[str, float]:
    wanted = webservice()
    autoscaler = {**made(wanted)["HorizontalPodAutoscaler"], "status": status}
    result = scaling(child(autoscaler), replace(evidence(wanted), pods=pods), NOW)
    return f"{result.condition.truth}/{result.condition.reason}", result.changes_in_s


def test_while_no_replica_is_ready_there_is_nothing_to_measure() -> None:
    assert told([], blind()) == ("Unknown/Pending", math.inf)
    assert told([pod()], blind()) == ("Unknown/Pending", math.inf)


@pytest.mark.parametrize(
    ("pods", "since"),
    [
        ([serving(NOW - timedelta(seconds=30))], LONG_AGO),
        ([serving()], NOW - timedelta(seconds=30)),
    ],
    ids=["the replica is new", "the metrics were there a moment ago"],
)
def test_metrics_that_are_not_there_yet_are_waited_for(
    pods: list[PodEvidence], since: datetime
) -> None:
    words, left_s = told(pods, blind(since))
    assert words == "Unknown/MetricsUnavailable"
    assert left_s == pytest.approx(METRICS_GRACE.total_seconds() - 30)


def test_whether_the_autoscaler_has_looked_is_no_news_while_nothing_is_ready() -> None:
    wanted = webservice()
    before = scaling(None, replace(evidence(wanted), pods=[pod()]), NOW)
    assert before.condition.message.startswith("No replica is ready")
    assert told([pod()], {}) == told([pod()], blind()) == ("Unknown/Pending", math.inf)
    assert told([serving()], {}) == ("Unknown/Pending", math.inf)


def test_metrics_that_do_not_come_are_missed() -> None:
    assert told([serving()], blind()) == ("False/MetricsUnavailable", math.inf)


def test_what_changes_by_time_alone_is_looked_at_again_when_it_does() -> None:
    wanted = webservice()
    children = made(wanted, **SERVING, conditions=[PROGRESSED])
    children["HorizontalPodAutoscaler"]["status"] = blind()
    given = replace(
        evidence(wanted, children=children), pods=[serving(NOW - timedelta(seconds=30))]
    )
    decision = decided(given)
    assert said(decision)["Scaling"] == "Unknown/MetricsUnavailable"
    assert 90 <= decision.due_in_s <= 92


ACTIVE = {"conditions": [{"type": "ScalingActive", "status": "True"}]}
OURS = ScalingSettings(installed=True, tolerance=True)
TAKEN = ScalingSettings(installed=True, taken_by="Service monitoring/prometheus-adapter")


def judged(settings: ScalingSettings, status: Manifest, **autoscale: str) -> tuple[str, str]:
    wanted = webservice(autoscale=autoscale)
    autoscaler = {**made(wanted)["HorizontalPodAutoscaler"], "status": status}
    given = replace(evidence(wanted), pods=[serving()], scaling=settings)
    condition = scaling(child(autoscaler), given, NOW).condition
    return condition.reason, condition.message


@pytest.mark.parametrize(
    ("settings", "autoscale", "reason", "words"),
    [
        (OURS, {}, "Scaling", "at 70 % of their slots."),
        (OURS, {"metric": "Concurrency"}, "Scaling", "at 70 % of their slots."),
        (OURS, {"metric": "CPU"}, "Scaling", "at 70 % of their CPU."),
        (ScalingSettings(), {}, "Scaling", "at 70 % of their CPU."),
        (ScalingSettings(), {"metric": "Concurrency"}, "MetricsApiMissing", "not installed"),
        (TAKEN, {}, "MetricsApiTaken", "served by Service monitoring/prometheus-adapter"),
        (TAKEN, {"metric": "CPU"}, "Scaling", "at 70 % of their CPU."),
    ],
)
def test_what_it_scales_by_and_why_not_by_requests(
    settings: ScalingSettings, autoscale: dict[str, str], reason: str, words: str
) -> None:
    found, message = judged(settings, ACTIVE, **autoscale)
    assert found == reason
    assert words in message


def test_without_numbers_of_requests_their_source_is_named() -> None:
    reason, message = judged(OURS, blind())
    assert reason == "MetricsUnavailable"
    assert "no metrics of slots" in message
    assert "metrics API" in message


def test_the_autoscaler_goes_by_requests_where_they_are_counted() -> None:
    given = replace(evidence(webservice()), scaling=OURS)
    [autoscaler] = [
        action.manifest
        for action in decided(given).actions
        if isinstance(action, Apply) and action.manifest["kind"] == "HorizontalPodAutoscaler"
    ]
    assert autoscaler["spec"]["metrics"][0]["type"] == "Object"


def test_in_debug_mode_nothing_scales() -> None:
    condition = scaling(None, evidence(webservice(debug={}, replicas=3)), NOW).condition
    assert condition.message == "spec.debug is on: one replica; nothing scales."
