import math
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from fairlead.api.meta import REPLICAS_MANAGER
from fairlead.api.refs import Manifest
from fairlead.decide.decision import Apply
from fairlead.decide.webservice.capacity import capacity
from fairlead.decide.webservice.scaling import METRICS_GRACE, scaling
from fairlead.evidence import Answering, MeasuredLoad, ScalingSettings
from fairlead.pod_evidence import PodEvidence
from tests.unit.decide.webservices import PROGRESSED, SERVING, decided, evidence, made, said
from tests.unit.live import child
from tests.unit.objects import NOW, webservice
from tests.unit.pods import pod

NONE_SILENT = Answering()
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


ACTIVE: Manifest = {"conditions": [{"type": "ScalingActive", "status": "True"}]}
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


LOAD = MeasuredLoad(
    requests_per_second=20,
    peak_requests_per_second=30,
    utilization_percent=95,
    refused_share=0.12,
    run_seconds_p95=1.0,
)
LIMITED = {"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas"}
FULL: Manifest = {"conditions": [*ACTIVE["conditions"], LIMITED]}


def homeless() -> PodEvidence:
    words = "0/3 nodes are available: 3 Insufficient cpu."
    scheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    return pod(conditions=({**scheduled, "message": words},))


def short(
    pods: list[PodEvidence],
    status: Manifest = ACTIVE,
    load: MeasuredLoad | None = LOAD,
    answering: Answering = NONE_SILENT,
    **autoscale: str,
) -> tuple[str, str]:
    wanted = webservice(autoscale={"maxReplicas": 3, **autoscale})
    autoscaler = {**made(wanted)["HorizontalPodAutoscaler"], "status": status}
    given = replace(evidence(wanted), pods=pods, scaling=OURS, load=load, answering=answering)
    condition = scaling(child(autoscaler), given, NOW).condition
    return f"{condition.truth}/{condition.reason}", condition.message


def test_at_the_most_replicas_the_field_is_named_where_requests_are_refused() -> None:
    reason, words = short([serving()] * 3, FULL)
    assert reason == "True/AtMaxReplicas"
    assert words == (
        "All 3 replicas of maxReplicas are in use, and 12 % of the requests get 503. "
        "Change autoscale.maxReplicas: 65."
    )
    _, calm = short([serving()] * 3, FULL, None)
    assert calm.endswith("are in use: raise it if requests are refused.")


def test_replicas_that_no_node_takes_are_told_before_the_most_replicas() -> None:
    reason, words = short([serving(), homeless()], FULL)
    assert reason == "False/PodUnschedulable"
    assert words.startswith("1 of 2 replicas wait for a node. No node takes the pod: 0/3 nodes")
    assert "spec.resources (cpu)" in words
    given = replace(evidence(webservice()), pods=[serving(), homeless()], load=LOAD)
    found = capacity(given, 1)
    assert found is not None
    assert (found.refused_because, found.change) == ("unschedulable", None)


def test_a_load_that_rises_faster_than_replicas_start_is_told() -> None:
    reason, words = short([serving()])
    assert reason == "True/SpikeFasterThanStartup"
    assert words == (
        "12 % of the requests get 503: load rises faster than replicas start. "
        "Change autoscale.minReplicas: 3."
    )
    assert short([serving()], load=replace(LOAD, refused_share=0.001))[0] == "True/Scaling"


def test_pods_that_do_not_answer_are_told_while_the_others_stand_for_them() -> None:
    some = Answering(asked=5, silent=1)
    reason, words = short([serving()], load=None, answering=some)
    assert reason == "True/MetricsDegraded"
    assert "1 of 5 pods do not answer the metrics API" in words
    assert short([serving()], load=None, answering=some, metric="CPU")[0] == "True/Scaling"


def test_where_too_many_do_not_answer_the_number_of_replicas_stays() -> None:
    reason, words = short([serving()], blind(), None, Answering(asked=5, silent=3))
    assert reason == "False/MetricsUnavailable"
    assert "the number of replicas stays as it is" in words
    assert "3 of 5 pods do not answer the metrics API" in words


SPIKE = replace(OURS, floor=8)


def lane_actions(settings: ScalingSettings, replicas: int, **autoscale: object) -> list[Apply]:
    """What is done for a service that was deployed before, and has so many replicas."""
    wanted = webservice(autoscale={"fastLane": True, "maxReplicas": 5, **autoscale})
    children = made(wanted, **SERVING, conditions=[PROGRESSED])
    children["Deployment"]["spec"]["replicas"] = replicas
    given = replace(evidence(wanted, children=children), pods=[serving()], scaling=settings)
    return [action for action in decided(given).actions if isinstance(action, Apply)]


def test_for_a_spike_the_autoscaler_is_told_before_the_deployment() -> None:
    autoscaler, deployment = lane_actions(SPIKE, 2)
    assert autoscaler.manifest["spec"]["minReplicas"] == 5  # never more than maxReplicas
    assert deployment.manifest["spec"] == {"replicas": 5}
    assert deployment.manager == REPLICAS_MANAGER
    assert {"uid", "resourceVersion"} < deployment.manifest["metadata"].keys()


@pytest.mark.parametrize(
    ("settings", "replicas", "autoscale"),
    [
        (OURS, 2, {}),
        (SPIKE, 5, {}),
        (SPIKE, 7, {}),
        (SPIKE, 0, {}),  # somebody has stopped it
        (SPIKE, 2, {"fastLane": False}),
    ],
)
def test_else_the_number_of_replicas_is_never_written(
    settings: ScalingSettings, replicas: int, autoscale: dict[str, object]
) -> None:
    kinds = [one.manifest["kind"] for one in lane_actions(settings, replicas, **autoscale)]
    assert "Deployment" not in kinds


def test_a_spike_is_told() -> None:
    wanted = webservice(autoscale={"fastLane": True})
    autoscaler = {**made(wanted)["HorizontalPodAutoscaler"], "status": ACTIVE}
    given = replace(evidence(wanted), pods=[serving()], scaling=SPIKE)
    condition = scaling(child(autoscaler), given, NOW).condition
    assert (condition.reason, condition.message) == (
        "FastLane",
        "A spike needs 8 replicas: there are no fewer for a minute.",
    )
