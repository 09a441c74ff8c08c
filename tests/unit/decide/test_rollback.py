"""An update that fails for too long, and the image that served before it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fairlead.api.objects import InferenceImage, Webservice
from fairlead.api.refs import Manifest
from fairlead.api.webservice import WebserviceStatus
from fairlead.decide.decision import Apply, Decision
from fairlead.decide.webservice.rollback import Release, choose
from fairlead.decide.webservice.stages import AT_ONCE_S
from fairlead.desired.child_kinds import DEPLOYMENT
from fairlead.desired.deployment import deployment, revision_of
from fairlead.desired.metadata import REVISION
from fairlead.evidence import WebserviceEvidence
from fairlead.pod_evidence import PodEvidence
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
from tests.unit.live import applied, child
from tests.unit.objects import NOW, image, webservice
from tests.unit.pods import crashed

GOOD = f"localhost:5000/demo/diabetes@sha256:{'2' * 64}"
BAD = REFERENCE
SINCE = NOW - timedelta(minutes=30)
ON: Manifest = {"rollout": {"autoRollback": True}}
HALF = {"replicas": 3, "readyReplicas": 2, "updatedReplicas": 1}


def z(at: Any) -> str:
    return str(at.strftime("%Y-%m-%dT%H:%M:%SZ"))


def given_up_by_kubernetes(at: Any = NOW - timedelta(minutes=1)) -> Manifest:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    return {**late, "lastTransitionTime": z(at)}


def known(wanted: Webservice, **revision: Any) -> Manifest:
    """What the status says of a service whose image GOOD served, and that rolls out BAD."""
    pods = revision_of(deployment(wanted, BAD))
    whole = {"active": GOOD, "target": BAD, "pods": pods, "since": z(SINCE)}
    return {"revision": {**whole, "lastGood": {"image": GOOD}, **revision}}


def failing(
    status: Manifest | None = None, condition: Manifest | None = None, **spec: Any
) -> WebserviceEvidence:
    """Half of BAD's rollout, which Kubernetes has given up."""
    bare = webservice(**{**ON, **spec})
    wanted = webservice(known(bare) if status is None else status, **{**ON, **spec})
    counts: Manifest = {**HALF, "conditions": [condition or given_up_by_kubernetes()]}
    broken = pod_of(wanted, BAD)
    return replace(evidence(wanted, children=made(wanted, **counts)), pods=(broken,))


def pod_of(wanted: Webservice, serves: str) -> PodEvidence:
    """A pod of that image, which ends again and again."""
    one = crashed(exitCode=1)
    labels = {**one.labels, REVISION: revision_of(deployment(wanted, serves))}
    return replace(one, pod={**one.pod, "metadata": {**one.metadata, "labels": labels}})


def after(
    before: WebserviceEvidence, decision: Decision[WebserviceStatus], **spec: Any
) -> WebserviceEvidence:
    """The same cluster, with the status that the decision came to, and perhaps another spec."""
    failure = decision.failure.to_wire() if decision.failure else None
    status = {**decision.status.to_wire(), **({"failure": failure} if failure else {})}
    given = before.webservice.spec.to_wire()
    return replace(before, webservice=webservice(status, **{**given, **spec}))


def serving(before: WebserviceEvidence, serves: str, **counts: Any) -> WebserviceEvidence:
    """The Deployment as the operator has applied it, with all of its replicas ready."""
    wanted = before.webservice
    status = {"observedGeneration": 1, **SERVING, "conditions": [PROGRESSED], **counts}
    live = child(applied(deployment(wanted, serves), status, replicas=2))
    return replace(before, children={**before.children, DEPLOYMENT.key: live}, pods=())


def deployed_image(decision: Decision[WebserviceStatus]) -> list[str]:
    """The image of each Deployment that is applied."""
    manifests = [action.manifest for action in changes(decision) if isinstance(action, Apply)]
    found = [m for m in manifests if m["kind"] == "Deployment"]
    return [m["spec"]["template"]["spec"]["containers"][0]["image"] for m in found]


def newer() -> InferenceImage:
    digest = f"sha256:{'3' * 64}"
    return image({"imageLocation": "localhost:5000/demo/diabetes:4", "imageDigest": digest})


def gone_back() -> WebserviceEvidence:
    """BAD was given up, and GOOD is deployed again."""
    before = failing()
    return serving(after(before, decided(before)), GOOD)


def test_what_has_failed_is_said_before_anything_is_done() -> None:
    decision = decided(failing())
    assert changes(decision) == []
    assert decision.requeue_after == AT_ONCE_S
    assert said(decision)["Ready"] == "False/RolledBack"
    assert said(decision)["Stalled"] == "True/RolledBack"
    assert said(decision)["Available"] == "True/Serving"
    revision = decision.status.revision
    assert revision
    assert (revision.active, revision.target) == (GOOD, BAD)
    assert revision.rolled_back
    assert revision.rolled_back.at == NOW
    assert revision.rolled_back.failure.reason == "KubernetesCrashLoopBackOff"


