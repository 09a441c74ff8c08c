"""Why a smoke test failed, from the pod of the image: the runtime's word, or how it ended."""

import json
from typing import Any

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.api.status import FailureClass
from fairlead.contract import TaskFailure, TaskPhase, TaskState
from fairlead.diagnosis.task_job import TaskJob, task_state
from fairlead.job_evidence import JobEvidence, project_job, project_task_pod
from fairlead.job_request import CONTAINER
from fairlead.pod_evidence import PodEvidence, read_event
from tests.unit.diagnosis.test_task_job import (
    DRAINED,
    NO_NODE,
    NOW,
    PLACED,
    PULLING,
    QUOTA,
    RUNNING,
)
from tests.unit.job_objects import condition, ended, job_of, pod_of
from tests.unit.tasks_of import smoke_task

TASK = smoke_task()
IMAGE = "InferenceImage 'diabetes'"
PASSED = '{"ok": {"seconds": 1.5}}'


def record(stage: str, exception: str, message: str, **more: Any) -> str:
    found = {
        "schema": "fairlead.dev/startup-failure/v1",
        "stage": stage,
        "exception": exception,
        "message": message,
        "causes": [],
        "location": {"file": "score.py", "line": 12, "function": "init", "code": "x"},
        "models": [],
        "elapsedSeconds": 5.0,
        "traceback": "Traceback (most recent call last): …",
    }
    return json.dumps({**found, **more})


def seen(state: Manifest | None, *events: Manifest, **pod: Any) -> TaskState:
    made = project_task_pod(pod_of(state, task=TASK, **pod))
    read = [read_event(event) for event in events]
    job = JobEvidence(project_job(job_of(TASK)))
    return task_state(TaskJob(job, PodEvidence(made, CONTAINER, events=read), "tasks:1"), NOW)


def failure(state: Manifest | None, **pod: Any) -> TaskFailure:
    found = seen(state, **pod)
    assert found.failure
    return found.failure


def test_the_word_of_the_runtime_that_it_has_passed_counts() -> None:
    state = seen(ended(0, PASSED))
    assert (state.phase, state.result) == (TaskPhase.SUCCEEDED, {"seconds": 1.5})


def test_an_exit_code_of_0_alone_is_no_such_word() -> None:
    found = failure(ended(0, "good-bye"))
    assert (found.reason, found.retryable) == (Reason.SMOKE_TEST_FAILED, False)
    assert found.log_tail == "good-bye"


@pytest.mark.parametrize(
    ("message", "reason", "words", "remedy"),
    [
        (
            record("init", "ValueError", "bad weights"),
            Reason.USER_SCRIPT_INIT_FAILED,
            "Smoke test: init() raised ValueError at score.py:12: bad weights",
            f"Correct the code in score.py:12 in the source of {IMAGE}",
        ),
        (
            record("init", "KeyError", "'REGION'"),
            Reason.USER_SCRIPT_INIT_FAILED,
            "init() raised KeyError",
            f"set variables in spec.environmentVariables of {IMAGE}",
        ),
        (
            record("import", "ModuleNotFoundError", "No module named 'xgboost'"),
            Reason.USER_SCRIPT_IMPORT_ERROR,
            "No module named 'xgboost'",
            f"Add the package that provides 'xgboost' to the conda or requirements file of {IMAGE}",
        ),
        (
            record("init", "InitInterrupted", "told to stop"),
            Reason.INIT_TIMED_OUT,
            "init() had not returned after 5 s and was ended; it was at score.py:12.",
            f"raise spec.smokeTest.timeoutSeconds of {IMAGE}",
        ),
        (
            record("import", "InitInterrupted", "told to stop", location=None),
            Reason.INIT_TIMED_OUT,
            "the import of the script had not returned after 5 s and was ended.",
            f"raise spec.smokeTest.timeoutSeconds of {IMAGE}",
        ),
        (
            record("run", "KeyError", "'data'"),
            Reason.USER_SCRIPT_RUN_FAILED,
            "run() raised KeyError at score.py:12 for the sample: 'data'",
            f"Correct the code in score.py:12 in the source of {IMAGE}, or its "
            "spec.smokeTest.sample",
        ),
        (
            record("run", "TypeError", "no JSON", location=None),
            Reason.USER_SCRIPT_RUN_FAILED,
            "run() raised TypeError for the sample: no JSON",
            f"Correct run() in the source of {IMAGE}",
        ),
        (
            record("run", "RunTimedOut", "run() had not returned after 60000 ms."),
            Reason.USER_SCRIPT_RUN_FAILED,
            "run() had not returned after 60000 ms at score.py:12.",
            "raise spec.smokeTest.timeoutSeconds",
        ),
        (
            record("run", "AnsweredWithError", "run() answered with status 400: no", location=None),
            Reason.USER_SCRIPT_RUN_FAILED,
            "run() answered with status 400: no It was given the sample.",
            "or its spec.smokeTest.sample",
        ),
        (
            record("run", "SampleUnreadable", "The sample x.json cannot be read.", location=None),
            Reason.USER_SCRIPT_RUN_FAILED,
            "The sample x.json cannot be read.",
            f"Correct spec.smokeTest.sample.file of {IMAGE}",
        ),
        (
            record("init", "OutOfMemory", "memory"),
            Reason.POD_OUT_OF_MEMORY,
            "the container used more memory than its limit and was ended by the kernel.",
            f"Raise spec.smokeTest.resources.limits.memory of {IMAGE}",
        ),
    ],
)
def test_the_record_says_what_failed_and_what_to_do(
    message: str, reason: Reason, words: str, remedy: str
) -> None:
    found = failure(ended(3, message))
    assert found.reason == reason
    assert words in found.message
    assert remedy in (found.remedy or "")
    assert found.log_tail == "Traceback (most recent call last): …"
    assert not found.retryable


