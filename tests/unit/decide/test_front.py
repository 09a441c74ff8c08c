"""What is decided about a front: when requests go through it, and why where they do not."""

from dataclasses import replace
from typing import Any

import pytest

from fairlead.api.refs import Manifest
from fairlead.api.status import FailureClass
from fairlead.api.webservice import WebserviceStatus
from fairlead.decide.decision import Apply, Decision, Delete
from fairlead.desired.child_kinds import FRONT_DEPLOYMENT
from fairlead.pod_evidence import PodEvidence
from tests.unit.decide.webservices import SERVING, changes, decided, evidence, made, said
from tests.unit.objects import webservice

WANTED = webservice(replicas=2, front={}, auth={"enabled": False})
WITHOUT = webservice(replicas=2, auth={"enabled": False})
IMAGE = "haproxy:3.2.18"
KEY = FRONT_DEPLOYMENT.key


def front_pod(**container: Any) -> PodEvidence:
    status = {"name": "front", "ready": False, "restartCount": 0, "state": {}, **container}
    meta = {"name": "diabetes-fairlead-front-1", "namespace": "demo", "uid": "1"}
    return PodEvidence({"metadata": meta, "status": {"containerStatuses": [status]}}, "front")


def selector(action: object) -> Manifest:
    assert isinstance(action, Apply)
    assert action.manifest["kind"] == "Service"
    return dict(action.manifest["spec"]["selector"])


def with_pod(pod: PodEvidence, children: dict[str, Manifest]) -> Decision[WebserviceStatus]:
    return decided(replace(evidence(WANTED, children=children), front_pods=(pod,)))


def test_a_front_is_made_with_the_rest_and_requests_go_directly_until_it_is_ready() -> None:
    decision = decided(evidence(WANTED))
    applied_kinds = [one.manifest["metadata"]["name"] for one in changes(decision)]  # type: ignore[union-attr]
    assert sorted(applied_kinds) == [
        *("diabetes", "diabetes", "diabetes"),
        "diabetes-fairlead-any",
        *("diabetes-fairlead-front", "diabetes-fairlead-front", "diabetes-fairlead-pod"),
    ]
    [public] = [
        one.manifest["spec"]["selector"]
        for one in changes(decision)
        if isinstance(one, Apply)
        and (one.manifest["kind"], one.manifest["metadata"]["name"]) == ("Service", "diabetes")
    ]
    assert public["app.kubernetes.io/component"] == "scoring"
    assert said(decision)["FrontReady"] == "Unknown/FrontStarting"


def test_once_it_is_ready_the_service_goes_through_it() -> None:
    children = made(WANTED, front=0, **SERVING)
    children[KEY]["status"] = {"readyReplicas": 1}
    decision = decided(evidence(WANTED, children=children))
    [action] = changes(decision)
    assert selector(action)["app.kubernetes.io/component"] == "front"
    assert said(decision)["FrontReady"] == "True/FrontReady"
    settled = decided(evidence(WANTED, children=made(WANTED, front=1, **SERVING)))
    assert changes(settled) == []
    assert said(settled)["Ready"] == "True/Serving"


def test_a_front_that_is_gone_is_gone_around() -> None:
    children = made(WANTED, front=1, **SERVING)
    children[KEY]["status"] = {}
    decision = decided(evidence(WANTED, children=children))
    [action] = changes(decision)
    assert selector(action)["app.kubernetes.io/component"] == "scoring"
    assert said(decision)["Available"] == "True/Serving"
    assert said(decision)["Ready"] == "Unknown/FrontStarting"


