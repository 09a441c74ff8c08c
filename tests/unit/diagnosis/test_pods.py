"""Every way a pod fails that we know, and what its user is told."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fairlead.diagnosis.pods import diagnose
from fairlead.evidence import PodContext
from fairlead.pod_evidence import PodEvidence
from tests.unit.pods import RUNNING, TIMES, crashed, pod

RECORD = json.loads((Path(__file__).parents[2] / "contract/startup-record.json").read_text())
ABOUT = PodContext(
    webservice="diabetes",
    inference_image="diabetes",
    image="localhost:5000/demo/diabetes@sha256:1",
    memory_limit="1Gi",
    startup_budget=310,
    longest_startup_s=381,
    liveness_window_s=20,
    keys_secret="diabetes-fairlead-keys",
)
UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/2 nodes are available: 2 Insufficient memory.",
}


def record(**changes: Any) -> PodEvidence:
    return crashed(exitCode=3, message=json.dumps({**RECORD, **changes}))


def waiting(reason: str, message: str) -> PodEvidence:
    return pod(state={"waiting": {"reason": reason, "message": message}})


def told(evidence: PodEvidence) -> tuple[str, str, str | None]:
    finding = diagnose(evidence, ABOUT)
    assert finding
    return finding.reason, finding.message, finding.remedy


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param(pod(), id="just made"),
        pytest.param(pod(state=RUNNING), id="starting"),
        pytest.param(pod(state=RUNNING, ready=True, restartCount=3), id="recovered"),
        pytest.param(waiting("ContainerCreating", ""), id="being made"),
    ],
)
def test_nothing_is_wrong(evidence: PodEvidence) -> None:
    assert diagnose(evidence, ABOUT) is None


def test_a_model_that_is_not_in_the_image_is_named_with_those_that_are() -> None:
    reason, message, remedy = told(record())
    assert reason == "ModelFileNotFound"
    assert message == (
        "init() raised ModelNotFoundException at score.py:12: no model "
        "'sklearn_regresion_model.pkl' in this image. The image has: sklearn_regression_model.pkl "
        "(version 1). Kubernetes shows this as CrashLoopBackOff."
    )
    assert remedy == (
        "Correct the name in score.py:12 (did you mean 'sklearn_regression_model.pkl'?), or add "
        "the model to spec.models of InferenceImage 'diabetes'."
    )


@pytest.mark.parametrize(
    ("evidence", "reason", "words", "remedy"),
    [
        pytest.param(
            record(exception="ValueError", message="bad weights", models=[]),
            "UserScriptInitFailed",
            "init() raised ValueError at score.py:12: bad weights",
            "Correct the code in score.py:12",
            id="init raised",
        ),
        pytest.param(
            record(
                stage="import",
                exception="ModuleNotFoundError",
                message="No module named 'xgboost'",
            ),
            "UserScriptImportError",
            "The script could not be imported: ModuleNotFoundError at score.py:12",
            "Add the package that provides 'xgboost'",
            id="a package is missing",
        ),
        pytest.param(
            record(exception="fairlead_scoring.InitInterrupted", message="", elapsedSeconds=311.2),
            "InitTimedOut",
            "init() had not returned after 310 s and was ended; it was at score.py:12.",
            "raise spec.probes.initialDelaySeconds of Webservice 'diabetes' (now 310)",
            id="init does not return",
        ),
        pytest.param(
            crashed(exitCode=137, finishedAt="2026-11-22T10:09:00Z"),
            "InitTimedOut",
            "init() had not returned after 310 s",
            "raise spec.probes.initialDelaySeconds",
            id="init does not return and cannot even say so",
        ),
        pytest.param(
            crashed(exitCode=137, reason="OOMKilled"),
            "PodOutOfMemory",
            "more memory than its limit of 1Gi",
            "Raise spec.resources.limits.memory of Webservice 'diabetes' (now 1Gi)",
            id="out of memory",
        ),
        pytest.param(
            crashed(exitCode=137),
            "PodOutOfMemory",
            "as the kernel does where memory runs out; the kubelet "
            "does not say so. Its limit is 1Gi.",
            "Raise",
            id="out of memory that is told as a plain 137",
        ),
        pytest.param(
            record(exception="OutOfMemory", message="the kernel ended it"),
            "PodOutOfMemory",
            "more memory than its limit",
            "Raise",
            id="only the slot was ended",
        ),
        pytest.param(
            record(
                exception="ProcessKilled",
                message="The process that runs score.py was killed by SIGSEGV during init().",
                location=None,
            ),
            "UserScriptInitFailed",
            "The process that runs score.py was killed by SIGSEGV during init().",
            "native code that crashed",
            id="native code",
        ),
        pytest.param(
            crashed(exitCode=0, startedAt="2026-11-22T10:02:00Z"),
            "LivenessFailed",
            "was told to stop after 62 s, most likely because it no longer answered the liveness",
            "spec.probes.timeoutSeconds",
            id="liveness",
        ),
        pytest.param(
            crashed(exitCode=9, log='  File "/var/azureml-app/lib/a.py", line 7, in f\nBoom'),
            "KubernetesCrashLoopBackOff",
            "exit code 9 at lib/a.py:7",
            "status.failure.logTail",
            id="any other crash",
        ),
        pytest.param(
            crashed(exitCode=139),
            "KubernetesCrashLoopBackOff",
            "exit code 139 (SIGSEGV)",
            "status.failure.logTail",
            id="a signal",
        ),
        pytest.param(
            pod(conditions=(UNSCHEDULABLE,)),
            "PodUnschedulable",
            "No node takes the pod: 0/2 nodes are available: 2 Insufficient memory.",
            "Ask for less in spec.resources",
            id="no room",
        ),
        pytest.param(
            waiting("ImagePullBackOff", 'rpc error: "x": not found'),
            "ImagePullFailed",
            "The node cannot pull localhost:5000/demo/diabetes@sha256:1",
            "See whether the registry still has the image",
            id="no such image",
        ),
        pytest.param(
            waiting("ErrImagePull", "401 Unauthorized"),
            "ImagePullFailed",
            "401 Unauthorized",
            "Give the nodes the right to pull",
            id="pull refused",
        ),
        pytest.param(
            waiting("ErrImagePull", "dial tcp: connection refused"),
            "ImagePullFailed",
            "connection refused",
            "whether the nodes reach the registry",
            id="registry down",
        ),
        pytest.param(
            waiting("CreateContainerConfigError", "non-numeric user"),
            "ContainerConfigInvalid",
            "non-numeric user",
            "Correct what it names",
            id="the container cannot be made",
        ),
    ],
)
def test_a_failure_is_named_with_its_cause_and_its_remedy(
    evidence: PodEvidence, reason: str, words: str, remedy: str
) -> None:
    said = told(evidence)
    assert said[0] == reason
    assert words in said[1]
    assert remedy in (said[2] or "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Credentials are named in spec.pullSecretRef of the InferenceImage (docs/install.md"),
        ({"inference_image": None}, "Credentials are named in spec.pullSecretRef (docs/install.md"),
        ({"pull_secrets": ("team", "all")}, "They pull with Secret 'team' and 'all': see that it"),
    ],
    ids=["of an InferenceImage", "of a plain image", "with Secrets"],
)
def test_a_refused_pull_says_where_credentials_are_named(
    changes: dict[str, Any], said: str
) -> None:
    finding = diagnose(waiting("ErrImagePull", "401 Unauthorized"), replace(ABOUT, **changes))
    assert finding
    assert said in (finding.remedy or "")


def test_the_symptom_is_named_for_whoever_searches_for_it_but_is_no_headline() -> None:
    for evidence in (record(), crashed(), crashed(reason="OOMKilled")):
        assert told(evidence)[1].endswith("Kubernetes shows this as CrashLoopBackOff.")


@pytest.mark.parametrize("message", ["", "{", '{"schema": "fairlead.dev/startup-failure/v1"}', "x"])
def test_a_termination_message_of_any_shape_is_no_reason_to_fail(message: str) -> None:
    assert told(crashed(exitCode=3, message=message))[0] == "KubernetesCrashLoopBackOff"


def test_times_that_are_missing_are_no_reason_to_fail() -> None:
    ended = {"terminated": {"exitCode": 137, "reason": "Error"}}
    assert TIMES
    assert told(pod(restartCount=1, state=ended))[0] == "PodOutOfMemory"
