from dataclasses import replace
from typing import Any

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.api.status import FailureClass, FailureStatus
from fairlead.api.webservice import State
from fairlead.decide.webservice.availability import deployed
from fairlead.decide.webservice.rollout import Rollout, failure_of, rollout
from fairlead.desired.child_kinds import DEPLOYMENT
from fairlead.desired.metadata import REVISION
from fairlead.evidence import ChildEvidence, PodContext
from fairlead.observe.projection import project
from fairlead.pod_evidence import PodEvidence
from tests.unit import kubelet
from tests.unit.objects import NOW, THEN
from tests.unit.pods import crashed, pod

ABOUT = PodContext("diabetes", "diabetes", "image", None, 310)


def live(replicas: int = 2, revision: str = "new", total: int = 0, **status: Any) -> ChildEvidence:
    template = {"metadata": {"labels": {REVISION: revision}}}
    seen = {"observedGeneration": 1, "replicas": total, **status}
    spec = {"replicas": replicas, "template": template}
    metadata = {"generation": 1}
    return project(DEPLOYMENT, {"metadata": metadata, "spec": spec, "status": seen})


FINISHED = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}


def nothing_ready(deployment: ChildEvidence) -> Rollout:
    status = {**deployment.status, "readyReplicas": 0}
    return judged(replace(deployment, manifest={**deployment.manifest, "status": status}))


def judged(deployment: ChildEvidence, *pods: PodEvidence) -> Rollout:
    return rollout(deployment, "new", pods, ABOUT)


def test_all_replicas_of_the_newest_revision_are_ready() -> None:
    done = judged(live(replicas=2, readyReplicas=2, updatedReplicas=2))
    assert (done.complete, done.state) == (True, State.HEALTHY)


@pytest.mark.parametrize(
    "deployment",
    [
        pytest.param(live(readyReplicas=2, updatedReplicas=1), id="one is of the old revision"),
        pytest.param(
            live(readyReplicas=2, updatedReplicas=2, observedGeneration=0), id="not seen yet"
        ),
        pytest.param(
            live(revision="old", readyReplicas=2, updatedReplicas=2), id="not applied yet"
        ),
        pytest.param(
            live(total=3, readyReplicas=3, updatedReplicas=2),
            id="an old one is left",
        ),
        pytest.param(live(readyReplicas=1, updatedReplicas=2), id="one is not ready"),
        pytest.param(
            live(total=2, readyReplicas=2, updatedReplicas=1, conditions=[FINISHED]),
            id="what was finished is another revision",
        ),
    ],
)  # fmt: skip
def test_a_rollout_is_not_complete_before_its_end(deployment: ChildEvidence) -> None:
    moving = judged(deployment)
    assert (moving.complete, moving.state) == (False, State.HEALTHY)
    assert (moving.settled, nothing_ready(deployment).state) == (False, State.TRANSITIONING)


@pytest.mark.parametrize(
    "deployment",
    [
        pytest.param(
            live(5, total=5, readyReplicas=2, updatedReplicas=5, conditions=[FINISHED]),
            id="to more, counted",
        ),
        pytest.param(
            live(5, total=2, readyReplicas=2, updatedReplicas=2, conditions=[FINISHED]),
            id="to more, not counted",
        ),
        pytest.param(
            live(5, total=2, readyReplicas=2, updatedReplicas=2, observedGeneration=0),
            id="to more, not seen",
        ),
        pytest.param(
            live(1, total=2, readyReplicas=2, updatedReplicas=2, conditions=[FINISHED]),
            id="to fewer",
        ),
        pytest.param(
            live(2, total=2, readyReplicas=1, updatedReplicas=2, conditions=[FINISHED]),
            id="one has failed",
        ),
    ],
)
def test_a_revision_that_was_rolled_out_stays_so_whatever_becomes_of_its_replicas(
    deployment: ChildEvidence,
) -> None:
    serving = [pod(f"diabetes-{number}", ready=True) for number in range(2)]
    assert judged(deployment, *serving).settled


def test_a_deployment_that_is_paused_is_named() -> None:
    paused = {"type": "Progressing", "status": "Unknown", "reason": "DeploymentPaused"}
    held = judged(live(total=2, readyReplicas=2, updatedReplicas=0, conditions=[paused]))
    assert held.finding
    assert held.finding.reason is Reason.ROLLOUT_STUCK
    assert "is paused" in held.finding.message
    scaled = judged(live(3, total=3, readyReplicas=2, updatedReplicas=3, conditions=[paused]))
    assert (scaled.settled, scaled.finding) == (True, None)


