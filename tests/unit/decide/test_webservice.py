from dataclasses import replace

import pytest

from fairlead.decide.decision import REQUEUE_SLOW_S, Apply, Create, Delete
from fairlead.desired.deployment import revision_of
from fairlead.desired.metadata import REVISION
from tests.unit.decide.webservices import (
    PROGRESSED,
    REFERENCE,
    SERVING,
    changes,
    decided,
    evidence,
    made,
    said,
)
from tests.unit.objects import image, webservice
from tests.unit.pods import crashed, pod


def test_a_new_service_gets_its_keys_first_and_then_all_its_children() -> None:
    decision = decided(evidence(webservice()))
    kinds = [
        (type(action).__name__, action.manifest["kind"])
        for action in decision.actions
        if isinstance(action, Apply | Create)
    ]
    assert kinds == [
        ("Create", "Secret"),
        ("Apply", "Deployment"),
        ("Apply", "Service"),
        ("Apply", "PodDisruptionBudget"),
        ("Apply", "HorizontalPodAutoscaler"),
    ]
    assert said(decision) == {
        "Ready": "Unknown/RollingOut",
        "Reconciling": "True/RollingOut",
        "ImageReady": "True/ImageReady",
        "Deployed": "Unknown/RollingOut",
        "Available": "Unknown/Starting",
        "Scaling": "Unknown/Pending",
    }


def test_a_service_without_keys_gets_no_secret() -> None:
    decision = decided(evidence(webservice(auth={"enabled": False})))
    assert not [action for action in decision.actions if isinstance(action, Create)]


def test_what_serves_as_it_should_is_left_alone() -> None:
    wanted = webservice()
    decision = decided(evidence(wanted, children=made(wanted, **SERVING)))
    assert changes(decision) == []
    assert said(decision)["Ready"] == "True/Serving"
    status = decision.status
    assert (status.state, status.scoring_uri) == ("Healthy", "http://diabetes.demo.svc/score")
    assert status.swagger_uri == "http://diabetes.demo.svc/swagger.json"
    assert status.display
    assert status.display.replicas == "2/2"
    assert status.revision
    assert (status.revision.active, status.revision.target) == (REFERENCE, REFERENCE)


def test_a_missing_image_is_waited_for_and_nothing_is_made() -> None:
    decision = decided(evidence(webservice(), of=None))
    assert said(decision)["Ready"] == "False/ImageNotFound"
    assert (decision.actions, decision.requeue_after) == ((), REQUEUE_SLOW_S)


def test_a_failed_build_is_told_where_it_is_waited_for() -> None:
    failure = {"reason": "PackageNotFound", "class": "User", "message": "no such package"}
    decision = decided(evidence(webservice(), of=image({"failure": failure})))
    assert decision.conditions[0].message == (
        "InferenceImage 'diabetes' has no image: no such package"
    )


def test_an_image_that_went_away_leaves_what_serves_alone() -> None:
    wanted = webservice({"revision": {"active": REFERENCE, "target": REFERENCE}})
    decision = decided(evidence(wanted, of=None, children=made(wanted, **SERVING)))
    assert changes(decision) == []
    assert said(decision)["Available"] == "True/Serving"
    assert said(decision)["Ready"] == "False/ImageNotFound"
    assert decision.status.state == "Healthy"


def test_a_new_image_is_rolled_out_and_is_not_called_serving_before_it_serves() -> None:
    wanted = webservice()
    digest = f"sha256:{'2' * 64}"
    newer = image({"imageLocation": "localhost:5000/demo/diabetes:4", "imageDigest": digest})
    decision = decided(evidence(wanted, newer, made(wanted, **SERVING)))
    [action] = changes(decision)
    assert isinstance(action, Apply)
    assert action.existing
    assert action.manifest["metadata"]["uid"] == "uid-of-Deployment"
    assert said(decision)["Ready"] == "Unknown/RollingOut"


def test_a_failing_revision_hides_nothing_that_serves() -> None:
    wanted = webservice()
    children = made(wanted, replicas=3, readyReplicas=2, updatedReplicas=1)
    culprit = crashed(exitCode=9)
    culprit.pod["metadata"]["labels"][REVISION] = revision_of(children["Deployment"])
    decision = decided(replace(evidence(wanted, children=children), pods=(culprit,)))
    assert said(decision) == {
        "Ready": "False/KubernetesCrashLoopBackOff",
        "Stalled": "True/KubernetesCrashLoopBackOff",
        "ImageReady": "True/ImageReady",
        "Deployed": "False/KubernetesCrashLoopBackOff",
        "Available": "True/Serving",
        "Scaling": "Unknown/Pending",
    }
    assert decision.status.state == "Healthy"


def test_what_serves_is_kept_whole_after_its_image_went_away() -> None:
    wanted = webservice({"revision": {"active": REFERENCE, "target": REFERENCE}})
    children = made(wanted, **SERVING)
    deployed = {"Deployment": children["Deployment"]}
    decision = decided(evidence(wanted, of=None, children=deployed))
    kinds = [action.manifest["kind"] for action in decision.actions if isinstance(action, Apply)]
    assert kinds == ["Service", "PodDisruptionBudget", "HorizontalPodAutoscaler"]
    assert said(decision)["Ready"] == "False/ImageNotFound"


