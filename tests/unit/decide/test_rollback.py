"""An update that fails for too long, and the image that served before it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fairlead.api.objects import InferenceImage, Webservice
from fairlead.api.refs import Manifest
from fairlead.api.status import FailureClass
from fairlead.api.webservice import WebserviceStatus
from fairlead.decide.decision import Apply, Decision
from fairlead.decide.webservice.rollback import Release, choose
from fairlead.decide.webservice.stages import AT_ONCE_S, decide_webservice
from fairlead.desired.child_kinds import DEPLOYMENT, SERVICE
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
from tests.unit.pods import crashed, pod

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


def test_an_outage_of_what_serves_instead_goes_before_the_record() -> None:
    seen = gone_back()
    known_now = after(seen, decided(seen))
    down = serving(known_now, GOOD, readyReplicas=0)
    decision = decided(replace(down, pods=(pod_of(known_now.webservice, GOOD),)))
    assert said(decision)["Available"] == "False/KubernetesCrashLoopBackOff"
    assert said(decision)["Deployed"] == "False/RolledBack"
    assert decision.failure
    assert decision.failure.reason == "KubernetesCrashLoopBackOff"
    [told] = [one.message for one in decision.conditions if one.type == "Ready"]
    assert f"{GOOD} is served again. But that is not well now: " in told
    assert "The cause, KubernetesCrashLoopBackOff: " in told
    assert decision.status.revision
    assert decision.status.revision.rolled_back


def test_an_outage_that_nothing_explains_is_told_too() -> None:
    seen = gone_back()
    decision = decided(serving(after(seen, decided(seen)), GOOD, readyReplicas=0))
    assert "But none of its replicas is ready now. The cause, " in message(decision)


def test_what_never_got_ready_instead_goes_before_the_record_where_nothing_serves() -> None:
    seen = gone_back()
    known_now = after(seen, decided(seen))
    none = {"readyReplicas": 0, "updatedReplicas": 1, "conditions": []}
    half = serving(known_now, GOOD, **none)
    decision = decided(replace(half, pods=(pod_of(known_now.webservice, GOOD),)))
    assert decision.failure
    assert decision.failure.reason == "KubernetesCrashLoopBackOff"
    assert said(decision)["Ready"] == "False/RolledBack"


def test_what_is_given_up_just_now_is_told_even_where_nothing_serves() -> None:
    seen = failing()
    live = seen.children[DEPLOYMENT.key]
    status = {**live.status, "readyReplicas": 0}
    none = replace(live, manifest={**live.manifest, "status": status})
    decision = decided(replace(seen, children={**seen.children, DEPLOYMENT.key: none}))
    assert decision.failure
    assert decision.failure.reason == "RolledBack"
    assert "But " not in message(decision)


def test_the_words_of_a_record_fit_into_the_status_however_long_its_cause_is() -> None:
    seen = gone_back()
    status = seen.webservice.status.to_wire()
    status["revision"]["rolledBack"]["failure"]["message"] = "x" * 4096
    long = replace(seen, webservice=webservice(status, **seen.webservice.spec.to_wire()))
    assert len(message(decided(long))) == 4096


FULL = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}


def unschedulable(given: WebserviceEvidence) -> WebserviceEvidence:
    """The same, with a pod that no node has room for."""
    words = "0/3 nodes are available: 3 Insufficient cpu."
    revision = revision_of(deployment(given.webservice, BAD))
    return replace(given, pods=(pod(revision=revision, conditions=({**FULL, "message": words},)),))


def test_what_waiting_may_cure_is_not_given_up() -> None:
    decision = decided(unschedulable(failing()))
    assert said(decision)["Ready"] == "False/PodUnschedulable"
    assert message(decision).endswith(
        "It is not rolled back (spec.rollout.autoRollback): waiting may cure it."
    )
    assert decision.failure
    assert decision.failure.class_ is FailureClass.RESOURCE
    assert decision.status.revision
    assert decision.status.revision.rolled_back is None


def test_no_remedy_promises_another_try_of_what_was_given_up() -> None:
    seen = gone_back()
    status = seen.webservice.status.to_wire()
    cause = status["revision"]["rolledBack"]["failure"]
    remedies = {
        "Correct it; it is tried again by itself.": "Correct it.",
        "Secret 'a.b' is made again by itself, with new keys. See it.": "See it.",
        "See what it names. It is tried again by itself.": "See what it names.",
        "Give it more.": "Give it more.",
    }
    for remedy, kept in remedies.items():
        cause["remedy"] = remedy
        told = replace(seen, webservice=webservice(status, **seen.webservice.spec.to_wire()))
        failure = decided(told).failure
        assert failure
        assert str(failure.remedy).startswith(f"{kept} The next image, or a change of ")


def test_what_has_got_ready_after_all_is_not_rolled_back() -> None:
    before = failing()
    decision = decided(serving(after(before, decided(before)), BAD))
    assert changes(decision) == []
    assert said(decision)["Ready"] == "True/Serving"
    revision = decision.status.revision
    assert revision
    assert revision.rolled_back is None
    assert (revision.active, revision.since) == (BAD, NOW)
    assert revision.last_good
    assert revision.last_good.image == BAD


@pytest.mark.parametrize("counts", [{"readyReplicas": 0}, {"observedGeneration": 0}], ids=str)
def test_what_has_not_got_ready_for_sure_is_rolled_back(counts: Manifest) -> None:
    before = failing()
    decision = decided(serving(after(before, decided(before)), BAD, **counts))
    assert deployed_image(decision) == [GOOD]


def test_what_is_tried_again_has_its_whole_time() -> None:
    """The Deployment's condition may be that of what was served instead."""
    seen = gone_back()
    off = after(seen, decided(seen), rollout={"autoRollback": False})
    decision = decided(off)
    assert decision.status.revision
    assert decision.status.revision.since == NOW
    on = after(off, decision, **ON)
    again = decided(serving(on, BAD, **HALF, conditions=[given_up_by_kubernetes()]))
    assert said(again)["Ready"] != "False/RolledBack"


