"""Try an image, or run it under load, in a container of Docker Engine: with the ``local`` runner.

With the ``job`` runner no program of ours runs: the pod is the image's own.
"""

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import SmokeRequest, TaskFailure
from fairlead.desired.smoke_pod import trial_option, trial_variables
from fairlead.diagnosis.containers import OUT_OF_MEMORY
from fairlead.diagnosis.smoke_test import TRIALS, trial_failure
from fairlead.engines.base import EngineUnreachableError
from fairlead.engines.docker_trial import (
    ImageNotPulledError,
    Trial,
    TrialEnd,
    result_path,
    run_trial,
)
from fairlead.job_request import CONTAINER
from fairlead.pod_evidence import PodEvidence
from fairlead.task_message import read_message
from fairlead.tasks.failures import TaskFailedError
from fairlead.tasks.program import TaskContext


def tried(program: str, request: SmokeRequest, task: TaskContext) -> dict[str, object]:
    """Return the result that the image's runtime left. Raises ``TaskFailedError``."""
    trial = Trial(
        image=request.image,
        option=trial_option(request),
        order=request.model_dump_json(by_alias=True).encode(),
        variables=trial_variables(request, result_path()),
        limits=request.limits,
        docker_config=task.settings.docker_config,
    )
    try:
        end = run_trial(trial, task.log)
    except EngineUnreachableError as error:
        raise TaskFailedError(_unreachable(error)) from error
    except ImageNotPulledError as error:
        raise TaskFailedError(_not_pulled(error)) from error
    return result_of(program, request, end)


def result_of(program: str, request: SmokeRequest, end: TrialEnd) -> dict[str, object]:
    """What the end of the container means. Raises ``TaskFailedError``."""
    try:
        found = read_message(program, end.message).ok
    except ValueError:
        found = None
    if found is not None:
        return found
    raise TaskFailedError(trial_failure(_as_pod(end), request.name, TRIALS[program]))


def _as_pod(end: TrialEnd) -> PodEvidence:
    """As the kubelet would tell it of a pod's container."""
    reason = OUT_OF_MEMORY if end.out_of_memory else "Error"
    terminated = {"exitCode": end.exit_code, "reason": reason, "message": end.message}
    status = {"name": CONTAINER, "state": {"terminated": terminated}}
    pod = {"spec": {"containers": [{"name": CONTAINER}]}, "status": {"containerStatuses": [status]}}
    return PodEvidence({"metadata": {}, **pod}, CONTAINER)


def _unreachable(error: EngineUnreachableError) -> TaskFailure:
    return TaskFailure(
        reason=Reason.ENGINE_UNREACHABLE,
        class_=FailureClass.INFRASTRUCTURE,
        message=str(error),
        remedy="Start Docker Engine where the operator runs, let its user use the socket (group "
        "docker), or set DOCKER_HOST. It is tried again.",
        retryable=True,
    )


def _not_pulled(error: ImageNotPulledError) -> TaskFailure:
    return TaskFailure(
        reason=Reason.IMAGE_PULL_FAILED,
        class_=FailureClass.INFRASTRUCTURE,
        message=str(error),
        remedy="Let Docker Engine read from that registry. It is tried again by itself.",
        retryable=True,
    )