@pytest.mark.parametrize(
    ("replicas", "status", "message"),
    [
        (5, {}, "2 of 5 replicas are ready."),
        (5, {"replicas": 5, "updatedReplicas": 5}, "2 of 5 replicas are ready."),
        (
            5,
            {"replicas": 5, "updatedReplicas": 5, "readyReplicas": 4},
            "4 of 5 replicas are ready.",
        ),
        (1, {}, "1 of 1 replica is ready."),
    ],
)
def test_scaling_changes_nothing_about_ready(
    replicas: int, status: dict[str, int], message: str
) -> None:
    wanted = webservice(replicas=replicas)
    children = made(wanted, **{**SERVING, **status}, conditions=[PROGRESSED])
    decision = decided(evidence(wanted, children=children))
    assert said(decision)["Ready"] == "True/Serving"
    assert (decision.conditions[0].message, decision.status.state) == (message, "Healthy")


def test_a_rolling_update_says_what_serves() -> None:
    wanted = webservice()
    children = made(wanted, replicas=3, readyReplicas=3, updatedReplicas=1)
    revision = revision_of(children["Deployment"])
    pods = [
        pod("a", "old", ready=True),
        pod("b", "old", ready=True),
        pod("c", revision, ready=True),
    ]
    decision = decided(replace(evidence(wanted, children=children), pods=pods))
    assert said(decision)["Ready"] == "Unknown/RollingOut"
    assert said(decision)["Available"] == "True/Serving"
    assert decision.status.state == "Healthy"
    assert decision.conditions[0].message.startswith(
        "1 of 2 replicas of the new revision are ready, while 2 of the one before serve;"
    )


def test_a_replica_that_fails_beside_others_that_serve_is_told_and_ready_stays() -> None:
    wanted = webservice()
    children = made(wanted, replicas=2, readyReplicas=1, updatedReplicas=2, conditions=[PROGRESSED])
    culprit = crashed(exitCode=9)
    culprit.pod["metadata"]["labels"][REVISION] = revision_of(children["Deployment"])
    decision = decided(replace(evidence(wanted, children=children), pods=(culprit,)))
    assert said(decision)["Ready"] == "True/Serving"
    assert decision.failure
    assert (decision.failure.reason, decision.failure.affected) == (
        "KubernetesCrashLoopBackOff",
        "1 of 2",
    )
    assert decision.failure.message in decision.conditions[0].message


def test_all_replicas_that_fail_after_the_rollout_are_told() -> None:
    wanted = webservice()
    children = made(wanted, replicas=2, readyReplicas=0, updatedReplicas=2, conditions=[PROGRESSED])
    culprit = crashed(exitCode=9)
    culprit.pod["metadata"]["labels"][REVISION] = revision_of(children["Deployment"])
    decision = decided(replace(evidence(wanted, children=children), pods=(culprit,)))
    assert said(decision)["Stalled"] == "True/KubernetesCrashLoopBackOff"
    assert said(decision)["Deployed"] == "True/Deployed"
    assert decision.failure
    assert decision.failure.message in decision.conditions[0].message


def test_a_load_balancer_without_an_address_is_told() -> None:
    wanted = webservice(expose={"type": "LoadBalancer"})
    children = made(wanted, **SERVING)
    decision = decided(evidence(wanted, children=children))
    assert said(decision)["Ready"] == "True/Serving"
    assert "The load balancer has no address yet" in decision.conditions[0].message
    children["Service"]["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}
    decision = decided(evidence(wanted, children=children))
    assert decision.conditions[0].message == "2 of 2 replicas are ready."


def test_the_autoscaler_goes_where_the_number_of_replicas_is_fixed() -> None:
    before, fixed = webservice(), webservice(replicas=2)
    decision = decided(evidence(fixed, children=made(before, **SERVING)))
    [deleted] = [action for action in decision.actions if isinstance(action, Delete)]
    assert (deleted.ref.plural, deleted.uid) == (
        "horizontalpodautoscalers",
        "uid-of-HorizontalPodAutoscaler",
    )


def test_the_number_of_replicas_is_handed_over_and_never_dropped() -> None:
    fixed, scaled = webservice(replicas=4), webservice()
    children = made(fixed, **SERVING)
    decision = decided(evidence(scaled, children=children))
    handover, applied, *_ = [a for a in decision.actions if isinstance(a, Apply)]
    assert (handover.manager, handover.manifest["spec"]) == ("fairlead-replicas", {"replicas": 4})
    assert applied.manager == "fairlead-operator"
    assert "replicas" not in applied.manifest["spec"]


def test_the_autoscalers_number_is_not_written() -> None:
    wanted = webservice()
    children = made(wanted, **SERVING)
    children["Deployment"]["spec"]["replicas"] = 7
    assert changes(decided(evidence(wanted, children=children))) == []
