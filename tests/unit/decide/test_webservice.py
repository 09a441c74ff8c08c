from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fairlead.api.objects import InferenceImage, Webservice
from fairlead.api.refs import Manifest
from fairlead.api.webservice import WebserviceStatus
from fairlead.decide.decision import Apply, Create, Decision, Delete
from fairlead.decide.webservice.stages import decide_webservice
from fairlead.desired.child_kinds import CHILD_KINDS
from fairlead.desired.deployment import revision_of
from fairlead.desired.metadata import REVISION
from fairlead.evidence import WebserviceEvidence
from fairlead.settings import Settings
from tests.unit.live import applied, child
from tests.unit.objects import NOW, image, webservice
from tests.unit.pods import crashed

DIGEST = f"sha256:{'1' * 64}"
BUILT = image({"imageLocation": "localhost:5000/demo/diabetes:3", "imageDigest": DIGEST})
REFERENCE = f"localhost:5000/demo/diabetes@{DIGEST}"


def evidence(
    wanted: Webservice,
    of: InferenceImage | None = BUILT,
    children: Mapping[str, Manifest] | None = None,
) -> WebserviceEvidence:
    return WebserviceEvidence(
        wanted,
        of,
        {kind: child(live) for kind, live in (children or {}).items()},
        (),
        ("one", "two"),
        Settings(external_host=""),
    )


def decided(given: WebserviceEvidence) -> Decision[WebserviceStatus]:
    return decide_webservice(given, NOW)


def said(decision: Decision[WebserviceStatus]) -> dict[str, str]:
    return {c.type: f"{c.truth}/{c.reason}" for c in decision.conditions}


def made(wanted: Webservice, **status: Any) -> dict[str, Manifest]:
    """The children as they are once everything was applied."""
    built = (kind.build(wanted, REFERENCE) for kind in CHILD_KINDS)
    counts = {"Deployment": {"observedGeneration": 1, **status}}
    manifests = [manifest for manifest in built if manifest]
    return {m["kind"]: applied(m, counts.get(m["kind"]), replicas=2) for m in manifests}


SERVING = {"replicas": 2, "readyReplicas": 2, "updatedReplicas": 2}


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
    assert decision.actions == ()
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
    assert (decision.actions, decision.requeue_after) == ((), 5)


def test_a_failed_build_is_told_where_it_is_waited_for() -> None:
    failure = {"reason": "PackageNotFound", "class": "User", "message": "no such package"}
    decision = decided(evidence(webservice(), of=image({"failure": failure})))
    assert decision.conditions[0].message == (
        "InferenceImage 'diabetes' has no image: no such package"
    )


def test_an_image_that_went_away_leaves_what_serves_alone() -> None:
    wanted = webservice({"revision": {"active": REFERENCE, "target": REFERENCE}})
    decision = decided(evidence(wanted, of=None, children=made(wanted, **SERVING)))
    assert decision.actions == ()
    assert said(decision)["Available"] == "True/Serving"
    assert said(decision)["Ready"] == "False/ImageNotFound"
    assert decision.status.state == "Healthy"


def test_a_new_image_is_rolled_out_and_is_not_called_serving_before_it_serves() -> None:
    wanted = webservice()
    digest = f"sha256:{'2' * 64}"
    newer = image({"imageLocation": "localhost:5000/demo/diabetes:4", "imageDigest": digest})
    decision = decided(evidence(wanted, newer, made(wanted, **SERVING)))
    [action] = decision.actions
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


def test_a_strangers_object_of_our_name_is_left_alone() -> None:
    wanted = webservice()
    stranger = {"kind": "Service", "metadata": {"name": "diabetes", "uid": "theirs"}}
    children = {**made(wanted, **SERVING), "Service": stranger}
    decision = decided(evidence(wanted, children=children))
    assert decision.actions == ()
    assert said(decision)["Stalled"] == "True/NameTaken"
    assert decision.conditions[0].message == (
        "Service 'diabetes' exists already and belongs to somebody else, so it was left alone, "
        "and nothing was made."
    )


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
    assert decided(evidence(wanted, children=children)).actions == ()
