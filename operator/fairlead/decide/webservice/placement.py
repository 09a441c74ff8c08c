"""Replicas that no node takes, and whether the front is to say so in its 503."""

from collections.abc import Sequence

from fairlead.decide.webservice.ownership import Ownership
from fairlead.desired.child_kinds import DEPLOYMENT, FEW_SERVICE
from fairlead.diagnosis.scheduling import no_node_takes
from fairlead.evidence import ChildEvidence, WebserviceEvidence
from fairlead.finding import Finding
from fairlead.pod_evidence import PodEvidence


def unplaced(pods: Sequence[PodEvidence]) -> list[Finding]:
    """Of each replica that no node takes, why."""
    findings = [no_node_takes(pod) for pod in pods if not pod.leaving]
    return [finding for finding in findings if finding is not None]


def lacks_nodes(live: ChildEvidence | None, pods: Sequence[PodEvidence]) -> bool:
    """Fewer replicas are on nodes than the Deployment is to have, as no node takes another one.

    The one more that a rollout makes beside all that are wanted is missed by no request. Where none
    is ready and some are on nodes, it is for those that requests wait.
    """
    placed = [pod for pod in pods if pod.node and not pod.leaving and not pod.finished]
    short = live is not None and len(placed) < live.spec.get("replicas", 1)
    serves = any(pod.ready for pod in placed)
    return short and (serves or not placed) and bool(unplaced(pods))


def tells_front(evidence: WebserviceEvidence, owned: Ownership) -> bool:
    """Whether the front is to be told that no node takes a replica: never by a Service of
    somebody else's, or while one is still being deleted."""
    key = FEW_SERVICE.key
    free = key not in evidence.children or key in owned.ours
    return free and lacks_nodes(owned.ours.get(DEPLOYMENT.key), evidence.pods)