def test_then_the_image_before_is_deployed_as_it_was() -> None:
    before = failing()
    decision = decided(after(before, decided(before)))
    assert deployed_image(decision) == [GOOD]
    [action] = [a for a in changes(decision) if isinstance(a, Apply)]
    assert revision_of(action.manifest) == revision_of(deployment(before.webservice, GOOD))
    assert "Its replicas are not all ready yet." in message(decision)


def message(decision: Decision[WebserviceStatus]) -> str:
    assert decision.failure
    return decision.failure.message


def test_what_was_rolled_back_is_not_tried_again_and_its_cause_is_kept() -> None:
    seen = gone_back()
    decision = decided(seen)
    assert changes(decision) == []
    assert said(decision)["Ready"] == "False/RolledBack"
    assert said(decision)["Available"] == "True/Serving"
    failure, revision = decision.failure, decision.status.revision
    assert failure
    assert revision
    assert (failure.reason, failure.exit_code, failure.pod) == ("RolledBack", 1, "diabetes-1")
    assert f"{BAD} was given up at 2026-11-22T10:00:00Z, after 610 s" in failure.message
    assert f"{GOOD} is served again. The cause, KubernetesCrashLoopBackOff: " in failure.message
    assert "is rolled out at once" in (failure.remedy or "")
    assert (revision.active, revision.target) == (GOOD, BAD)
    assert decision.status.state == "Healthy"
    again = decided(after(seen, decision))
    assert changes(again) == []
    assert again.status == decision.status


def test_a_newer_image_is_rolled_out_at_once() -> None:
    seen = replace(gone_back(), image=newer())
    decision = decided(seen)
    assert [image[-4:] for image in deployed_image(decision)] == ["3333"]
    assert said(decision)["Deployed"] == "Unknown/RollingOut"
    revision = decision.status.revision
    assert revision
    assert (revision.rolled_back, revision.since, revision.active) == (None, NOW, GOOD)


def test_a_spec_that_makes_other_pods_is_rolled_out_at_once() -> None:
    seen = gone_back()
    mended = after(seen, decided(seen), environmentVariables={"A": "b"})
    assert deployed_image(decided(mended)) == [BAD]


@pytest.mark.parametrize(
    "spec", [{"tags": {"a": "b"}}, {"replicas": 5}, {"description": "x"}], ids=str
)
def test_a_spec_that_makes_the_same_pods_tries_nothing_again(spec: Manifest) -> None:
    seen = gone_back()
    again = decided(after(seen, decided(seen), **spec))
    assert BAD not in deployed_image(again)
    assert said(again)["Ready"] == "False/RolledBack"


def test_without_automatic_rollback_the_same_is_tried_again() -> None:
    seen = gone_back()
    off = after(seen, decided(seen), rollout={"autoRollback": False})
    decision = decided(off)
    assert deployed_image(decision) == [BAD]
    assert decision.status.revision
    assert decision.status.revision.rolled_back is None


def test_the_image_that_went_back_to_the_good_one_is_nothing_to_tell() -> None:
    seen = gone_back()
    digest = GOOD.partition("@")[2]
    good = image({"imageLocation": "localhost:5000/demo/diabetes:3", "imageDigest": digest})
    decision = decided(replace(seen, image=good))
    assert changes(decision) == []
    assert said(decision)["Ready"] == "True/Serving"
    assert decision.status.revision
    assert decision.status.revision.rolled_back is None


def test_an_image_that_is_gone_changes_nothing_of_a_rollback() -> None:
    seen = gone_back()
    decision = decided(replace(after(seen, decided(seen)), image=None))
    assert deployed_image(decision) == []
    assert said(decision)["Ready"] == "False/ImageNotFound"
    assert said(decision)["Deployed"] == "False/RolledBack"


def test_what_is_served_instead_and_does_not_get_ready_is_told_too() -> None:
    before = failing(environmentVariables={"A": "broken"})
    half = serving(after(before, decided(before)), GOOD, **HALF, conditions=[])
    decision = decided(replace(half, pods=(pod_of(before.webservice, GOOD),)))
    assert "But that does not get ready either: " in message(decision)
    assert said(decision)["Available"] == "True/Serving"


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        (given_up_by_kubernetes(SINCE - timedelta(minutes=5)), "of a revision before"),
        (given_up_by_kubernetes(SINCE), "of the very second"),
        ({**given_up_by_kubernetes(), "reason": "ReplicaSetUpdated"}, "still moving"),
        ({**given_up_by_kubernetes(), "reason": "DeploymentPaused"}, "paused"),
        ({**given_up_by_kubernetes(), "lastTransitionTime": "yesterday"}, "no time"),
        ({**given_up_by_kubernetes(), "lastTransitionTime": None}, "without a time"),
        ({"type": "Progressing"}, "nothing said"),
    ],
)
def test_nothing_is_rolled_back_before_its_time(condition: Manifest, ids: str) -> None:
    decision = decided(failing(condition=condition))
    assert ids
    assert changes(decision) == []
    assert decision.status.revision
    assert decision.status.revision.rolled_back is None
    assert said(decision)["Ready"] != "False/RolledBack"


