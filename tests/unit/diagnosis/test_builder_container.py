"""What is said where BuildKit does not work beside a task."""

from datetime import timedelta

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.api.status import FailureClass
from fairlead.contract import TaskFailure, TaskResult, TaskState
from fairlead.diagnosis.task_job import TaskJob, task_state
from fairlead.job_evidence import JobEvidence, project_job, project_task_pod
from fairlead.job_request import CONTAINER
from fairlead.pod_evidence import PodEvidence
from tests.unit.job_objects import BEGIN, IMAGE, at, condition, ended, job_of, pod_of, told
from tests.unit.tasks_of import environment_task

BUILDS = "fairlead-builds"
TASK = environment_task("buildkit", apart=BUILDS)
RUNNING = {"running": {"startedAt": at(3)}}
WAITED = TaskFailure(
    reason=Reason.ENGINE_UNREACHABLE,
    class_=FailureClass.INFRASTRUCTURE,
    message="BuildKit did not begin within a minute.",
    retryable=True,
)
GAVE_UP = ended(1, told(TaskResult(failure=WAITED)))
NEWUIDMAP = (
    "[rootlesskit:parent] error: failed to setup UID/GID map: newuidmap 11 [0 1000 1 1 100000 "
    "65536] failed: newuidmap: write to uid_map failed: Operation not permitted\n: exit status 1\n"
)
NO_NAMESPACES = (  # user.max_user_namespaces=0 looks like a full disk
    "[rootlesskit:parent] error: failed to start the child: fork/exec /proc/self/exe: "
    "no space left on device"
)
TERMINATED = (
    "[rootlesskit:child ] error: command [buildkitd --root=/var/lib/x] exited: exit status 1\n"
    "[rootlesskit:parent] error: child exited: exit status 1\n"
)


def crashed(message: str, reason: str = "Error", code: int | None = 1) -> Manifest:
    ended_so = {"exitCode": code, "reason": reason, "message": message}
    return {"terminated": {key: value for key, value in ended_so.items() if value is not None}}


def seen(own: Manifest | None, builder: Manifest, *, name: str = "buildkit") -> TaskState:
    pod = pod_of(own, task=TASK, conditions=(condition("PodScheduled"),))
    pod["spec"]["initContainers"] = [{"name": "buildkit", "restartPolicy": "Always"}]
    status = {"name": name, "image": "buildkit", "ready": False, **builder}
    pod["status"]["initContainerStatuses"] = [status]
    evidence = PodEvidence(project_task_pod(pod), CONTAINER)
    job = JobEvidence(project_job(job_of(task=TASK)), BUILDS)
    return task_state(TaskJob(job, evidence, IMAGE), BEGIN + timedelta(seconds=70))


@pytest.mark.parametrize("own", [RUNNING, GAVE_UP])
@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        (crashed(NEWUIDMAP), "BuilderUnsupportedOnNode", "'worker': [rootlesskit:parent] error"),
        (
            crashed(f"a\n{NO_NAMESPACES}\nb"),
            "BuilderUnsupportedOnNode",
            f"node 'worker': {NO_NAMESPACES}",
        ),
        (crashed("", "StartError", None), "BuilderUnsupportedOnNode", "'worker': StartError"),
        (crashed("", "OOMKilled", 137), "BuildOutOfMemory", "The kernel ended BuildKit"),
        (crashed("write x: no space left on device"), "OutOfDisk", "no space left on the disk"),
    ],
)
@pytest.mark.parametrize("place", ["state", "lastState"])
def test_it_is_told_while_the_task_waits_and_when_it_gave_up(
    own: Manifest, state: Manifest, reason: str, said: str, place: str
) -> None:
    failure = seen(own, {place: state}).failure
    assert failure
    assert failure.reason == reason
    assert said in failure.message
    assert failure.remedy


@pytest.mark.parametrize(
    "builder", [crashed("panic: nil"), crashed(TERMINATED), crashed("", "Completed", 0), RUNNING]
)
def test_where_buildkit_does_not_say_why_the_tasks_own_word_counts(builder: Manifest) -> None:
    assert seen(GAVE_UP, {"state": builder}).failure == WAITED
    assert seen(RUNNING, {"state": builder}).failure is None


def test_an_end_that_has_nothing_to_do_with_it_is_the_tasks_own() -> None:
    other = WAITED.model_copy(update={"reason": Reason.REGISTRY_DENIED})
    own = ended(1, told(TaskResult(failure=other)))
    assert seen(own, {"state": crashed(NEWUIDMAP)}).failure == other


@pytest.mark.parametrize("name", ["tools", "buildkit"])
def test_an_image_of_buildkit_that_cannot_be_pulled_is_told_as_that(name: str) -> None:
    waiting = {"waiting": {"reason": "ErrImagePull", "message": "buildkit: not found"}}
    failure = seen(None, {"state": waiting}, name=name).failure
    assert failure
    assert failure.reason == "ImagePullFailed"
    assert "FAIRLEAD_BUILDKIT_IMAGE" in (failure.remedy or "")
