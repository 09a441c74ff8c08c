"""How a rollout stands: replicas, what keeps them from serving, and the v1 state."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fairlead.api.reasons import Reason
from fairlead.api.status import LOG_TAIL_BYTES, FailureClass, FailureStatus
from fairlead.api.webservice import ReplicaCounts, State
from fairlead.desired.metadata import REVISION
from fairlead.diagnosis.pod_events import last_words
from fairlead.diagnosis.pod_refusal import pods_refused
from fairlead.diagnosis.pods import diagnose
from fairlead.evidence import ChildEvidence, PodContext
from fairlead.finding import Finding
from fairlead.pod_evidence import PodEvidence, most_tried
from fairlead.redact import redacted

FINAL_CLASSES = {
    FailureClass.USER,
    FailureClass.AUTH,
    FailureClass.UNKNOWN,
}  # waiting does not help
UNSCHEDULABLE = {Reason.POD_UNSCHEDULABLE, Reason.POD_GATED}
PAUSED = "DeploymentPaused"
SUCCESSION = timedelta(minutes=1)  # a pod that has ended is replaced within seconds


@dataclass(frozen=True)
class Rollout:
    """What the Deployment and its pods say. ``culprit`` is the pod that ``finding`` is about."""

    replicas: ReplicaCounts
    settled: bool
    """The wanted revision was rolled out: no replica of another is left. That more replicas are
    wanted since, or that one has failed since, does not undo it."""
    old: int = 0
    """Ready replicas of other revisions."""
    stuck: bool = False
    """Kubernetes itself gave up: nothing moved for ``progressDeadlineSeconds``."""
    finding: Finding | None = None
    culprit: PodEvidence | None = None
    affected: str | None = None
    says: str = ""
    """What a pod says of itself, where no check knows what it means; empty: nothing."""
    proven: bool = False
    """It is complete by counts that are about the newest spec of the Deployment."""

    @property
    def complete(self) -> bool:
        return self.settled and self.replicas.ready >= self.replicas.desired

    @property
    def stalled(self) -> bool:
        out_of_memory = self.finding and self.finding.reason is Reason.POD_OUT_OF_MEMORY
        return bool(self.finding and (self.finding.class_ in FINAL_CLASSES or out_of_memory))

    @property
    def state(self) -> State:
        """Azure ML v1's word; what still serves is Healthy, whatever a new revision does."""
        if self.replicas.ready:
            return State.HEALTHY
        if self.finding is None:
            return State.TRANSITIONING
        unschedulable = self.finding.reason in UNSCHEDULABLE
        return State.UNSCHEDULABLE if unschedulable else State.UNHEALTHY


def rollout(
    live: ChildEvidence,
    revision: str,
    pods: Sequence[PodEvidence],
    about: PodContext,
) -> Rollout:
    """Judge the Deployment ``live``; pods of the wanted template carry the label ``revision``."""
    replicas = _counts(live)
    ready = [pod for pod in pods if pod.ready and not pod.leaving]
    old = len([pod for pod in ready if _revision(pod) != revision])
    settled = live_revision(live) == revision and _settled(live, replicas, len(ready), old)
    if settled and replicas.ready >= replicas.desired:
        return Rollout(replicas, settled, proven=replicas.ready > 0 and observed(live))
    newest = [pod for pod in pods if not pod.leaving and _revision(pod) == revision]
    active = [pod for pod in newest if not pod.finished]
    refusal = _refused(live) or (None if settled else _paused(live))
    found = _findings(active, about)
    if not found and refusal is None:
        found = _findings(_lately_ended(newest), about)
    if not found:
        says = next((words for pod in active if not pod.ready and (words := last_words(pod))), "")
        says = redacted(says)
        return Rollout(replicas, settled, old, _stuck(live), refusal, says=says)
    reason = Counter(finding.reason for _, finding in found).most_common(1)[0][0]
    culprits = [(pod, finding) for pod, finding in found if finding.reason == reason]
    pod, finding = max(culprits, key=lambda pair: most_tried(pair[0]))
    total = max(len(active), replicas.desired)
    affected = f"{min(len(culprits), total)} of {total}"
    return Rollout(replicas, settled, old, finding=finding, culprit=pod, affected=affected)


def _findings(pods: Iterable[PodEvidence], about: PodContext) -> list[tuple[PodEvidence, Finding]]:
    return [(pod, finding) for pod in pods if (finding := diagnose(pod, about))]


def _lately_ended(pods: Sequence[PodEvidence]) -> list[PodEvidence]:
    """Pods that were evicted or refused, as long as those in their place have not begun to start.

    They are kept for long after they were replaced: an old one explains nothing.
    """
    finished = [pod for pod in pods if pod.finished]
    active = [pod for pod in pods if not pod.finished]
    if not active:
        return finished
    waiting = [pod for pod in active if not pod.ready]
    if not waiting or any(pod.begun for pod in waiting):
        return []
    created = max((pod.created_at for pod in waiting if pod.created_at), default=None)
    return [pod for pod in finished if created and created - pod.ended_at < SUCCESSION]