def test_counts_about_an_earlier_generation_roll_nothing_back() -> None:
    seen = failing()
    live = seen.children[DEPLOYMENT.key]
    manifest = {**live.manifest, "metadata": {**live.metadata, "generation": 2}}
    newest = {**seen.children, DEPLOYMENT.key: replace(live, manifest=manifest)}
    decision = decided(replace(seen, children=newest))
    assert said(decision)["Ready"] != "False/RolledBack"


@pytest.mark.parametrize(
    "revision",
    [
        {"lastGood": None},
        {"lastGood": {"image": BAD}},
        {"lastGood": {"image": ""}},
        {"pods": "of-others"},
        {"pods": None},
        {"since": None},
        {"since": "2999-01-01T00:00:00Z"},
    ],
    ids=str,
)
def test_without_another_good_image_or_a_beginning_nothing_is_rolled_back(
    revision: Manifest,
) -> None:
    given = {k: v for k, v in known(webservice(**ON), **revision)["revision"].items() if v}
    decision = decided(failing({"revision": given}))
    assert changes(decision) == []
    assert said(decision)["Ready"] == "False/KubernetesCrashLoopBackOff"


def test_nothing_is_rolled_back_where_it_is_not_asked_for() -> None:
    for options in ({}, {"autoRollback": False}, {"progressDeadlineSeconds": 600}):
        decision = decided(failing(rollout=options))
        assert changes(decision) == []
        assert said(decision)["Ready"] == "False/KubernetesCrashLoopBackOff"
    assert said(decided(failing(rollout=None)))["Ready"] == "False/KubernetesCrashLoopBackOff"


def test_a_rollout_that_nobody_explains_is_rolled_back_with_what_there_is_to_say() -> None:
    decision = decided(replace(failing(), pods=()))
    assert said(decision)["Ready"] == "False/RolledBack"
    assert "RolloutStuck: No new replica got ready, and none says why." in message(decision)


def test_what_serves_with_all_its_replicas_is_what_is_gone_back_to() -> None:
    wanted = webservice(**ON)
    decision = decided(evidence(wanted, children=made(wanted, **SERVING)))
    revision = decision.status.revision
    assert revision
    assert revision.last_good
    assert revision.last_good.image == BAD
    assert revision.pods == revision_of(deployment(wanted, BAD))
    assert revision.since == NOW


def test_a_paused_deployment_without_replicas_is_nothing_to_go_back_to() -> None:
    wanted = webservice(**ON)
    paused = {"type": "Progressing", "status": "Unknown", "reason": "DeploymentPaused"}
    decision = decided(evidence(wanted, children=made(wanted, conditions=[paused])))
    assert decision.status.revision
    assert decision.status.revision.last_good is None


def test_what_failed_is_kept_from_being_the_last_good_one() -> None:
    decision = decided(gone_back())
    assert decision.status.revision
    assert decision.status.revision.last_good
    assert decision.status.revision.last_good.image == GOOD


def test_the_image_before_is_pulled_with_the_secret_that_it_was_pulled_with() -> None:
    spec = {"image": "registry/b:2", "imageRef": None, "pullSecretRef": {"name": "new"}, **ON}
    bare = webservice(**spec)
    pods = revision_of(deployment(bare, "registry/b:2", ("new", "shared")))
    record = {"at": z(NOW), "failure": {"reason": "X", "class": "User", "message": "m"}}
    good = {"image": "registry/a:1", "pullSecret": "old"}
    status = {"revision": {"pods": pods, "lastGood": good, "rolledBack": record}}
    target = Release("registry/b:2", "new", ("new", "shared"))
    choice = choose(webservice(status, **spec), target, "shared", NOW)
    assert choice.serve == Release("registry/a:1", "old", ("old", "shared"))
    assert not choice.turns_back


def test_a_deadline_is_kubernetes_own() -> None:
    given = webservice(rollout={"progressDeadlineSeconds": 60}, probes={"initialDelaySeconds": 40})
    assert deployment(given, BAD)["spec"]["progressDeadlineSeconds"] == 60
    assert deployment(webservice(), BAD)["spec"]["progressDeadlineSeconds"] == 610


@pytest.mark.parametrize(
    "junk",
    [
        {"revision": []},
        {"revision": {"rolledBack": {"at": "now"}}},
        {"revision": {"rolledBack": {"at": z(NOW), "failure": {"reason": ""}}}},
        {"revision": {"lastGood": "x", "since": 1}},
        {"revision": {"lastGood": {"image": "x" * 641}}},
    ],
    ids=str,
)
def test_a_status_of_another_shape_is_a_lost_one(junk: Manifest) -> None:
    decision = decided(failing(junk))
    assert changes(decision) == []
    assert said(decision)["Ready"] == "False/KubernetesCrashLoopBackOff"
