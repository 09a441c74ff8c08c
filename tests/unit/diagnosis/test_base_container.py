"""What is said where the container in the user's base image does not begin."""

from datetime import timedelta

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.api.status import FailureClass
from fairlead.contract import TaskFailure, TaskPhase, TaskResult, TaskState
from fairlead.diagnosis.task_job import TaskJob, task_state
from fairlead.job_evidence import JobEvidence, project_job, project_task_pod
from fairlead.job_request import CONTAINER
from fairlead.pod_evidence import PodEvidence
from tests.unit.job_objects import BEGIN, IMAGE, at, condition, ended, job_of, pod_of, told
from tests.unit.tasks_of import environment_task

TASK = environment_task()
BASE = "docker.io/library/python@sha256:1"
RUNNING = {"running": {"startedAt": at(3)}}
PULLING = {"waiting": {"reason": "ErrImagePull", "message": f"{BASE}: not found"}}
NO_PYTHON = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc "
    "create failed: unable to start container process: error during container init: exec: "
    '"python3": executable file not found in $PATH: unknown'
)
NO_SHELL = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc "
    'create failed: unable to start container process: exec: "/bin/sh": stat /bin/sh: no such file '
    "or directory: unknown"
)
WAITED = TaskFailure(
    reason=Reason.ENGINE_UNREACHABLE,
    class_=FailureClass.INFRASTRUCTURE,
    message="The container in the base image did not begin.",
    retryable=True,
)
OTHER_END = WAITED.model_copy(update={"reason": Reason.REGISTRY_DENIED})


def start_error(message: str) -> Manifest:
    return {"terminated": {"reason": "StartError", "exitCode": 128, "message": message}}


def seen(own: Manifest, base: Manifest) -> TaskState:
    pod = pod_of(own, condition("PodScheduled"), task=TASK)
    status = {"name": "install", "image": BASE, "state": base, "ready": False}
    pod["status"]["containerStatuses"].insert(0, status)
    evidence = PodEvidence(project_task_pod(pod), CONTAINER)
    job = JobEvidence(project_job(job_of(task=TASK)))
    return task_state(TaskJob(job, evidence, IMAGE), BEGIN + timedelta(seconds=70))


@pytest.mark.parametrize("own", [RUNNING, ended(1, told(TaskResult(failure=WAITED)))])
@pytest.mark.parametrize(
    ("base", "reason", "said"),
    [
        (
            PULLING,
            "ImagePullFailed",
            f"cannot pull {BASE}: {BASE}: not found It is the",
        ),
        (start_error(NO_PYTHON), "PythonUnavailable", f"The base image {BASE} has no python3."),
        (start_error(NO_SHELL), "EnvironmentUnfit", f"The base image {BASE} has no /bin/sh, with"),
        (
            start_error("executable file `/bin/sh` not found in $PATH: No such file or directory"),
            "EnvironmentUnfit",
            f"The base image {BASE} has no /bin/sh, with",
        ),
        (
            start_error("exec python3: exec format error"),
            "ContainerConfigInvalid",
            f"cannot run the base image {BASE}: exec python3: exec format error",
        ),
        (
            ended(1, "exec /usr/bin/python3: exec format error\n"),
            "ContainerConfigInvalid",
            f"cannot run the base image {BASE}: exec /usr/bin/python3: exec format error",
        ),
    ],
)
def test_it_is_told_of_the_base_image_while_the_task_waits_and_when_it_gave_up(
    own: Manifest, base: Manifest, reason: str, said: str
) -> None:
    state = seen(own, base)
    assert state.failure
    assert state.failure.reason == reason
    assert said in state.failure.message
    over = "terminated" in own
    assert state.phase is (TaskPhase.FAILED if over else TaskPhase.RUNNING)


def test_what_the_task_says_counts_where_the_container_began_or_it_is_about_else() -> None:
    assert seen(RUNNING, RUNNING).failure is None
    gave_up = seen(ended(1, told(TaskResult(failure=WAITED))), RUNNING)
    assert gave_up.failure == WAITED
    other = seen(ended(1, told(TaskResult(failure=OTHER_END))), PULLING)
    assert other.failure == OTHER_END
