"""Why an image's smoke test failed: the runtime's record first, as of a pod that cannot start.

The container is the image's own: what it ended with it would end with again. What a node or the
cluster is to blame for has been told apart before.
"""

from dataclasses import replace

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import TaskFailure
from fairlead.diagnosis.containers import (
    EXEC_FORMAT_ERROR,
    OUT_OF_MEMORY,
    SIGKILL_EXIT_CODE,
    WRONG_PLATFORM,
    exit_words,
)
from fairlead.diagnosis.runtime_settings import setting_refused
from fairlead.diagnosis.startup import (
    INTERRUPTED,
    is_module_missing,
    startup_failure,
    user_location,
)
from fairlead.evidence import PodContext
from fairlead.finding import Finding
from fairlead.inputs.startup_record import StartupRecord
from fairlead.pod_evidence import PodEvidence

RAN_OUT_OF_MEMORY = "OutOfMemory"  # the runtime's word: the kernel ended the script's process
ENDED_IN_RUN = ("ProcessKilled", "ProcessExited", "AnsweredWithError", "AnswerBrokenOff")
TIMED_OUT_IN_RUN = "RunTimedOut"
NO_SAMPLE = "SampleUnreadable"
MORE_TIME = "Let it do less, or raise spec.smokeTest.timeoutSeconds of {image}."
WITHOUT_IT = (
    "What a Webservice alone brings (variables, volumes, an identity, a GPU) is not there in a "
    "smoke test: let the image have it (set variables in spec.environmentVariables of {image}, ask "
    "for a GPU in its spec.smokeTest.resources), or set its spec.smokeTest.enabled to false."
)
OF_THE_IMAGE = (Reason.MODEL_FILE_NOT_FOUND, Reason.USER_SCRIPT_FUNCTION_NOT_FOUND)
"""What a Webservice could not bring, either."""


def smoke_test_failure(pod: PodEvidence, image: str) -> TaskFailure:
    """What the end of the container means. ``image`` is the InferenceImage's name."""
    container = pod.scoring
    record = container.record
    if container.end_reason == OUT_OF_MEMORY or (record and record.exception == RAN_OUT_OF_MEMORY):
        finding = _out_of_memory(_named(image), "and was ended by the kernel.")
    elif record is not None:
        finding = _told(record, image)
    else:
        finding = _untold(pod, image)
    tail = container.termination_message if record is None else record.traceback
    return TaskFailure(
        reason=finding.reason,
        class_=finding.class_,
        message=f"Smoke test: {finding.message}",
        remedy=finding.remedy,
        location=finding.location,
        log_tail=tail or None,
    )


def _told(record: StartupRecord, image: str) -> Finding:
    finding, exception = _raised(record, image), record.exception.rsplit(".", 1)[-1]
    certain = finding.reason in OF_THE_IMAGE or exception == NO_SAMPLE
    if certain or is_module_missing(record):
        return finding
    return replace(finding, remedy=f"{finding.remedy} {WITHOUT_IT.format(image=_named(image))}")


def _raised(record: StartupRecord, image: str) -> Finding:
    exception = record.exception.rsplit(".", 1)[-1]
    if exception == INTERRUPTED:
        return _init_timed_out(record, image)
    if record.stage == "run":
        return _run_failed(record, exception, image)
    return startup_failure(record, PodContext("", image, "", None, 0))


def _init_timed_out(record: StartupRecord, image: str) -> Finding:
    at = f"; it was at {record.location}" if record.location else ""
    what = "init()" if record.stage == "init" else "the import of the script"
    return Finding(
        Reason.INIT_TIMED_OUT,
        FailureClass.USER,
        f"{what} had not returned after {record.elapsed_seconds:.0f} s and was ended{at}.",
        MORE_TIME.format(image=_named(image)),
        str(record.location) if record.location else None,
    )


def _run_failed(record: StartupRecord, exception: str, image: str) -> Finding:
    location = str(record.location) if record.location else None
    at = f" at {location}" if location else ""
    message = f"run() raised {exception}{at} for the sample: {record.message}"
    code = f"the code in {location}" if location else "run()"
    remedy = f"Correct {code} in the source of {_named(image)}, or its spec.smokeTest.sample"
    remedy += "; the traceback is in status.failure.logTail."
    if exception == TIMED_OUT_IN_RUN:
        message = f"{record.message.removesuffix('.')}{at}."
        remedy = MORE_TIME.format(image=_named(image))
    elif exception == NO_SAMPLE:
        message = record.message
        remedy = (
            f"Correct spec.smokeTest.sample.file of {_named(image)}, or add the file to its source."
        )
    elif exception in ENDED_IN_RUN:
        message = f"{record.message} It was given the sample."
        remedy = f"Correct run() in the source of {_named(image)}, or its spec.smokeTest.sample; "
        remedy += "the log of the build has what it printed."
    return Finding(Reason.USER_SCRIPT_RUN_FAILED, FailureClass.USER, message, remedy, location)


def _untold(pod: PodEvidence, image: str) -> Finding:
    """The runtime could not say anything, or it was not the runtime."""
    container = pod.scoring
    said, code = container.termination_message, container.exit_code
    refused = setting_refused(pod, PodContext("", image, "", None, 0))
    if refused is not None:
        where = f"in spec.environmentVariables of {_named(image)}, or in config.json of its source."
        return replace(refused, remedy=f"Correct it {where}")
    if code == SIGKILL_EXIT_CODE:
        return _out_of_memory(_named(image), "or was killed by somebody else (SIGKILL).")
    if EXEC_FORMAT_ERROR in said:
        return Finding(
            Reason.CONTAINER_CONFIG_INVALID,
            FailureClass.USER,
            f"the node cannot run {_named(image)}: {EXEC_FORMAT_ERROR}.",
            WRONG_PLATFORM,
        )
    location = user_location(said)
    at = f" at {location}" if location else ""
    return Finding(
        Reason.SMOKE_TEST_FAILED,
        FailureClass.UNKNOWN,
        f"the image's container ended with {exit_words(code)}{at}, and does not say why.",
        "The last lines that it printed are in status.failure.logTail.",
        location,
    )


def _out_of_memory(image: str, how: str) -> Finding:
    return Finding(
        Reason.POD_OUT_OF_MEMORY,
        FailureClass.RESOURCE,
        f"the container used more memory than its limit {how}",
        f"Raise spec.smokeTest.resources.limits.memory of {image}, or load less in init(). Without "
        "limits there it is FAIRLEAD_TASK_LIMITS of the operator, and three times the size of the "
        "models more.",
    )


def _named(image: str) -> str:
    return f"InferenceImage '{image}'" if image else "the InferenceImage"
