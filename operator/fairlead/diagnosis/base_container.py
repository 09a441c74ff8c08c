"""What keeps the container in the user's base image from beginning: told of the image, not the pod.

The task's own container runs meanwhile, or has given up waiting for the other one.
"""

import re

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import TaskFailure
from fairlead.diagnosis.build.base_python import WITHOUT_PYTHON
from fairlead.diagnosis.containers import EXEC_FORMAT_ERROR, NOT_RUN
from fairlead.diagnosis.image_pull import CANNOT_PULL, image_cannot_be_pulled
from fairlead.evidence import PodContext
from fairlead.job_request import INSTALL_CONTAINER
from fairlead.pod_evidence import ContainerEvidence, PodEvidence

_NO_PYTHON = re.compile(r"python3\W{1,4}[^\n]{0,80}(?:not found|no such file)", re.IGNORECASE)
_NO_SHELL = re.compile(r"/bin/sh\W{1,4}[^\n]{0,80}(?:not found|no such file)", re.IGNORECASE)

# Some runtimes begin the container first: then this is all that it ever printed.
_OTHER_PLATFORM = re.compile(rf"\A\s{{0,9}}exec \S{{1,300}}: {EXEC_FORMAT_ERROR}\s{{0,9}}\Z")


def base_image_obstacle(pod: PodEvidence) -> TaskFailure | None:
    """Why the base image's container has not begun; None where it has, or is not there."""
    container = next((one for one in pod.containers if one.name == INSTALL_CONTAINER), None)
    if container is None:
        return None
    image = container.status.get("image")
    name = image if isinstance(image, str) else "(its name is not known)"
    if container.waiting_reason in CANNOT_PULL:
        return _not_pulled(pod, name)
    other_platform = container.failed and _OTHER_PLATFORM.search(container.termination_message)
    if container.end_reason in NOT_RUN or other_platform:
        return _not_run(container, name)
    return None


def _not_pulled(pod: PodEvidence, image: str) -> TaskFailure | None:
    seen = PodEvidence(pod.pod, INSTALL_CONTAINER, events=pod.events)
    finding = image_cannot_be_pulled(seen, PodContext("", None, image, None, 0))
    if finding is None:
        return None
    return TaskFailure(
        reason=finding.reason,
        class_=finding.class_,
        message=f"{finding.message} It is the base image.",
        remedy="See that the nodes can pull it under this name (spec.baseImage), and give them "
        "credentials where it needs any (spec.pullSecretRef). It is tried again by itself.",
        retryable=True,
    )


def _not_run(container: ContainerEvidence, image: str) -> TaskFailure:
    said = container.termination_message
    if _NO_PYTHON.search(said):
        return TaskFailure(
            reason=Reason.PYTHON_UNAVAILABLE,
            class_=FailureClass.USER,
            message=f"The base image {image} has no python3.",
            remedy=WITHOUT_PYTHON,
        )
    if _NO_SHELL.search(said):
        return _without_shell(image)
    platform = EXEC_FORMAT_ERROR in said
    return TaskFailure(
        reason=Reason.CONTAINER_CONFIG_INVALID,
        class_=FailureClass.USER,
        message=f"The node cannot run the base image {image}: {said or container.end_reason}",
        remedy="The image is for another platform than the node: name one for the node's."
        if platform
        else "Name an image in spec.baseImage that runs as any user, with a read-only root.",
        retryable=not platform,
    )


def _without_shell(image: str) -> TaskFailure:
    return TaskFailure(
        reason=Reason.ENVIRONMENT_UNFIT,
        class_=FailureClass.USER,
        message=f"The base image {image} has no /bin/sh, with which the pod engine begins where "
        "spec.condaFile may bring the Python.",
        remedy="Name an image with a shell in spec.baseImage, such as debian:12-slim; or, where "
        "this one has a python3 with venv and pip has all packages, spec.requirementsFile.",
    )
