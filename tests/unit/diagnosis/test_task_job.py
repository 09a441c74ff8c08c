"""How an attempt stands, by its Job and pod: each way it can go, and whatever else they hold."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.api.status import FailureClass
from fairlead.contract import AssembleResult, TaskFailure, TaskPhase, TaskResult, TaskState
from fairlead.diagnosis.task_job import TaskJob, is_final, task_state
from fairlead.job_evidence import JobEvidence, project_job, project_task_pod
from fairlead.job_request import CONTAINER, TOOLS_CONTAINER
from fairlead.pod_evidence import PodEvidence, read_event
from tests.unit.job_objects import (
    BEGIN,
    DISRUPTED,
    IMAGE,
    UNCHANGED,
    at,
    condition,
    ended,
    job_of,
    pod_of,
    told,
)
from tests.unit.spoilt import JSON, spoilt
from tests.unit.tasks_of import assemble_task

TASK = assemble_task({"score.py": b""})
OK = AssembleResult(digest=f"sha256:{'ab' * 32}", size_bytes=7, seconds=1.0).to_wire()
GOOD = told(TaskResult(ok=OK))
SAID = TaskFailure(
    reason=Reason.REGISTRY_DENIED, class_=FailureClass.AUTH, message="No.", retryable=True
)
BAD = told(TaskResult(failure=SAID))
NOW = BEGIN + timedelta(seconds=70)
RUNNING = {"running": {"startedAt": at(3)}}
CREATING = {"waiting": {"reason": "ContainerCreating"}}
PULLING = {"waiting": {"reason": "ErrImagePull", "message": f"{IMAGE}: not found"}}
PLACED = condition("PodScheduled")
DRAINED = condition("DisruptionTarget", "EvictionByEvictionAPI", "Eviction API: evicting")
PRESSED = condition("DisruptionTarget", "TerminationByKubelet", "The node was low on memory")
NO_NODE = {**condition("PodScheduled", "Unschedulable", UNCHANGED), "status": "False"}
GATED = {**condition("PodScheduled", "SchedulingGated", "gated"), "status": "False"}
EPHEMERAL = "Pod ephemeral local storage usage exceeds the total limit of containers 50Gi. "
EMPTY_DIR = 'Usage of EmptyDir volume "work" exceeds the limit "1Gi". '
OWN_DISK = 'Container task exceeded its local ephemeral storage limit "50Gi". '
QUOTA = (
    'Error creating: pods "fairlead-assemble-x" is forbidden: exceeded quota: small, requested: '
    "requests.memory=512Mi, used: requests.memory=1Gi, limited: requests.memory=1Gi"
)
LIMIT_RANGE = 'Error creating: pods "x" is forbidden: maximum memory usage per Container is 1Gi'
ADMISSION = 'Error creating: admission webhook "policy.example.com" denied the request: no'
PSA = 'Error creating: pods "x" is forbidden: violates PodSecurity "restricted:latest": y'


def event(reason: str, message: str) -> Manifest:
    return {"reason": reason, "message": message, "type": "Warning", "lastTimestamp": at(5)}


def read(
    job: Manifest, pod: Manifest | None = None, *events: Manifest, after: float = 70
) -> TaskState:
    """As the runner reads it, from projections; what was read of the whole must be the same."""
    now, seen = BEGIN + timedelta(seconds=after), tuple(map(read_event, events))
    evidence = None if pod is None else PodEvidence(project_task_pod(pod), CONTAINER, None, seen)
    state = task_state(TaskJob(JobEvidence(project_job(job)), evidence, IMAGE, seen), now)
    whole = None if pod is None else PodEvidence(pod, CONTAINER, None, seen)
    assert state == task_state(TaskJob(JobEvidence(job), whole, IMAGE, seen), now)
    return state


def failure(state: TaskState) -> TaskFailure:
    assert state.failure is not None
    return state.failure


def my_job(*conditions: Manifest, suspend: bool = False) -> Manifest:
    return job_of(TASK, *conditions, suspend=suspend)


def my_pod(state: Manifest | None = None, *others: Manifest, **status: object) -> Manifest:
    return pod_of(state, *others, task=TASK, **status)  # type: ignore[arg-type]


def test_one_that_is_suspended_waits() -> None:
    state = read(my_job(condition("Suspended", "JobSuspended"), suspend=True))
    assert state == TaskState("assemble-diabetes", 1, TaskPhase.QUEUED, "demo/diabetes/1-1")


@pytest.mark.parametrize("pod", [None, my_pod(), my_pod(CREATING), my_pod(RUNNING)])
def test_one_that_was_released_runs_and_nothing_is_wrong(pod: Manifest | None) -> None:
    state = read(my_job(), pod)
    assert (state.phase, state.failure) == (TaskPhase.RUNNING, None)
    assert state.started_at == BEGIN + timedelta(seconds=1)


def test_a_result_is_read_from_the_termination_message() -> None:
    state = read(my_job(condition("Complete")), my_pod(ended(0, GOOD), phase="Succeeded"))
    assert (state.phase, state.result) == (TaskPhase.SUCCEEDED, OK)
    assert state.finished_at == BEGIN + timedelta(seconds=50)


@pytest.mark.parametrize("code", [0, 137, 143])
def test_a_result_counts_however_the_container_ended_then(code: int) -> None:
    pod = my_pod(ended(code, GOOD), phase="Failed", reason="Evicted", conditions=(DRAINED,))
    assert read(my_job(), pod).phase is TaskPhase.SUCCEEDED


def test_a_result_counts_while_injected_containers_run_on() -> None:
    others = [{"name": f"injected-{n}", "ready": True, "state": RUNNING} for n in range(4)]
    state = read(my_job(), my_pod(ended(0, GOOD), *others))
    assert state.phase is TaskPhase.SUCCEEDED


def test_a_failure_is_what_the_task_said() -> None:
    state = read(my_job(condition("Failed", "BackoffLimitExceeded")), my_pod(ended(1, BAD)))
    assert (state.phase, state.failure) == (TaskPhase.FAILED, SAID)


def test_a_crash_shows_the_end_of_the_log() -> None:
    said = failure(read(my_job(), my_pod(ended(70, "Traceback: boom, token=hunter2"))))
    assert (said.reason, said.retryable) == (Reason.TASK_CRASHED, True)
    assert "exit code 70" in said.message
    assert "boom" in (said.log_tail or "")
    assert "hunter2" not in (said.log_tail or "")


def test_who_killed_it_is_said() -> None:
    assert "killed by SIGKILL" in failure(read(my_job(), my_pod(ended(137)))).message


def test_memory_that_ran_out_is_its_own_limit_and_not_tried_again() -> None:
    said = failure(read(my_job(), my_pod(ended(137, "log", reason="OOMKilled"))))
    assert (said.reason, said.class_) == (Reason.TASK_OUT_OF_MEMORY, FailureClass.RESOURCE)
    assert not said.retryable


@pytest.mark.parametrize("words", [EPHEMERAL, EMPTY_DIR, OWN_DISK])
@pytest.mark.parametrize("container", [None, ended(137), ended(137, BAD)])
def test_evicted_for_its_own_disk_limit_is_not_tried_again(
    words: str, container: Manifest | None
) -> None:
    status = {"phase": "Failed", "reason": "Evicted", "message": words}
    said = failure(
        read(
            my_job(condition("Failed", "BackoffLimitExceeded")),
            my_pod(container) | {"status": {**my_pod(container)["status"], **status}},
        )
    )
    assert (said.reason, said.class_) == (Reason.OUT_OF_DISK, FailureClass.RESOURCE)
    assert not said.retryable


@pytest.mark.parametrize(
    "pod",
    [
        my_pod(ended(143), phase="Failed", conditions=(DRAINED,)),
        my_pod(ended(1, told(TaskResult(failure=SAID))), phase="Failed", conditions=(DRAINED,)),
        my_pod(ended(137), phase="Failed", conditions=(PRESSED,), reason="Evicted", message="x"),
        my_pod(ended(137), phase="Failed", reason="Evicted", message="low on resource: memory"),
        my_pod(ended(137), phase="Failed", reason="Terminated", message="node shutdown"),
    ],
)
def test_taken_from_its_node_is_tried_again(pod: Manifest) -> None:
    said = failure(read(my_job(), pod))
    assert (said.reason, said.retryable) == (Reason.TASK_INTERRUPTED, True)
    assert said.class_ is FailureClass.INFRASTRUCTURE


def test_a_drain_that_removed_the_pod_is_told_by_the_job() -> None:
    job = my_job(condition("Failed", "PodFailurePolicy", DISRUPTED))
    said = failure(read(job))
    assert (said.reason, said.retryable) == (Reason.TASK_INTERRUPTED, True)
    assert "DisruptionTarget" in said.message


def test_a_pod_that_somebody_deleted_is_tried_again() -> None:
    job = my_job(condition("Failed", "BackoffLimitExceeded", "Job has reached the limit"))
    assert failure(read(job)).reason is Reason.TASK_INTERRUPTED


def test_a_job_past_its_deadline_is_told() -> None:
    said = failure(read(my_job(condition("Failed", "DeadlineExceeded"))))
    assert (said.reason, said.retryable) == (Reason.TASK_TIMED_OUT, True)


def test_a_result_that_went_with_its_pod_is_made_again() -> None:
    state = read(my_job(condition("Complete")))
    assert (state.phase, failure(state).reason) == (TaskPhase.FAILED, Reason.TASK_INTERRUPTED)


def test_the_watch_of_pods_may_be_behind_that_of_jobs() -> None:
    done = my_job(condition("Complete", since=60))
    assert read(done, after=62).phase is TaskPhase.RUNNING
    assert read(done, my_pod(RUNNING), after=62).phase is TaskPhase.RUNNING
    assert read(done, after=66).phase is TaskPhase.FAILED
    assert read(done, my_pod(RUNNING), after=1000).phase is TaskPhase.FAILED


@pytest.mark.parametrize(
    ("words", "class_"),
    [
        (QUOTA, FailureClass.RESOURCE),
        (LIMIT_RANGE, FailureClass.INFRASTRUCTURE),
        (ADMISSION, FailureClass.INFRASTRUCTURE),
        (PSA, FailureClass.INFRASTRUCTURE),
    ],
)
def test_a_pod_that_is_refused_is_told_in_the_words_of_who_refuses(
    words: str, class_: FailureClass
) -> None:
    state = read(my_job(), None, event("SuccessfulCreate", "x"), event("FailedCreate", words))
    said = failure(state)
    assert (state.phase, said.reason, said.class_) == (
        TaskPhase.RUNNING,
        Reason.POD_REFUSED,
        class_,
    )
    assert words in said.message
    assert "FAIRLEAD_TASK_REQUESTS" in (said.remedy or "")


@pytest.mark.parametrize(
    ("pod", "reason"),
    [
        (my_pod(conditions=(NO_NODE,)), Reason.POD_UNSCHEDULABLE),
        (my_pod(conditions=(GATED,)), Reason.POD_GATED),
        (my_pod(PULLING, conditions=(PLACED,)), Reason.IMAGE_PULL_FAILED),
        (
            my_pod({"waiting": {"reason": "InvalidImageName", "message": "couldn't parse"}}),
            Reason.IMAGE_PULL_FAILED,
        ),
        (
            my_pod({"waiting": {"reason": "CreateContainerConfigError", "message": "no user"}}),
            Reason.CONTAINER_CONFIG_INVALID,
        ),
    ],
)
def test_what_keeps_a_pod_from_starting_is_told_while_it_waits(
    pod: Manifest, reason: Reason
) -> None:
    state = read(my_job(), pod)
    said = failure(state)
    assert (state.phase, said.reason, said.retryable) == (TaskPhase.RUNNING, reason, True)
    assert said.class_ is not FailureClass.USER
    assert "spec." not in (said.remedy or "")


def test_the_task_image_is_told_as_what_it_is_and_who_names_it() -> None:
    said = failure(read(my_job(), my_pod(PULLING, conditions=(PLACED,))))
    assert said.message.startswith(f"The node cannot pull {IMAGE}: ")
    assert said.remedy
    assert "FAIRLEAD_TASK_IMAGE, or taskImage in the chart's values" in said.remedy


def test_the_task_image_is_told_alike_where_another_container_of_ours_needs_it_first() -> None:
    tools = {"name": TOOLS_CONTAINER, "ready": False, "restartCount": 0, "state": PULLING}
    waiting = {"waiting": {"reason": "PodInitializing"}}
    pod = my_pod(waiting, conditions=(PLACED,), initContainerStatuses=[tools])
    said = failure(read(my_job(), pod))
    assert said.reason is Reason.IMAGE_PULL_FAILED
    assert "FAIRLEAD_TASK_IMAGE" in (said.remedy or "")


def test_a_volume_that_cannot_be_mounted_is_told_by_the_pods_events() -> None:
    words = 'MountVolume.SetUp failed for volume "request" : configmap "x" not found'
    state = read(my_job(), my_pod(CREATING, conditions=(PLACED,)), event("FailedMount", words))
    assert failure(state).reason is Reason.VOLUME_MOUNT_FAILED


@pytest.mark.parametrize(
    ("volume", "words", "remedy"),
    [
        (
            "registry-push",
            'secret "team" not found',
            "spec.pushSecretRef names Secret 'team', wh",
        ),
        (
            "registry-pull",
            'secret "team" not found',
            "spec.pullSecretRef names Secret 'team', wh",
        ),
        (
            "registry-push",
            "references non-existent secret key: .dockerconfigjson",
            "spec.pushSecretRef names a Secret that holds no .dockerconfigjson: make one with "
            "`kubectl create secret docker-registry <name>` (",
        ),
        (
            "package-access",
            'secret "channel" not found',
            "spec.build.packageSecretRef names Secret 'channel', which does not exist in this "
            "namespace: make it with `kubectl create secret generic channel --from-file=.netrc` (",
        ),
        (
            "package-access",
            "references non-existent secret key: .netrc",
            "spec.build.packageSecretRef names a Secret that holds no .netrc: make one with ",
        ),
    ],
    ids=["push", "pull", "another kind of Secret", "packages", "no .netrc"],
)
def test_a_secret_with_credentials_that_is_missing_is_named_with_its_field(
    volume: str, words: str, remedy: str
) -> None:
    said = f'MountVolume.SetUp failed for volume "{volume}" : {words}'
    state = read(my_job(), my_pod(CREATING, conditions=(PLACED,)), event("FailedMount", said))
    told = failure(state)
    assert (told.reason, told.class_) == (Reason.VOLUME_MOUNT_FAILED, FailureClass.DEPENDENCY)
    assert said in told.message
    assert str(told.remedy).startswith(remedy)


@pytest.mark.parametrize("volume", ["registry-shared", "registry-push"])
def test_a_secret_that_cannot_be_mounted_for_another_reason_is_told_in_the_kubelets_words(
    volume: str,
) -> None:
    said = f'MountVolume.SetUp failed for volume "{volume}" : failed to sync secret cache'
    state = read(my_job(), my_pod(CREATING, conditions=(PLACED,)), event("FailedMount", said))
    assert said in failure(state).message
    assert failure(state).class_ is FailureClass.INFRASTRUCTURE


def test_a_node_that_does_not_admit_the_pod_is_tried_again() -> None:
    pod = my_pod(None)
    pod["status"] |= {"phase": "Failed", "reason": "OutOfcpu", "message": "no cpu"}
    said = failure(read(my_job(), pod))
    assert (said.reason, said.retryable) == (Reason.POD_REJECTED, True)
    assert "OutOfcpu: no cpu" in said.message


def test_an_image_without_our_program_is_told() -> None:
    pod = my_pod(ended(128, "exec: python: not found", reason="StartError"), phase="Failed")
    said = failure(read(my_job(), pod))
    assert (said.reason, said.retryable) == (Reason.CONTAINER_CONFIG_INVALID, True)


def test_a_disk_without_room_for_the_result_is_tried_again() -> None:
    said = failure(read(my_job(), my_pod(ended(73, "No space left on device"))))
    assert (said.reason, said.retryable) == (Reason.OUT_OF_DISK, True)


PODS = [
    my_pod(CREATING, conditions=(PLACED, NO_NODE)),
    my_pod(PULLING),
    my_pod(ended(0, GOOD), phase="Succeeded"),
    my_pod(
        ended(1, BAD), phase="Failed", reason="Evicted", message=EPHEMERAL, conditions=(DRAINED,)
    ),
]
JOBS = [
    my_job(suspend=True),
    my_job(condition("Complete")),
    my_job(condition("FailureTarget", "PodFailurePolicy"), condition("Failed", "PodFailurePolicy")),
]


@settings(max_examples=300, deadline=None)
@given(
    st.one_of([spoilt(job) for job in JOBS]) | JSON,
    st.none() | st.one_of([spoilt(pod) for pod in PODS]) | JSON,
    st.lists(
        spoilt(event("FailedCreate", QUOTA)).filter(lambda e: isinstance(e, dict)), max_size=2
    ),
)
def test_whatever_a_job_and_its_pod_hold_there_is_an_answer(
    job: Manifest, pod: Manifest | None, events: list[Manifest]
) -> None:
    evidence = JobEvidence(project_job(job))
    seen = tuple(map(read_event, events))
    kept = None if pod is None else PodEvidence(project_task_pod(pod), CONTAINER, None, seen)
    state = task_state(TaskJob(evidence, kept, IMAGE, seen), NOW)
    assert (state.phase is TaskPhase.SUCCEEDED) == (state.result is not None)
    assert not is_final(state) or state.finished_at is not None
    assert (state.phase is not TaskPhase.FAILED) or state.failure is not None
    properties = [name for name, kind in vars(JobEvidence).items() if isinstance(kind, property)]
    assert [getattr(evidence, name) for name in properties]


def test_what_only_has_the_label_is_no_task() -> None:
    assert JobEvidence(my_job()).is_task
    for name, value in (
        ("fairlead.dev/task-id", "assemble-other"),
        ("fairlead.dev/task-program", "rm"),
        ("fairlead.dev/task-attempt", "0"),
        ("fairlead.dev/task-attempt", "2"),
    ):
        forged = my_job()
        forged["metadata"]["annotations"] = {**forged["metadata"]["annotations"], name: value}
        assert not JobEvidence(forged).is_task
