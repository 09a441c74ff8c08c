"""Why a profile failed, from the pod of the image: told as of a smoke test, with its own fields."""

from typing import Any

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.contract import TaskFailure, TaskPhase, TaskState
from fairlead.diagnosis.task_job import TaskJob, task_state
from fairlead.job_evidence import JobEvidence, project_job, project_task_pod
from fairlead.job_request import CONTAINER
from fairlead.pod_evidence import PodEvidence
from tests.unit.diagnosis.test_smoke_test import record
from tests.unit.diagnosis.test_task_job import NO_NODE, NOW
from tests.unit.job_objects import ended, job_of, pod_of
from tests.unit.tasks_of import profile_task

TASK = profile_task()
IMAGE = "InferenceImage 'diabetes'"
PASSED = (
    '{"ok": {"seconds": 3, "startSeconds": 1, "requests": 5, "errors": 0, "restarts": 0, '
    '"requestsPerSecond": 1, "memoryBytes": 5, "latencyMilliseconds": {"mean": 1, "p50": 1, '
    '"p90": 1, "p95": 1, "p99": 1, "p999": 1, "highest": 1}}}'
)


def seen(state: Manifest | None, **pod: Any) -> TaskState:
    made = project_task_pod(pod_of(state, task=TASK, **pod))
    job = JobEvidence(project_job(job_of(TASK)))
    return task_state(TaskJob(job, PodEvidence(made, CONTAINER), "tasks:1"), NOW)


def failure(state: Manifest | None, **pod: Any) -> TaskFailure:
    found = seen(state, **pod)
    assert found.failure
    return found.failure


def test_the_numbers_of_the_runtime_are_the_result() -> None:
    state = seen(ended(0, PASSED))
    assert state.phase is TaskPhase.SUCCEEDED
    assert state.result
    assert state.result["requests"] == 5


@pytest.mark.parametrize(
    ("code", "message", "reason", "words", "remedy"),
    [
        (
            3,
            record("run", "KeyError", "'data'"),
            Reason.USER_SCRIPT_RUN_FAILED,
            "Profile: run() raised KeyError at score.py:12 for the sample: 'data'",
            "or its spec.profile.sample (where it has none, spec.smokeTest.sample)",
        ),
        (
            3,
            record("init", "InitInterrupted", "told to stop"),
            Reason.INIT_TIMED_OUT,
            "Profile: init() had not returned after 5 s",
            f"raise spec.profile.timeoutSeconds of {IMAGE}",
        ),
        (
            3,
            record("init", "KeyError", "'REGION'"),
            Reason.USER_SCRIPT_INIT_FAILED,
            "Profile: init() raised KeyError",
            "ask for a GPU in its spec.profile.gpu), or remove its spec.profile.",
        ),
        (
            3,
            record("run", "SampleUnreadable", "The sample x.json cannot be read.", location=None),
            Reason.USER_SCRIPT_RUN_FAILED,
            "The sample x.json cannot be read.",
            "Correct spec.profile.sample.file (where it has none, spec.smokeTest.sample.file) of",
        ),
        (
            137,
            record("run", "OutOfMemory", "memory"),
            Reason.POD_OUT_OF_MEMORY,
            "used more memory than its limit",
            f"Raise spec.profile.memory of {IMAGE}, or load less in init().",
        ),
        (
            1,
            "fairlead-scoring: error: unrecognized arguments: --profile /x",
            Reason.PROFILE_FAILED,
            "was built by a version of Fairlead that measured nothing",
            "Change any file or variable of it",
        ),
        (
            1,
            "Port 5001 cannot be opened",
            Reason.PROFILE_FAILED,
            "ended with exit code 1",
            "logTail",
        ),
    ],
)
def test_what_failed_is_told_with_the_fields_of_the_profile(
    code: int, message: str, reason: Reason, words: str, remedy: str
) -> None:
    found = failure(ended(code, message))
    assert found.reason == reason
    assert words in found.message
    assert remedy in (found.remedy or "")
    assert "smokeTest.timeoutSeconds" not in (found.remedy or "")
    assert not found.retryable


def test_the_kernel_ends_the_whole_container() -> None:
    found = failure(ended(137, "", "OOMKilled"))
    assert found.reason is Reason.POD_OUT_OF_MEMORY
    assert "spec.profile.memory" in (found.remedy or "")


def test_what_keeps_it_from_running_is_told_with_the_fields_of_the_profile() -> None:
    nowhere = failure(None, conditions=(NO_NODE,))
    assert (nowhere.reason, nowhere.retryable) == (Reason.POD_UNSCHEDULABLE, True)
    assert "spec.profile.cpu and spec.profile.memory" in (nowhere.remedy or "")


def test_a_full_disk_is_told_with_what_has_an_effect() -> None:
    said = "Pod ephemeral local storage usage exceeds the total limit of containers 10Gi."
    found = failure(ended(137), phase="Failed", reason="Evicted", message=said)
    assert (found.reason, found.retryable) == (Reason.OUT_OF_DISK, False)
    assert "remove spec.profile" in (found.remedy or "")
