"""How an attempt at a task stands, read from its Job and the Job's pod: whatever they hold.

What a container left as its result counts first. Then who ended it is told apart: its own limits,
a node that was taken away, or the task itself. Where nothing has begun, it is said what keeps it.
"""

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import EXIT_NO_SPACE, TaskFailure, TaskPhase, TaskResult, TaskState
from fairlead.diagnosis.base_container import base_image_obstacle
from fairlead.diagnosis.builder_container import builder_obstacle
from fairlead.diagnosis.containers import EXEC_FORMAT_ERROR, LOST, NOT_RUN, OUT_OF_MEMORY
from fairlead.diagnosis.image_pull import image_cannot_be_pulled
from fairlead.diagnosis.pod_events import cannot_be_set_up
from fairlead.diagnosis.pod_refusal import pods_refused
from fairlead.diagnosis.pods import container_cannot_be_made, node_lost
from fairlead.diagnosis.registry_secret import credentials_explained
from fairlead.diagnosis.scheduling import scheduling_gated, unschedulable
from fairlead.diagnosis.smoke_test import TRIALS, trial_failure
from fairlead.evidence import PodContext
from fairlead.finding import Finding
from fairlead.job_evidence import JobEvidence
from fairlead.job_request import BUILDER_CONTAINER, TOOLS_CONTAINER
from fairlead.pod_evidence import ContainerEvidence, PodEvent, PodEvidence
from fairlead.task_message import read_message

POD_COMES_AFTER = timedelta(seconds=5)  # the watch of pods may be behind the watch of Jobs
DISRUPTED = "DisruptionTarget"
EVICTED, FAILED_CREATE = "Evicted", "FailedCreate"
OWN_LIMIT = ("exceeds the total limit of containers", "exceeds the limit", "exceeded its local")
SHUT_DOWN = {"Terminated", "Shutdown", "NodeShutdown", "NodeLost", "Preempting"}
SIGNALLED = 128
AGAIN = "It is tried again."
NOT_BEGUN: tuple[Callable[[PodEvidence, PodContext], Finding | None], ...] = (
    node_lost,
    scheduling_gated,
    unschedulable,
    image_cannot_be_pulled,
    container_cannot_be_made,
    cannot_be_set_up,
)
REMEDIES: Mapping[Reason, str] = {
    Reason.POD_REFUSED: "Let the namespace's quota, limit range and policies take the pods of "
    "tasks, or change what they ask for (FAIRLEAD_TASK_REQUESTS, FAIRLEAD_TASK_LIMITS of the "
    "operator). It is tried again by itself.",
    Reason.POD_UNSCHEDULABLE: "Add a node with room for what FAIRLEAD_TASK_REQUESTS of the "
    "operator asks for (of the platform that an image names), or ask for less. The pod is placed "
    "by itself once a node fits.",
}
SMOKE_TEST_REMEDIES: Mapping[Reason, str] = {
    Reason.POD_REFUSED: "Let the namespace's quota, limit range and policies take the pod that "
    "tries the image, change what it asks for (spec.smokeTest.resources), or set "
    "spec.smokeTest.enabled to false. It is tried again by itself.",
    Reason.POD_UNSCHEDULABLE: "Add a node with room for what spec.smokeTest.resources asks for "
    "(where spec.platform names one, of that platform), ask for less, or set "
    "spec.smokeTest.enabled to false. The pod is placed by itself once a node "
    "fits.",
    Reason.IMAGE_PULL_FAILED: "Let the nodes pull the image from its repository, with "
    "spec.pullSecretRef where that needs credentials; a Webservice's pods will need the same. It "
    "is tried again by itself; an image that the registry does not have any more is put together "
    "again first.",
}
PROFILE_REMEDIES: Mapping[Reason, str] = {
    Reason.POD_REFUSED: "Let the namespace's quota, limit range and policies take the pod that "
    "runs the image under load, change what it asks for (spec.profile.cpu, spec.profile.memory), "
    "or remove spec.profile. It is tried again by itself.",
    Reason.POD_UNSCHEDULABLE: "Add a node with room for spec.profile.cpu and spec.profile.memory "
    "(where spec.platform names one, of that platform), ask for less, or remove spec.profile. The "
    "pod is placed by itself once a node fits.",
    Reason.IMAGE_PULL_FAILED: "Let the nodes pull the image from its repository, with "
    "spec.pullSecretRef where that needs credentials; a Webservice's pods will need the same. It "
    "is tried again by itself.",
}
TASK_DISK = (
    "Raise ephemeral-storage in FAIRLEAD_TASK_LIMITS of the operator (of an environment: in "
    "spec.build.resources.limits), or make the model or the environment smaller."
)
SMOKE_TEST_DISK = (
    "Let init() and run() write less to the disk, or set spec.smokeTest.enabled to false: a "
    "Webservice has no such limit. It is ephemeral-storage in FAIRLEAD_TASK_LIMITS of the operator."
)
PROFILE_DISK = (
    "Let init() and run() write less to the disk, or remove spec.profile: a Webservice has no such "
    "limit. It is ephemeral-storage in FAIRLEAD_TASK_LIMITS of the operator."
)
TRIAL_REMEDIES = {"smoke": SMOKE_TEST_REMEDIES, "profile": PROFILE_REMEDIES}
DISK = {"smoke": SMOKE_TEST_DISK, "profile": PROFILE_DISK}
TASK_IMAGE_REMEDY = (
    "It is the image of Fairlead's tasks, which whoever runs the operator names: "
    "FAIRLEAD_TASK_IMAGE, or taskImage in the chart's values. Let the nodes pull it, or name "
    "another. It is tried again by itself."
)
BUILDER_IMAGE_REMEDY = (
    "It is the image of BuildKit, which whoever runs the operator names: FAIRLEAD_BUILDKIT_IMAGE, "
    "or engines.buildkit.image in the chart's values. Let the nodes pull it, or name another. It "
    "is tried again by itself."
)


