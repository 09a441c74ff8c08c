"""Why no node takes a pod: the scheduler's own words, and a remedy for each cause in them."""

import re
from collections.abc import Iterator

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.evidence import PodContext
from fairlead.finding import Finding, listed
from fairlead.pod_evidence import PodEvidence

PREEMPTION = re.compile(r"\.? preemption: ")  # what follows says why no other pod makes way
INSUFFICIENT = re.compile(r"\bInsufficient ([\w./-]{0,127}\w)")  # no full stop
TAINT = re.compile(r"\buntolerated taint\(?s?\)? \{([^{}]{1,512})\}")
NODE_CONDITIONS = "node.kubernetes.io/"  # taints that come and go with the node's own state
FIELDS = {
    "cpu": "spec.resources.cpu",
    "memory": "spec.resources.memory",
    "nvidia.com/gpu": "spec.resources.gpu",
}
OTHER_REMEDIES = {
    "Too many pods": "Add nodes: those there are run as many pods as they may.",
    "were unschedulable": "Let a node take pods again (`kubectl uncordon <node>`), or add one.",
    "affinity/selector": "Label a node as the node selector asks that was added to the pod; a "
    "Webservice has none of its own.",
    "affinity rules": "See the affinity rules that were added to the pod; a Webservice has none.",
    "spread constraints": "See the spread constraints that were added to the pod; a Webservice has "
    "none.",
    "olume": "See the volume that was added to the pod; a Webservice has none of its own.",
    "free ports": "See the host port that was added to the pod; a Webservice has none.",
}


def unschedulable(pod: PodEvidence, _: PodContext) -> Finding | None:
    return no_node_takes(pod)


def no_node_takes(pod: PodEvidence) -> Finding | None:
    """Whatever else is known; None where a node has it, or nobody has looked yet."""
    scheduled = pod.condition("PodScheduled")
    if scheduled.get("status") != "False" or scheduled.get("reason") != "Unschedulable":
        return None
    said = PREEMPTION.split(str(scheduled.get("message") or "no reason given"))[0].strip()
    scarce = list(dict.fromkeys(INSUFFICIENT.findall(said)))
    remedies = [*_scarcity(scarce), *_taints(said), *_others(said)]
    return Finding(
        Reason.POD_UNSCHEDULABLE,
        FailureClass.RESOURCE if scarce or "Too many pods" in said else FailureClass.INFRASTRUCTURE,
        f"No node takes the pod: {said.rstrip('.')}.",
        " ".join([*(remedies or ["Add nodes."]), "The pod is placed by itself once a node fits."]),
    )


def scheduling_gated(pod: PodEvidence, _: PodContext) -> Finding | None:
    scheduled = pod.condition("PodScheduled")
    if scheduled.get("reason") != "SchedulingGated":
        return None
    names = listed([f"'{gate}'" for gate in pod.gates]) or "somebody's"
    return Finding(
        Reason.POD_GATED,
        FailureClass.INFRASTRUCTURE,
        f"The pod may not be placed on a node yet: scheduling gate {names} holds it back.",
        "Whoever set the gate takes it off (a queue such as Kueue's): see its own objects.",
    )


def _scarcity(scarce: list[str]) -> Iterator[str]:
    asked = [FIELDS.get(resource, resource) for resource in scarce]
    if asked:
        names = listed([field.removeprefix("spec.resources.") for field in asked])
        yield f"Ask for less in spec.resources ({names}), or add nodes that have room."


def _taints(said: str) -> Iterator[str]:
    taints = list(dict.fromkeys(taint.strip().rstrip(":") for taint in TAINT.findall(said)))
    passing = [taint for taint in taints if taint.startswith(NODE_CONDITIONS)]
    lasting = [taint for taint in taints if taint not in passing]
    if passing:
        yield f"See the nodes with {_named(passing)}: the taint goes once the node is well."
    if lasting or (not taints and "untolerated taint" in said):
        keys = [taint.partition(":")[0] for taint in lasting]
        command = f"`kubectl taint nodes <node> {keys[0] if len(keys) == 1 else '<key>'}-`"
        yield f"Add a node without {_named(lasting)}, or take the taint off one ({command})."


def _named(taints: list[str]) -> str:
    return f"taint {listed(taints)}" if taints else "a taint"


def _others(said: str) -> Iterator[str]:
    for words, remedy in OTHER_REMEDIES.items():
        if words in said:
            yield remedy