@pytest.mark.parametrize(
    ("revision", "why"),
    [
        ({"lastGood": None}, "no other image is known that served with all its replicas ready."),
        (
            {"pods": None, "since": None},
            "it had failed by 2026-11-22T10:00:00Z already, and is not known to be wanted for "
            "longer.",
        ),
    ],
    ids=str,
)
def test_why_nothing_is_rolled_back_is_told(revision: Manifest, why: str) -> None:
    given = {k: v for k, v in known(webservice(**ON), **revision)["revision"].items() if v}
    seen = failing({"revision": given})
    for decision in (decided(seen), decided(replace(seen, pods=()))):
        [told] = [one.message for one in decision.conditions if one.type == "Deployed"]
        assert told.endswith(f" It is not rolled back (spec.rollout.autoRollback): {why}")
    off = {"rollout": {"progressDeadlineSeconds": 600}}
    assert "rolled back" not in message(decided(failing({"revision": given}, **off)))


@pytest.mark.parametrize(
    ("ready", "generation"), [(1, 1), (2, 2)], ids=["not all ready", "counts of before"]
)
def test_the_last_good_one_had_all_its_replicas_ready(ready: int, generation: int) -> None:
    wanted = webservice(**ON)
    counts: Manifest = {**SERVING, "readyReplicas": ready, "conditions": [PROGRESSED]}
    seen = evidence(wanted, children=made(wanted, **counts))
    live = seen.children[DEPLOYMENT.key]
    newest = {**live.manifest, "metadata": {**live.metadata, "generation": generation}}
    children = {**seen.children, DEPLOYMENT.key: replace(live, manifest=newest)}
    running = pod(
        revision=revision_of(deployment(wanted, BAD)),
        ready=True,
        conditions=({"type": "Ready", "status": "True"},),
    )
    decision = decided(replace(seen, children=children, pods=(running,)))
    assert said(decision)["Deployed"] == "True/Deployed"
    assert decision.status.revision
    assert decision.status.revision.last_good is None


def test_what_a_deployment_runs_that_must_not_be_touched_is_not_known_to_be_good() -> None:
    """Another child has somebody else's name: nothing is applied, whatever is wanted."""
    seen = evidence(webservice(known(webservice(**ON)), **ON))
    whole = serving(replace(seen, children=dict(evidence(seen.webservice).children)), GOOD)
    taken = child(made(webservice(), **SERVING)[SERVICE.key])
    metadata = {**taken.metadata, "ownerReferences": [], "labels": {}}
    foreign = replace(taken, manifest={**taken.manifest, "metadata": metadata})
    decision = decided(replace(whole, children={**whole.children, SERVICE.key: foreign}))
    assert said(decision)["Deployed"] == "False/NameTaken"
    assert decision.status.revision
    assert decision.status.revision.last_good
    assert decision.status.revision.last_good.image == GOOD


def test_the_secret_of_the_last_good_one_is_its_own() -> None:
    """Not that of what was given up."""
    spec = {"image": "registry/b:2", "imageRef": None, "pullSecretRef": {"name": "new"}, **ON}
    pods = revision_of(deployment(webservice(**spec), "registry/b:2", ("new",)))
    cause = {"reason": "X", "class": "User", "message": "m", "since": z(NOW)}
    record = {"at": z(NOW), "failure": cause}
    good = {"image": "registry/a:1", "pullSecret": "old"}
    wanted = webservice(
        {"revision": {"pods": pods, "lastGood": good, "rolledBack": record}}, **spec
    )
    live = applied(
        deployment(wanted, "registry/a:1", ("old",)),
        {"observedGeneration": 1, **SERVING, "conditions": [PROGRESSED]},
        replicas=2,
    )
    children = {**made(wanted, **SERVING), DEPLOYMENT.key: live}
    decision = decided(evidence(wanted, None, children))
    assert said(decision)["Deployed"] == "False/RolledBack"
    assert decision.status.revision
    assert decision.status.revision.last_good
    assert decision.status.revision.last_good.pull_secret == "old"


def test_a_deployment_that_is_still_of_the_image_before_gives_nothing_up() -> None:
    """What Kubernetes has given up there is not what is wanted."""
    seen = failing()
    late = {**HALF, "conditions": [given_up_by_kubernetes()]}
    decision = decided(serving(seen, GOOD, **late))
    assert deployed_image(decision) == [BAD]
    assert decision.status.revision
    assert decision.status.revision.rolled_back is None


def test_what_is_all_ready_is_not_given_up_whatever_was_said_of_it() -> None:
    decision = decided(serving(failing(), BAD, conditions=[given_up_by_kubernetes()]))
    assert said(decision)["Ready"] == "True/Serving"
    assert decision.status.revision
    assert decision.status.revision.rolled_back is None


def test_what_was_given_up_stays_given_up_at_that_time() -> None:
    """Though the children did not follow yet."""
    before = failing()
    again = decide_webservice(after(before, decided(before)), NOW + timedelta(minutes=5))
    assert again.status.revision
    assert again.status.revision.rolled_back
    assert again.status.revision.rolled_back.at == NOW