@dataclass(frozen=True)
class TaskJob:
    """What is known of one Job: its pod (``None``: there is none), and the Job's own events."""

    job: JobEvidence
    pod: PodEvidence | None
    image: str
    events: Sequence[PodEvent] = ()


def task_state(seen: TaskJob, now: datetime) -> TaskState:
    """Return how the attempt stands. One that cannot begin runs, and has a failure that says why;
    the position of one that waits is its queue's to say."""
    job, pod = seen.job, seen.pod
    state = TaskState(job.task, job.attempt, TaskPhase.RUNNING, job.build)
    state = replace(state, started_at=job.started_at)
    if pod is not None and (pod.finished or pod.scoring.ended):
        return _ended(state, seen.job, pod)
    if job.finished:
        pending = pod is not None or now - (job.finished_at or now) < POD_COMES_AFTER
        return state if pending and not _long_over(job, now) else _without_pod(state, job, now)
    if job.suspended:
        return replace(state, phase=TaskPhase.QUEUED, started_at=None)
    return replace(state, failure=_obstacle(seen))


def is_final(state: TaskState) -> bool:
    """Nothing about the attempt can change any more."""
    return state.phase in (TaskPhase.SUCCEEDED, TaskPhase.FAILED)


def _long_over(job: JobEvidence, now: datetime) -> bool:
    """A pod that is still there does not say how it ended, and never will."""
    return job.finished_at is None or now - job.finished_at > 12 * POD_COMES_AFTER


def _ended(state: TaskState, job: JobEvidence, pod: PodEvidence) -> TaskState:
    container = pod.scoring
    state = replace(state, finished_at=container.finished_at or job.finished_at or pod.ended_at)
    state = replace(state, started_at=container.started_at or state.started_at)
    result = _result(job, container)
    if result is not None and result.ok is not None:
        return replace(state, phase=TaskPhase.SUCCEEDED, result=result.ok)
    failure = _taken_away(job, pod) or _image_failed(job, pod) or _own_end(pod, container, result)
    return replace(state, phase=TaskPhase.FAILED, failure=failure)


