"""What keeps BuildKit from working beside a task: the node, its limits, or itself.

The task's own container runs meanwhile, or has given up.
"""

import re

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import TaskFailure
from fairlead.diagnosis.containers import OUT_OF_MEMORY
from fairlead.job_request import BUILDER_CONTAINER
from fairlead.pod_evidence import ContainerEvidence, PodEvidence

_NODE_REFUSES = re.compile(  # what it says of the end of the program that it started is no cause
    r"\[rootlesskit:\w{1,10} {0,4}\] error: (?!command |child exited)|no worker found"
)
_DISK_FULL = re.compile(r"no space left on device", re.IGNORECASE)
MAX_LOG_CHARS = 2000


def builder_obstacle(pod: PodEvidence) -> TaskFailure | None:
    """Why BuildKit does not work; None where it does, or is not there."""
    container = next((one for one in pod.containers if one.name == BUILDER_CONTAINER), None)
    if container is None or not container.failed:
        return None
    if container.end_reason == OUT_OF_MEMORY:
        return _OUT_OF_MEMORY
    said = container.termination_message
    if _NODE_REFUSES.search(said) or container.exit_code is None:
        return _not_on_this_node(pod, container)
    return _DISK if _DISK_FULL.search(said) else None


def _not_on_this_node(pod: PodEvidence, container: ContainerEvidence) -> TaskFailure:
    lines = [line.strip() for line in container.termination_message.splitlines() if line.strip()]
    telling = [line for line in lines if _NODE_REFUSES.search(line)]
    why = next(iter(telling or lines[-1:]), container.end_reason)
    return TaskFailure(
        reason=Reason.BUILDER_UNSUPPORTED_ON_NODE,
        class_=FailureClass.INFRASTRUCTURE,
        message=f"BuildKit cannot start on node '{pod.node}': {why}",
        remedy="Whoever runs Fairlead: let users make user namespaces on the nodes (sysctl "
        "user.max_user_namespaces above 0; on Ubuntu 24.04 also "
        "kernel.apparmor_restrict_unprivileged_userns=0), or build on other nodes; docs/jobs.md "
        "tells what a rootless BuildKit needs. It is tried again.",
        log_tail=container.termination_message[-MAX_LOG_CHARS:] or None,
        retryable=True,
    )


_OUT_OF_MEMORY = TaskFailure(
    reason=Reason.BUILD_OUT_OF_MEMORY,
    class_=FailureClass.RESOURCE,
    message="The kernel ended BuildKit: the build needed more memory than it may use.",
    remedy="Raise spec.build.resources.limits.memory, or ask for fewer or smaller packages.",
)
_DISK = TaskFailure(
    reason=Reason.OUT_OF_DISK,
    class_=FailureClass.RESOURCE,
    message="There is no space left on the disk of the node where it is built.",
    remedy="Make room on the node. It is tried again.",
    retryable=True,
)