def rolled_out(live: ChildEvidence | None) -> str:
    """The revision that was rolled out, and serves, by counts that are about the newest spec; empty
    where none is known to be."""
    if live is None or not observed(live):
        return ""
    replicas = _counts(live)
    serves = replicas.ready > 0 and _settled(live, replicas, ready=0, old=0)
    return live_revision(live) if serves else ""


def _counts(live: ChildEvidence) -> ReplicaCounts:
    return ReplicaCounts(
        desired=live.spec.get("replicas", 1),
        ready=live.status.get("readyReplicas", 0),
        updated=live.status.get("updatedReplicas", 0),
    )


def observed(live: ChildEvidence) -> bool:
    """What the Deployment's controller says is about the newest spec."""
    seen, newest = live.status.get("observedGeneration", 0), live.metadata.get("generation", 1)
    return bool(seen >= newest)


def live_revision(live: ChildEvidence) -> str:
    """The revision that the Deployment's pods are made of; empty where its template has none."""
    labels = live.spec.get("template", {}).get("metadata", {}).get("labels", {})
    return str(labels.get(REVISION, ""))


def _settled(live: ChildEvidence, replicas: ReplicaCounts, ready: int, old: int) -> bool:
    """No replica of another revision is left, and those of this one were all ready at a time
    (or are all that a paused Deployment will make).

    The Deployment's controller remembers the latter, across changes of the number of replicas.
    Until it has seen the newest spec its counts may be about the one before: then the pods tell,
    of which ``ready`` are ready, ``old`` of them of another revision.
    """
    if not observed(live):
        return ready > 0 and old == 0
    counted = live.status.get("replicas", 0)
    if replicas.updated >= replicas.desired >= counted and replicas.ready >= replicas.desired:
        return True
    finished = live.condition("Progressing").get("reason") in ("NewReplicaSetAvailable", PAUSED)
    return finished and replicas.updated >= counted


def failure_of(
    progress: Rollout, known: FailureStatus | None, now: datetime
) -> FailureStatus | None:
    """Return the finding as status shows it, with the pod it was seen on and the end of its log."""
    finding, pod = progress.finding, progress.culprit
    if finding is None:
        return None
    same = known if known and known.reason == finding.reason else None
    bare = FailureStatus(
        reason=finding.reason,
        class_=finding.class_,
        message=redacted(finding.message),
        remedy=finding.remedy,
        location=finding.location,
        affected=progress.affected,
        since=same.since if same else now,
    )
    return bare if pod is None else _with_pod(bare, pod, finding, same)


def _with_pod(
    bare: FailureStatus, pod: PodEvidence, finding: Finding, same: FailureStatus | None
) -> FailureStatus:
    """The kubelet drops the log of a dead container now and then: what was read stays."""
    container = pod.find(finding.container)
    said = pod.log if container == pod.failed else None
    said = said or (container.record.traceback if container.record else "")
    said = said or container.termination_message
    tail = _tail(redacted(said)) if said else (same.log_tail if same else None)
    started = {"container": container.name, "pod": pod.name}
    restarts = {"restarts": container.restarts, "log_tail": tail}
    ended = {"exit_code": container.exit_code, **restarts} if container.ended else {}
    return bare.model_copy(update={**started, **ended})


def _tail(text: str) -> str:
    """The end of the text that fits, from the beginning of a line."""
    cut = text.encode()[-LOG_TAIL_BYTES:].decode(errors="ignore")
    return cut if len(cut) == len(text) else cut.partition("\n")[2] or cut


def _revision(pod: PodEvidence) -> str:
    return str(pod.labels.get(REVISION, ""))


def _refused(live: ChildEvidence) -> Finding | None:
    """The ReplicaSet could not make pods at all: a quota, Pod Security, a policy."""
    refusal = live.condition("ReplicaFailure")
    if refusal.get("status") != "True":
        return None
    return pods_refused(str(refusal.get("message", "")))


def _paused(live: ChildEvidence) -> Finding | None:
    """Somebody holds the rollout back; pausing is theirs to do, and theirs to end."""
    if live.condition("Progressing").get("reason") != PAUSED:
        return None
    name = live.metadata["name"]
    return Finding(
        Reason.ROLLOUT_STUCK,
        FailureClass.USER,
        f"Deployment '{name}' is paused, so this revision is not rolled out.",
        f"`kubectl rollout resume deployment {name}` lets it go on.",
    )


def _stuck(live: ChildEvidence) -> bool:
    return live.condition("Progressing").get("reason") == "ProgressDeadlineExceeded"