def _image_failed(job: JobEvidence, pod: PodEvidence) -> TaskFailure | None:
    """How a smoke test or a profile ended by itself; None of other tasks, and where nothing ran."""
    container = pod.scoring
    platform = EXEC_FORMAT_ERROR in container.termination_message
    begun = container.ended and (container.end_reason not in NOT_RUN or platform)
    stopped = container.exit_code == SIGNALLED + signal.SIGTERM or container.end_reason in LOST
    trial = TRIALS.get(job.program)
    if trial is None or not begun or stopped:
        return None
    return trial_failure(pod, _image_of(job), trial)


def _image_of(job: JobEvidence) -> str:
    """The name of the InferenceImage that it works for."""
    return job.build.rpartition("/")[0].partition("/")[2]


def _result(job: JobEvidence, container: ContainerEvidence) -> TaskResult | None:
    try:
        return read_message(job.program, container.termination_message)
    except ValueError:
        return None


def _taken_away(job: JobEvidence, pod: PodEvidence) -> TaskFailure | None:
    """It was not the task that ended it: its own disk limit, or its node."""
    said = pod.message or pod.reason
    if pod.reason == EVICTED and any(words in said for words in OWN_LIMIT):
        return TaskFailure(
            reason=Reason.OUT_OF_DISK,
            class_=FailureClass.RESOURCE,
            message=f"The task needed more room on disk than it may use: {said}",
            remedy=DISK.get(job.program, TASK_DISK),
        )
    disrupted = pod.condition(DISRUPTED)
    if disrupted.get("status") == "True":
        return _interrupted(f"{disrupted.get('reason')}: {disrupted.get('message')}")
    if pod.reason == EVICTED or pod.reason in SHUT_DOWN:
        return _interrupted(said)
    if job.failed_reason == "PodFailurePolicy":
        return _interrupted(job.failed_message)
    return None


def _own_end(
    pod: PodEvidence, container: ContainerEvidence, result: TaskResult | None
) -> TaskFailure:
    if container.end_reason == OUT_OF_MEMORY:
        return _OUT_OF_MEMORY
    if result is not None and result.failure is not None:
        waited = result.failure.reason is Reason.ENGINE_UNREACHABLE
        return (_beside(pod) if waited else None) or result.failure
    if container.end_reason in NOT_RUN or not container.ended:
        return _not_run(pod, container)
    if container.exit_code == EXIT_NO_SPACE:
        return _DISK_FULL
    return TaskFailure(
        reason=Reason.TASK_CRASHED,
        class_=FailureClass.UNKNOWN,
        message=f"The task ended with no result ({_words(container.exit_code)}); the end of its "
        "log is below.",
        remedy=f"{AGAIN} If that does not help, report it with the log.",
        log_tail=container.termination_message or None,
        retryable=True,
    )


def _not_run(pod: PodEvidence, container: ContainerEvidence) -> TaskFailure:
    """The node's kubelet did not admit the pod, or could not start its container."""
    reason = Reason.CONTAINER_CONFIG_INVALID if container.ended else Reason.POD_REJECTED
    said = container.termination_message if container.ended else pod.message
    why = ": ".join(filter(None, (container.end_reason or pod.reason, said)))
    where = f"Node '{pod.node}'" if pod.node else "The node"
    return TaskFailure(
        reason=reason,
        class_=FailureClass.INFRASTRUCTURE,
        message=f"{where} did not run the pod of the task: {why or 'it does not say why'}",
        remedy=f"See the node, and FAIRLEAD_TASK_IMAGE of the operator. {AGAIN}",
        retryable=True,
    )


def _without_pod(state: TaskState, job: JobEvidence, now: datetime) -> TaskState:
    """The Job is over, and its pod is gone, with its result."""
    state = replace(state, phase=TaskPhase.FAILED, finished_at=job.finished_at or now)
    if job.failed_reason == "DeadlineExceeded":
        return replace(state, failure=_DEADLINE)
    why = f"{job.failed_reason}: {job.failed_message}" if job.failed else "it is gone"
    return replace(state, failure=_interrupted(why))


