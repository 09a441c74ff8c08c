"""Why an image's smoke test or profile failed: the runtime's record first, as of a pod that cannot
start.

The container is the image's own: what it ended with it would end with again. What a node or the
cluster is to blame for has been told apart before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

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
OLDER_RUNTIME = "unrecognized arguments: --profile"


@dataclass(frozen=True)
class Trial:
    """What is told of one kind: its name, and the fields that its remedies name."""

    title: str
    field: str
    sample: str
    gpu: str
    leave_out: str
    memory: str
    memory_default: str
    untold: Reason

    def more_time(self, image: str) -> str:
        return f"Let it do less, or raise {self.field}.timeoutSeconds of {image}."

    def without(self, image: str) -> str:
        return (
            "What a Webservice alone brings (variables, volumes, an identity, a GPU) is not there "
            f"in a {self.title.lower()}: let the image have it (set variables in "
            f"spec.environmentVariables of {image}, ask for a GPU in its {self.gpu}), or "
            f"{self.leave_out}."
        )


SMOKE_TEST = Trial(
    title="Smoke test",
    field="spec.smokeTest",
    sample="spec.smokeTest.sample",
    gpu="spec.smokeTest.resources",
    leave_out="set its spec.smokeTest.enabled to false",
    memory="spec.smokeTest.resources.limits.memory",
    memory_default=" Without limits there it is FAIRLEAD_TASK_LIMITS of the operator, and three "
    "times the size of the models more.",
    untold=Reason.SMOKE_TEST_FAILED,
)
PROFILE = Trial(
    title="Profile",
    field="spec.profile",
    sample="spec.profile.sample (where it has none, spec.smokeTest.sample)",
    gpu="spec.profile.gpu",
    leave_out="remove its spec.profile",
    memory="spec.profile.memory",
    memory_default="",
    untold=Reason.PROFILE_FAILED,
)
TRIALS: Mapping[str, Trial] = {"smoke": SMOKE_TEST, "profile": PROFILE}
"""By the programs of tasks that run the user's image."""
OF_THE_IMAGE = (Reason.MODEL_FILE_NOT_FOUND, Reason.USER_SCRIPT_FUNCTION_NOT_FOUND)
"""What a Webservice could not bring, either."""


def trial_failure(pod: PodEvidence, image: str, trial: Trial = SMOKE_TEST) -> TaskFailure:
    """What the end of the container means. ``image`` is the InferenceImage's name."""
    container = pod.scoring
    record = container.record
    if container.end_reason == OUT_OF_MEMORY or (record and record.exception == RAN_OUT_OF_MEMORY):
        finding = _out_of_memory(_named(image), trial, "and was ended by the kernel.")
    elif record is not None:
        finding = _told(record, image, trial)
    else:
        finding = _untold(pod, image, trial)
    tail = container.termination_message if record is None else record.traceback
    return TaskFailure(
        reason=finding.reason,
        class_=finding.class_,
        message=f"{trial.title}: {finding.message}",
        remedy=finding.remedy,
        location=finding.location,
        log_tail=tail or None,
    )


def _told(record: StartupRecord, image: str, trial: Trial) -> Finding:
    finding, exception = _raised(record, image, trial), record.exception.rsplit(".", 1)[-1]
    certain = finding.reason in OF_THE_IMAGE or exception == NO_SAMPLE
    if certain or is_module_missing(record):
        return finding
    return replace(finding, remedy=f"{finding.remedy} {trial.without(_named(image))}")


def _raised(record: StartupRecord, image: str, trial: Trial) -> Finding:
    exception = record.exception.rsplit(".", 1)[-1]
    if exception == INTERRUPTED:
        return _init_timed_out(record, image, trial)
    if record.stage == "run":
        return _run_failed(record, exception, image, trial)
    return startup_failure(record, PodContext("", image, "", None, 0))


def _init_timed_out(record: StartupRecord, image: str, trial: Trial) -> Finding:
    at = f"; it was at {record.location}" if record.location else ""
    what = "init()" if record.stage == "init" else "the import of the script"
    return Finding(
        Reason.INIT_TIMED_OUT,
        FailureClass.USER,
        f"{what} had not returned after {record.elapsed_seconds:.0f} s and was ended{at}.",
        trial.more_time(_named(image)),
        str(record.location) if record.location else None,
    )


def _run_failed(record: StartupRecord, exception: str, image: str, trial: Trial) -> Finding:
    location = str(record.location) if record.location else None
    at = f" at {location}" if location else ""
    message = f"run() raised {exception}{at} for the sample: {record.message}"
    code = f"the code in {location}" if location else "run()"
    remedy = f"Correct {code} in the source of {_named(image)}, or its {trial.sample}"
    remedy += "; the traceback is in the failure's logTail, in status."
    if exception == TIMED_OUT_IN_RUN:
        message = f"{record.message.removesuffix('.')}{at}."
        remedy = trial.more_time(_named(image))
    elif exception == NO_SAMPLE:
        message = record.message
        where = trial.sample.replace(".sample", ".sample.file")
        remedy = f"Correct {where} of {_named(image)}, or add the file to its source."
    elif exception in ENDED_IN_RUN:
        message = f"{record.message} It was given the sample."
        remedy = f"Correct run() in the source of {_named(image)}, or its {trial.sample}; "
        remedy += "the log has what it printed."
    return Finding(Reason.USER_SCRIPT_RUN_FAILED, FailureClass.USER, message, remedy, location)


def _untold(pod: PodEvidence, image: str, trial: Trial) -> Finding:
    """The runtime could not say anything, or it was not the runtime."""
    container = pod.scoring
    said, code = container.termination_message, container.exit_code
    refused = setting_refused(pod, PodContext("", image, "", None, 0))
    if refused is not None:
        where = f"in spec.environmentVariables of {_named(image)}, or in config.json of its source."
        return replace(refused, remedy=f"Correct it {where}")
    if code == SIGKILL_EXIT_CODE:
        return _out_of_memory(_named(image), trial, "or was killed by somebody else (SIGKILL).")
    if EXEC_FORMAT_ERROR in said:
        return Finding(
            Reason.CONTAINER_CONFIG_INVALID,
            FailureClass.USER,
            f"the node cannot run {_named(image)}: {EXEC_FORMAT_ERROR}.",
            WRONG_PLATFORM,
        )
    if OLDER_RUNTIME in said:
        return Finding(
            trial.untold,
            FailureClass.USER,
            f"{_named(image)} was built by a version of Fairlead that measured nothing.",
            "Change any file or variable of it, so that it is built anew.",
        )
    location = user_location(said)
    at = f" at {location}" if location else ""
    return Finding(
        trial.untold,
        FailureClass.UNKNOWN,
        f"the image's container ended with {exit_words(code)}{at}, and does not say why.",
        "The last lines that it printed are in the failure's logTail, in status.",
        location,
    )


def _out_of_memory(image: str, trial: Trial, how: str) -> Finding:
    return Finding(
        Reason.POD_OUT_OF_MEMORY,
        FailureClass.RESOURCE,
        f"the container used more memory than its limit {how}",
        f"Raise {trial.memory} of {image}, or load less in init().{trial.memory_default}",
    )


def _named(image: str) -> str:
    return f"InferenceImage '{image}'" if image else "the InferenceImage"