def test_pods_of_another_revision_are_counted_apart() -> None:
    serving = pod("a", ready=True), pod("b", revision="old", ready=True)
    moving = judged(live(readyReplicas=2, updatedReplicas=1), *serving)
    assert (moving.settled, moving.old) == (False, 1)
    unseen = judged(live(readyReplicas=2, updatedReplicas=2, observedGeneration=0), *serving)
    assert (unseen.settled, unseen.old) == (False, 1)


def test_what_still_serves_is_healthy_whatever_the_new_revision_does() -> None:
    failing = judged(live(readyReplicas=2, updatedReplicas=1), crashed(exitCode=9))
    assert failing.finding
    assert (failing.complete, failing.state) == (False, State.HEALTHY)


def test_nothing_serves_and_a_pod_says_why() -> None:
    failing = judged(live(updatedReplicas=2), crashed("a", restarts=1), crashed("b", restarts=3))
    assert failing.state is State.UNHEALTHY
    assert failing.affected == "2 of 2"
    assert failing.culprit
    assert failing.culprit.name == "b"  # the one that has tried most
    assert failing.stalled


def test_pods_of_an_earlier_revision_and_pods_that_leave_are_not_blamed() -> None:
    old = pod("old", revision="old", restartCount=1, lastState={"terminated": {"exitCode": 9}})
    leaving = crashed("leaving")
    leaving.pod["metadata"]["deletionTimestamp"] = "2026-11-22T10:00:00Z"
    assert judged(live(updatedReplicas=2), old, leaving).finding is None


def test_no_room_is_v1s_unschedulable_and_may_pass() -> None:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    full = judged(live(updatedReplicas=1), pod(conditions=(condition,)))
    assert (full.state, full.stalled) == (State.UNSCHEDULABLE, False)


def test_a_quota_that_refuses_the_pods_is_told_in_its_own_words() -> None:
    refusal = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: small"}
    refused = judged(live(conditions=[refusal]))
    assert refused.finding
    assert "exceeded quota: small" in refused.finding.message


EVICTED: Manifest = {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}


def made(at_s: float, manifest: Manifest, name: str) -> PodEvidence:
    """The pod under another name, made ``at_s`` seconds after the first."""
    manifest["metadata"] |= {"name": name, "creationTimestamp": kubelet.at(at_s)}
    return kubelet.evidence(manifest)


def evicted(at_s: float = 0) -> PodEvidence:
    conditions = [kubelet.condition("Ready", "False", at_s, reason="PodFailed")]
    return made(0, kubelet.pod(conditions=conditions, **EVICTED), "evicted")


def test_an_evicted_pod_is_told_until_the_one_in_its_place_begins() -> None:
    waiting = made(601, kubelet.pod(conditions=[]), "waiting")
    told = judged(live(replicas=1, updatedReplicas=1), evicted(600), waiting)
    assert told.finding
    assert (told.finding.reason, told.affected) == ("PodEvicted", "1 of 1")
    alone = judged(live(replicas=1), evicted(600))
    assert alone.finding
    starting = made(601, kubelet.pod(kubelet.container(state=kubelet.running())), "starting")
    assert judged(live(replicas=1, updatedReplicas=1), evicted(600), starting).finding is None


def test_a_pod_that_was_evicted_long_ago_explains_nothing() -> None:
    later = made(9000, kubelet.pod(conditions=[]), "later")
    assert judged(live(replicas=1, updatedReplicas=1), evicted(600), later).finding is None
    serving = made(601, kubelet.pod(conditions=[kubelet.condition("Ready", "True")]), "serving")
    assert judged(live(replicas=2, readyReplicas=1), evicted(600), serving).finding is None


def test_what_is_wrong_with_a_pod_that_is_there_goes_before_one_that_was_evicted() -> None:
    there = made(601, kubelet.crashed(9), "there")
    told = judged(live(replicas=1, updatedReplicas=1), evicted(600), there)
    assert told.finding
    assert told.finding.reason == "KubernetesCrashLoopBackOff"
    refusal = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: small"}
    refused = judged(live(conditions=[refusal]), evicted(600))
    assert refused.finding
    assert refused.finding.reason == "PodRefused"