@pytest.mark.parametrize(
    ("stage", "exception", "message", "told"),
    [
        ("import", "pydantic_core._pydantic_core.ValidationError", "DB_URL Field required", True),
        ("import", "ImportError", "libcuda.so.1: cannot open shared object file", True),
        ("init", "TypeError", "expected str, bytes or os.PathLike object, not NoneType", True),
        ("init", "FileNotFoundError", "[Errno 2] No such file: '/mnt/data/vocab.txt'", True),
        ("init", "RuntimeError", "No CUDA GPUs are available", True),
        ("init", "ProcessExited", "init() ended its process.", True),
        ("init", "InitInterrupted", "told to stop", True),
        ("run", "KeyError", "'DB_URL'", True),
        ("run", "RunTimedOut", "run() had not returned after 60000 ms.", True),
        ("run", "SampleUnreadable", "The sample x.json cannot be read.", False),
        ("import", "ModuleNotFoundError", "No module named 'xgboost'", False),
        ("init", "ModuleNotFoundError", "No module named 'xgboost'", False),
        ("init", "ModelNotFoundException", "Model credit not found in cache", False),
        ("script", "AttributeError", "score.py has no function run", False),
    ],
)
def test_what_a_service_alone_brings_is_told_where_it_may_be_what_is_missing(
    stage: str, exception: str, message: str, *, told: bool
) -> None:
    remedy = failure(ended(3, record(stage, exception, message))).remedy or ""
    assert ("spec.smokeTest.enabled" in remedy) == told
    assert ("an identity, a GPU" in remedy) == told


def test_a_full_disk_is_told_with_what_has_an_effect() -> None:
    said = "Pod ephemeral local storage usage exceeds the total limit of containers 10Gi."
    found = failure(ended(137), phase="Failed", reason="Evicted", message=said)
    assert (found.reason, found.retryable) == (Reason.OUT_OF_DISK, False)
    assert "spec.smokeTest.enabled" in (found.remedy or "")
    assert "environment" not in (found.remedy or "")


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        (ended(137, "", "OOMKilled"), Reason.POD_OUT_OF_MEMORY, "ended by the kernel"),
        (ended(137, "Loading weights"), Reason.POD_OUT_OF_MEMORY, "killed by somebody else"),
        (
            ended(2, "root | ERROR | x - SCORING_TIMEOUT_MS is 'x', but must be a number."),
            Reason.SETTING_INVALID,
            "SCORING_TIMEOUT_MS",
        ),
        (
            ended(1, "exec /opt/fairlead/env/bin/python: exec format error"),
            Reason.CONTAINER_CONFIG_INVALID,
            "cannot run InferenceImage 'diabetes'",
        ),
        (
            ended(128, "exec format error", "StartError"),
            Reason.CONTAINER_CONFIG_INVALID,
            "exec format error",
        ),
        (
            ended(1, 'File "/var/azureml-app/score.py", line 3, in x'),
            Reason.SMOKE_TEST_FAILED,
            "ended with exit code 1 at score.py:3",
        ),
    ],
)
def test_without_a_record_it_is_told_how_the_container_ended(
    state: Manifest, reason: Reason, words: str
) -> None:
    found = failure(state)
    assert (found.reason, found.retryable) == (reason, False)
    assert words in found.message


@pytest.mark.parametrize(
    "pod",
    [
        {"state": ended(143), "phase": "Failed"},
        {"state": ended(137, "", "ContainerStatusUnknown"), "phase": "Failed"},
        {"state": ended(128, "no such file", "StartError"), "phase": "Failed"},
        {"state": ended(3, "x"), "conditions": (DRAINED,), "phase": "Failed"},
    ],
)
def test_what_the_image_is_not_to_blame_for_is_tried_again(pod: dict[str, Any]) -> None:
    assert failure(**pod).retryable


def test_what_keeps_it_from_running_is_told_for_what_it_is() -> None:
    pulling = failure(PULLING, conditions=(PLACED,))
    assert pulling.reason == Reason.IMAGE_PULL_FAILED
    assert "spec.pullSecretRef" in (pulling.remedy or "")
    nowhere = failure(None, conditions=(NO_NODE,))
    assert nowhere.reason == Reason.POD_UNSCHEDULABLE
    assert "spec.smokeTest.resources" in (nowhere.remedy or "")
    assert seen(RUNNING).failure is None


def test_a_quota_that_refuses_it_is_told() -> None:
    event = {"reason": "FailedCreate", "message": QUOTA, "type": "Warning"}
    job = JobEvidence(project_job(job_of(TASK)))
    found = task_state(TaskJob(job, None, "tasks:1", [read_event(event)]), NOW).failure
    assert found
    assert found.class_ is not FailureClass.USER
    assert "spec.smokeTest.resources" in (found.remedy or "")


def test_a_job_without_a_build_names_no_image() -> None:
    job = job_of(TASK, condition("Failed", "BackoffLimitExceeded"))
    job["metadata"]["annotations"]["fairlead.dev/task-build"] = "x"
    pod = PodEvidence(project_task_pod(pod_of(ended(137, "", "OOMKilled"), task=TASK)), CONTAINER)
    state = task_state(TaskJob(JobEvidence(project_job(job)), pod, "tasks:1"), NOW)
    assert state.failure
    assert "of the InferenceImage" in (state.failure.remedy or "")
