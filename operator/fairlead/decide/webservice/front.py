"""``FrontReady``: whether requests go through a front, and why not where they should."""

from collections.abc import Iterator
from datetime import datetime

from fairlead.api.conditions import false, true, unknown
from fairlead.api.reasons import Reason
from fairlead.api.status import FailureStatus
from fairlead.decide.decision import FRONT_READY, StageResult
from fairlead.decide.display import count
from fairlead.decide.webservice.ownership import Ownership
from fairlead.desired.child_kinds import FRONT_DEPLOYMENT
from fairlead.desired.front import FrontSettings
from fairlead.diagnosis.front import diagnose_front
from fairlead.diagnosis.pod_refusal import pods_refused
from fairlead.evidence import ChildEvidence, WebserviceEvidence
from fairlead.finding import Finding
from fairlead.redact import redacted

DIRECTLY = "Requests go to the replicas directly, each of which has a queue of its own."


def front_settings(evidence: WebserviceEvidence, owned: Ownership) -> FrontSettings:
    """What the front's children are made from."""
    settings = evidence.settings
    return FrontSettings(
        image=settings.front_image,
        cluster_domain=settings.cluster_domain,
        pull_secret=settings.registry_secret,
        handover_s=settings.front_handover_seconds,
        serves=_ready(owned) > 0,
    )


def front_stage(
    evidence: WebserviceEvidence, owned: Ownership, now: datetime
) -> tuple[StageResult, ...]:
    """Nothing is said of a front where none is wanted."""
    wanted = evidence.webservice.spec.fronted
    if wanted is None:
        return ()
    ready, found = _ready(owned), next(_findings(evidence, owned), None)
    why = f" {redacted(found.message)}" if found else ""
    if ready:
        verb = "is" if wanted.replicas == 1 else "are"
        words = f"{min(ready, wanted.replicas)} of {count(wanted.replicas, 'front')} {verb} ready."
        return (StageResult(true(FRONT_READY, Reason.FRONT_READY, f"{words}{why}")),)
    if found is None:
        words = f"No front is ready yet. {DIRECTLY}"
        return (StageResult(unknown(FRONT_READY, Reason.FRONT_STARTING, words)),)
    failure = _failure(found, f"{why.strip()} {DIRECTLY}", evidence, now)
    condition = false(FRONT_READY, failure.reason, failure.message)
    return (StageResult(condition, failure),)


def _ready(owned: Ownership) -> int:
    live = owned.ours.get(FRONT_DEPLOYMENT.key)
    ready: int = live.status.get("readyReplicas", 0) if live else 0
    return ready


def _findings(evidence: WebserviceEvidence, owned: Ownership) -> Iterator[Finding]:
    live = owned.ours.get(FRONT_DEPLOYMENT.key)
    refusal = _refused(live) if live else None
    if refusal is not None:
        yield refusal
    image = evidence.settings.front_image
    for pod in evidence.front_pods:
        if not pod.leaving and not pod.finished and (found := diagnose_front(pod, image)):
            yield found


def _refused(live: ChildEvidence) -> Finding | None:
    refusal = live.condition("ReplicaFailure")
    if refusal.get("status") != "True":
        return None
    found = pods_refused(str(refusal.get("message", "")))
    words = f"Pods of the front are refused. {found.message}"
    return Finding(Reason.FRONT_UNAVAILABLE, found.class_, words, found.remedy)


def _failure(
    found: Finding, message: str, evidence: WebserviceEvidence, now: datetime
) -> FailureStatus:
    known = evidence.webservice.status.failure
    return FailureStatus(
        reason=found.reason,
        class_=found.class_,
        message=message,
        remedy=found.remedy,
        container=found.container,
        since=known.since if known and known.reason == found.reason else now,
    )
