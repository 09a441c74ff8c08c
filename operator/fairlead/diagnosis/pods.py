"""Why a pod does not serve: a chain of small checks over gathered evidence, the first finding wins.

Where the pod is comes first (no node, no image, no sandbox: nothing else can be true yet), then how
its containers ended. What the kernel, the runtime or the kubelet say goes before what can be
guessed from outside.
"""

from collections.abc import Callable, Iterator

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.diagnosis.containers import (
    EXEC_FORMAT_ERROR,
    NOT_RUN,
    WRONG_PLATFORM,
    another_container_failed,
    could_not_start,
    ended,
    exited,
    init_ran_out_of_time,
    killed,
    liveness_failed,
    lost,
    memory_ran_out,
    wrong_platform,
)
from fairlead.diagnosis.image_pull import CANNOT_PULL, image_cannot_be_pulled
from fairlead.diagnosis.pod_events import cannot_be_set_up, not_ready
from fairlead.diagnosis.runtime_settings import setting_refused
from fairlead.diagnosis.scheduling import scheduling_gated, unschedulable
from fairlead.evidence import PodContext
from fairlead.finding import Finding
from fairlead.pod_evidence import ContainerEvidence, PodEvidence, Role

Check = Callable[[PodEvidence, PodContext], Finding | None]
PASSING = {"", "ContainerCreating", "PodInitializing", "CrashLoopBackOff"}  # of waiting containers
EVICTED = {"Evicted", "Preempting"}
SHUT_DOWN = {"Terminated", "Shutdown", "NodeShutdown"}


def node_lost(pod: PodEvidence, _: PodContext) -> Finding | None:
    """The kubelet is silent: the control plane takes ``Ready`` away, and gives no reason."""
    ready = pod.condition("Ready")
    silent = (
        ready.get("status") == "False"
        and not ready.get("reason")
        and pod.condition("ContainersReady").get("status") == "True"
    )
    if not (silent or pod.phase == "Unknown" or pod.reason == "NodeLost"):
        return None
    node = f"Node '{pod.node}'" if pod.node else "The node"
    said = f" ({pod.message})" if pod.message else ""
    return Finding(
        Reason.NODE_LOST,
        FailureClass.INFRASTRUCTURE,
        f"{node} does not answer, so nobody knows what becomes of the pod{said}.",
        "See the node. If it stays away, Kubernetes makes the pod anew elsewhere, after 5 minutes.",
    )


def evicted(pod: PodEvidence, _: PodContext) -> Finding | None:
    if not pod.finished or pod.reason not in EVICTED | SHUT_DOWN:
        return None
    said = pod.message or pod.reason
    remedy = "See the node. Another pod is made by itself."
    if pod.reason in EVICTED:
        remedy = (
            f"{_eviction_remedy(said)} or give the nodes more room. Another pod is made by itself."
        )
    where = f" from node '{pod.node}'" if pod.node else ""
    return Finding(
        Reason.POD_EVICTED,
        FailureClass.RESOURCE,
        f"The pod was evicted{where}: {said.strip()}",
        remedy,
    )


def _eviction_remedy(said: str) -> str:
    if "memory" in said.lower():
        return (
            "Ask for what it uses in spec.resources.memory (pods that use more than they ask for "
            "go first),"
        )
    return "Let the script write less to disk (/tmp counts),"


def rejected(pod: PodEvidence, _: PodContext) -> Finding | None:
    """The node's kubelet did not admit the pod: OutOfcpu, NodeAffinity, and the like."""
    if not pod.finished or not pod.reason:
        return None
    said = f"{pod.reason}: {pod.message}" if pod.message else pod.reason
    where = f"Node '{pod.node}'" if pod.node else "The node"
    return Finding(
        Reason.POD_REJECTED,
        FailureClass.INFRASTRUCTURE,
        f"{where} does not take the pod: {said}",
        "Another pod is made by itself. If nodes go on refusing, see them: the scheduler and the "
        "kubelet disagree about what there is room for.",
    )


def container_cannot_be_made(pod: PodEvidence, _: PodContext) -> Finding | None:
    """Whatever the kubelet waits for that is not on its way."""
    for container, reason, said in _not_made(pod):
        own = container.role is Role.SCORING
        remedy = (
            WRONG_PLATFORM
            if EXEC_FORMAT_ERROR in said
            else "Correct what it names; it is tried again by itself."
        )
        return Finding(
            Reason.CONTAINER_CONFIG_INVALID,
            FailureClass.USER if own else FailureClass.INFRASTRUCTURE,
            f"The node cannot make {_called(container)}: {said or reason}",
            remedy,
            container=container.name,
        )
    return None


def _not_made(pod: PodEvidence) -> Iterator[tuple[ContainerEvidence, str, str]]:
    """The container, the kubelet's reason and its message."""
    for container in pod.containers:
        if container.waiting_reason not in PASSING | CANNOT_PULL:
            yield container, container.waiting_reason, container.waiting_message
        elif container.failed and container.end_reason in NOT_RUN:
            yield container, container.end_reason, container.termination_message


def _called(container: ContainerEvidence) -> str:
    if container.role is Role.SCORING:
        return "the container"
    return f"container '{container.name}', which somebody added to the pod"


SETTING_UP: tuple[Check, ...] = (
    node_lost,
    evicted,
    rejected,
    scheduling_gated,
    unschedulable,
    image_cannot_be_pulled,
    container_cannot_be_made,
    cannot_be_set_up,
)
SCORING_ENDED: tuple[Check, ...] = (
    memory_ran_out,  # the kernel's word goes before the container's own
    could_not_start,  # the runtime's own word
    lost,
    setting_refused,
    init_ran_out_of_time,
    liveness_failed,
    killed,
    exited,
    wrong_platform,
    ended,
)
OTHERS: tuple[Check, ...] = (another_container_failed, not_ready)


def diagnose(pod: PodEvidence, about: PodContext) -> Finding | None:
    """Return the first finding, in the order the checks are listed; None where nothing is wrong."""
    if pod.ready:
        return None
    ends = SCORING_ENDED if pod.scoring.failed else ()
    checks = (*SETTING_UP, *ends, *OTHERS)
    return next((finding for check in checks if (finding := check(pod, about))), None)