def test_a_failure_of_a_sidecar_shows_the_sidecars_end_and_log() -> None:
    proxy = kubelet.container(
        "proxy", lastState=kubelet.terminated(7), state=kubelet.BACK_OFF, restartCount=3
    )
    scoring = kubelet.container(state=kubelet.running(), ready=True, started=True)
    seen = kubelet.evidence(kubelet.pod(scoring, proxy), log="proxy: no config")
    said = failure_of(judged(live(updatedReplicas=2), seen), None, NOW)
    assert said
    assert (said.container, said.exit_code, said.restarts) == ("proxy", 7, 3)
    assert (said.reason, said.log_tail) == ("InjectedContainerFailed", "proxy: no config")


def test_a_log_that_cannot_be_read_is_the_end_that_the_kubelet_kept() -> None:
    seen = kubelet.evidence(kubelet.crashed(9, message="Boom"))
    said = failure_of(judged(live(updatedReplicas=2), seen), None, NOW)
    assert said
    assert said.log_tail == "Boom"


def test_a_gate_is_v1s_unschedulable() -> None:
    scheduled = kubelet.condition("PodScheduled", "False", reason="SchedulingGated")
    gated = judged(live(), kubelet.evidence(kubelet.pod(conditions=[scheduled])))
    assert gated.state is State.UNSCHEDULABLE


def test_a_rollout_that_is_stuck_says_what_a_pod_says() -> None:
    gate: Manifest = {"reason": "ReadinessGatesNotReady", "message": "gate 'x' is unset"}
    seen = kubelet.pod(conditions=[kubelet.condition("Ready", "False", **gate)])
    stuck = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    moving = judged(live(conditions=[stuck]), kubelet.evidence(seen))
    said = deployed(moving, None, 310)
    assert said.condition.reason == "RolloutStuck"
    assert "nothing moves: a pod says: gate 'x' is unset. See `kubectl" in said.condition.message
    silent = deployed(judged(live(conditions=[stuck])), None, 310)
    assert "no pod says why. See `kubectl get pods`" in silent.condition.message


@pytest.mark.parametrize(
    ("said", "class_", "remedy"),
    [
        ("exceeded quota: small, requested: pods=1", FailureClass.RESOURCE, "for room"),
        ("failed quota: small: must specify limits.cpu for: scoring", FailureClass.USER,
         "spec.resources.limits"),
        ("maximum memory usage per Container is 1Gi, but limit is 2Gi", FailureClass.USER,
         "limit range"),
        ('violates PodSecurity "restricted:latest": privileged (container "proxy")',
         FailureClass.INFRASTRUCTURE, "what was added to the pod"),
        ('admission webhook "p.example.com" denied the request: no', FailureClass.USER, "policy"),
        ("", FailureClass.RESOURCE, "Ask whoever runs the namespace."),
    ],
)  # fmt: skip
def test_who_refuses_the_pods_is_told_by_who_can_act(
    said: str, class_: FailureClass, remedy: str
) -> None:
    refusal = {"type": "ReplicaFailure", "status": "True", "message": said}
    refused = judged(live(conditions=[refusal])).finding
    assert refused
    assert (refused.reason, refused.class_) == ("PodRefused", class_)
    assert remedy in (refused.remedy or "")


def failure(log: str | None, known: FailureStatus | None = None) -> FailureStatus:
    found = failure_of(judged(live(updatedReplicas=2), crashed(exitCode=9, log=log)), known, NOW)
    assert found
    return found


def test_a_failure_carries_the_pod_its_restarts_and_the_end_of_its_log() -> None:
    said = failure("Traceback…\nValueError: x\n")
    assert (said.pod, said.container, said.affected) == ("diabetes-1", "scoring", "1 of 2")
    assert (said.exit_code, said.restarts, said.since) == (9, 4, NOW)
    assert said.log_tail == "Traceback…\nValueError: x\n"


def test_a_log_is_bounded_from_its_beginning_at_a_line() -> None:
    tail = failure("é" * 5000 + "\n" + "x" * 100 + "\nlast\n").log_tail
    assert tail == "x" * 100 + "\nlast\n"


def test_secrets_in_a_log_are_not_shown() -> None:
    assert "hunter2" not in (failure("password=hunter2\n").log_tail or "")


def test_a_log_that_is_gone_by_now_was_read_before() -> None:
    known = FailureStatus(
        reason="KubernetesCrashLoopBackOff",
        class_=FailureClass.UNKNOWN,
        message="",
        since=THEN,
        log_tail="seen\n",
    )
    said = failure(None, known)
    assert (said.log_tail, said.since) == ("seen\n", THEN)