def test_a_front_that_is_switched_off_goes_after_the_service_was_turned() -> None:
    children = made(WANTED, front=1, **SERVING)
    decision = decided(evidence(WITHOUT, children=children))
    done = changes(decision)
    kinds = [type(action) for action in done]
    assert kinds == sorted(kinds, key=lambda kind: kind is Delete)
    assert [one.ref.name for one in done if isinstance(one, Delete)] == [
        *("diabetes-fairlead-pod", "diabetes-fairlead-any"),
        *("diabetes-fairlead-front", "diabetes-fairlead-front"),
    ]
    turned = next(
        one for one in done if isinstance(one, Apply) and one.manifest["kind"] == "Service"
    )
    assert selector(turned)["app.kubernetes.io/component"] == "scoring"
    assert "FrontReady" not in said(decision)


def test_an_image_that_cannot_be_pulled_is_the_operators_to_mend() -> None:
    message = f'Failed to pull image "{IMAGE}": not found'
    waiting = {"waiting": {"reason": "ErrImagePull", "message": message}}
    decision = with_pod(front_pod(state=waiting), made(WANTED, **SERVING))
    assert said(decision)["FrontReady"] == "False/FrontImagePullFailed"
    assert said(decision)["Ready"] == "False/FrontImagePullFailed"
    assert said(decision)["Available"] == "True/Serving"
    failure = decision.failure
    assert failure
    assert failure.class_ is FailureClass.INFRASTRUCTURE
    assert IMAGE in failure.message
    assert "FAIRLEAD_FRONT_IMAGE" in str(failure.remedy)


@pytest.mark.parametrize(
    ("container", "words"),
    [
        (
            {"lastState": {"terminated": {"exitCode": 1, "message": "no such option"}}},
            "HAProxy ended with exit code 1 and is started again: no such option",
        ),
        (
            {"lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}},
            "HAProxy ended as it ran out of memory",
        ),
        (
            {"state": {"waiting": {"reason": "CreateContainerError", "message": "no room"}}},
            "A pod of the front does not start. The node cannot make the container: no room",
        ),
    ],
)
def test_a_front_that_does_not_start_is_told(container: Manifest, words: str) -> None:
    decision = with_pod(front_pod(**container), made(WANTED, **SERVING))
    assert said(decision)["FrontReady"] == "False/FrontUnavailable"
    assert decision.failure
    assert words in decision.failure.message
    assert "Requests go to the replicas directly" in decision.failure.message


def test_pods_that_are_refused_are_told() -> None:
    children = made(WANTED, **SERVING)
    refused = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: small"}
    children[KEY]["status"] = {"conditions": [refused]}
    decision = decided(evidence(WANTED, children=children))
    assert said(decision)["FrontReady"] == "False/FrontUnavailable"
    assert decision.failure
    assert "exceeded quota: small" in decision.failure.message


def test_one_that_fails_beside_one_that_serves_takes_nothing_away() -> None:
    waiting = {"waiting": {"reason": "ErrImagePull", "message": "not found"}}
    decision = with_pod(front_pod(state=waiting), made(WANTED, front=1, **SERVING))
    [told] = [one for one in decision.conditions if one.type == "FrontReady"]
    assert (told.truth, "not found" in told.message) == ("True", True)
    assert said(decision)["Ready"] == "True/Serving"


def test_a_strangers_object_of_the_fronts_name_is_left_alone() -> None:
    children = made(WANTED, **SERVING)
    meta = {"name": "diabetes-fairlead-front", "namespace": "demo", "uid": "other"}
    children[KEY] = {"kind": "Deployment", "metadata": meta, "spec": {}, "status": {}}
    decision = decided(evidence(WANTED, children=children))
    assert said(decision)["Deployed"] == "False/NameTaken"
    assert changes(decision) == []
    assert decision.failure
    assert "kubectl delete deployment/diabetes-fairlead-front" in str(decision.failure.remedy)


def test_a_front_that_serves_has_nothing_wrong() -> None:
    ready = front_pod(ready=True)
    ready.pod["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    decision = with_pod(ready, made(WANTED, front=1, **SERVING))
    assert said(decision)["Ready"] == "True/Serving"
    assert decision.failure is None