def _obstacle(seen: TaskJob) -> TaskFailure | None:
    """What keeps a Job that was released from running."""
    if seen.pod is None:
        refused = [event for event in seen.events if event.reason == FAILED_CREATE]
        newest = max(refused, key=lambda event: event.at, default=None)
        return _failure(pods_refused(newest.message), _remedies(seen.job)) if newest else None
    pod, about = seen.pod, PodContext("", None, _runs(seen), None, 0)
    if pod.scoring.running:
        return _failure(node_lost(pod, about), REMEDIES) or _beside(pod)
    found = next((finding for check in NOT_BEGUN if (finding := check(pod, about))), None)
    ours = (pod.scoring.name, TOOLS_CONTAINER, BUILDER_CONTAINER)
    of_ours = found is not None and found.container in ours and seen.job.program not in TRIALS
    if found and of_ours and found.reason is Reason.IMAGE_PULL_FAILED:
        builds = seen.job.is_apart and found.container != pod.scoring.name
        found = replace(found, remedy=BUILDER_IMAGE_REMEDY if builds else TASK_IMAGE_REMEDY)
    return _failure(credentials_explained(found), _remedies(seen.job))


def _beside(pod: PodEvidence) -> TaskFailure | None:
    """What keeps the container from working that runs foreign code beside the task's own."""
    return base_image_obstacle(pod) or builder_obstacle(pod)


def _runs(seen: TaskJob) -> str:
    """The image of the task's container."""
    image = seen.pod.scoring.status.get("image") if seen.pod else None
    return str(image or "the image") if seen.job.program in TRIALS else seen.image


def _remedies(job: JobEvidence) -> Mapping[Reason, str]:
    return {**REMEDIES, **TRIAL_REMEDIES.get(job.program, {})}


def _failure(finding: Finding | None, remedies: Mapping[Reason, str]) -> TaskFailure | None:
    """Whoever wrote the object cannot change the pod of a task."""
    if finding is None:
        return None
    user = finding.class_ is FailureClass.USER
    return TaskFailure(
        reason=finding.reason,
        class_=FailureClass.INFRASTRUCTURE if user else finding.class_,
        message=finding.message,
        remedy=remedies.get(finding.reason, finding.remedy),
        retryable=True,
    )


def _interrupted(why: str) -> TaskFailure:
    return TaskFailure(
        reason=Reason.TASK_INTERRUPTED,
        class_=FailureClass.INFRASTRUCTURE,
        message=f"The pod of the task was taken away before it was done ({why}).",
        remedy=f"Nothing to do. {AGAIN}",
        retryable=True,
    )


def _words(code: int | None) -> str:
    if code is None:
        return "its exit code is not known"
    known = {number.value: number.name for number in signal.Signals}
    if code - SIGNALLED in known:
        return f"killed by {known[code - SIGNALLED]}"
    return f"exit code {code}"


_OUT_OF_MEMORY = TaskFailure(
    reason=Reason.TASK_OUT_OF_MEMORY,
    class_=FailureClass.RESOURCE,
    message="The kernel ended the task: it needed more memory than it may use.",
    remedy="Raise memory in FAIRLEAD_TASK_LIMITS of the operator, or make the model or the "
    "environment smaller.",
)
_DISK_FULL = TaskFailure(
    reason=Reason.OUT_OF_DISK,
    class_=FailureClass.RESOURCE,
    message="The node's disk had no room for the result of the task.",
    remedy=f"Make room on the node. {AGAIN}",
    retryable=True,
)
_DEADLINE = TaskFailure(
    reason=Reason.TASK_TIMED_OUT,
    class_=FailureClass.RESOURCE,
    message="The Job of the task took longer than the task and its start may take, and was ended "
    "with its pod.",
    remedy="See whether the namespace has room for the pods of tasks, and what the node says. "
    f"{AGAIN}",
    retryable=True,
)
