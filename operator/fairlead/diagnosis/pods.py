"""Why a pod does not serve: a chain of small checks over gathered evidence, the first finding wins.

What the runtime says of itself (its start-up record) goes before what can be guessed from outside.
"""

import signal
from collections.abc import Callable
from dataclasses import replace

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.diagnosis.startup import init_timed_out, startup_failure, user_location
from fairlead.evidence import PodContext, PodEvidence
from fairlead.finding import Finding

Check = Callable[[PodEvidence, PodContext], Finding | None]
SIGNAL_EXIT_BASE = 128  # exit codes above are 128 + the signal's number
SIGKILL_EXIT_CODE = SIGNAL_EXIT_BASE + signal.SIGKILL
CANNOT_PULL = {
    "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull",
    "RegistryUnavailable", "ImageInspectError",
}  # fmt: skip
CANNOT_CREATE = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
SYMPTOM = "Kubernetes shows this as CrashLoopBackOff."  # for whoever searches for it


def unschedulable(pod: PodEvidence, _: PodContext) -> Finding | None:
    scheduled = pod.conditions.get("PodScheduled", {})
    if scheduled.get("status") != "False" or scheduled.get("reason") != "Unschedulable":
        return None
    return Finding(
        Reason.POD_UNSCHEDULABLE,
        FailureClass.RESOURCE,
        f"No node has room for the pod: {scheduled.get('message', 'no reason given')}",
        "Ask for less in spec.resources, or add nodes. It is scheduled by itself once there is "
        "room.",
    )


def image_cannot_be_pulled(pod: PodEvidence, about: PodContext) -> Finding | None:
    if pod.waiting.get("reason") not in CANNOT_PULL:
        return None
    said = str(pod.waiting.get("message") or "no reason given")
    class_, remedy = _pull_remedy(said.lower())
    message = f"The node cannot pull {about.image}: {said}"
    return Finding(Reason.IMAGE_PULL_FAILED, class_, message, remedy)


def _pull_remedy(said: str) -> tuple[FailureClass, str]:
    if "not found" in said or "manifest unknown" in said or "invalid" in said:
        return FailureClass.USER, "Correct the image's name, tag or digest."
    if "unauthorized" in said or "denied" in said or "forbidden" in said:
        return FailureClass.AUTH, "Give the nodes the right to pull from this registry."
    return (
        FailureClass.INFRASTRUCTURE,
        "See whether the nodes reach the registry under this name. It is tried again by itself.",
    )


def container_cannot_be_made(pod: PodEvidence, _: PodContext) -> Finding | None:
    if pod.waiting.get("reason") not in CANNOT_CREATE:
        return None
    said = str(pod.waiting.get("message") or pod.waiting["reason"])
    return Finding(
        Reason.CONTAINER_CONFIG_INVALID,
        FailureClass.USER,
        f"The node cannot make the container: {said}",
        "Correct what it names; it is tried again by itself.",
    )


def out_of_memory(pod: PodEvidence, about: PodContext) -> Finding | None:
    """The kernel's word first; it reaches us as plain 137 now and then, or by the record."""
    record = pod.record
    by_record = record is not None and record.exception == "OutOfMemory"
    unexplained = (
        pod.exit_code == SIGKILL_EXIT_CODE and record is None and not _startup_ran_out(pod, about)
    )
    if not (pod.ended.get("reason") == "OOMKilled" or by_record or unexplained):
        return None
    limit = about.memory_limit
    remedy = (
        f"Raise spec.resources.limits.memory of Webservice '{about.webservice}' (now {limit}), "
        "or load less in init()."
        if limit
        else "The node itself ran short: raise spec.resources.memory, so that the pod is placed "
        "where there is room."
    )
    words = f"more memory than its limit of {limit}" if limit else "more memory than there was"
    return Finding(
        Reason.POD_OUT_OF_MEMORY,
        FailureClass.RESOURCE,
        f"The container used {words} and was ended by the kernel. {SYMPTOM}",
        remedy,
    )


def could_not_start(pod: PodEvidence, about: PodContext) -> Finding | None:
    record = pod.record if pod.crashed else None
    return _with_symptom(startup_failure(record, about)) if record else None


def init_ran_out_of_time(pod: PodEvidence, about: PodContext) -> Finding | None:
    """The start-up probe ended a container that could not even say where it was."""
    if not pod.crashed or not _startup_ran_out(pod, about):
        return None
    return _with_symptom(init_timed_out(about, where=None))


def liveness_failed(pod: PodEvidence, _: PodContext) -> Finding | None:
    """An orderly end that nobody asked for is the kubelet's doing."""
    if not pod.crashed or pod.exit_code != 0 or pod.leaving:
        return None
    return Finding(
        Reason.LIVENESS_FAILED,
        FailureClass.UNKNOWN,
        "The container was stopped because it no longer answered the liveness probe, and started "
        f"again. {SYMPTOM}",
        "See the end of its log for what it did last; give it more time with "
        "spec.probes.timeoutSeconds or failureThreshold.",
    )


def crashed(pod: PodEvidence, _: PodContext) -> Finding | None:
    if not pod.crashed:
        return None
    location = user_location(pod.log or "")
    at = f" at {location}" if location else ""
    return Finding(
        Reason.KUBERNETES_CRASH_LOOP_BACK_OFF,
        FailureClass.UNKNOWN,
        f"The container ended with {_exit(pod.exit_code)}{at} and is started again. {SYMPTOM}",
        "The last lines of its log are in status.failure.logTail.",
        location,
    )


CHECKS: tuple[Check, ...] = (
    unschedulable,  # no node: nothing else can be true yet
    image_cannot_be_pulled,  # no image: no container
    container_cannot_be_made,
    out_of_memory,  # the kernel's word goes before the container's own
    could_not_start,  # the runtime's own word
    init_ran_out_of_time,
    liveness_failed,
    crashed,  # whatever is left
)


def diagnose(pod: PodEvidence, about: PodContext) -> Finding | None:
    """Return the first finding, in the order the checks are listed."""
    return next((finding for check in CHECKS if (finding := check(pod, about))), None)


def _with_symptom(finding: Finding) -> Finding:
    return replace(finding, message=f"{finding.message} {SYMPTOM}")


def _startup_ran_out(pod: PodEvidence, about: PodContext) -> bool:
    return pod.lived >= about.startup_budget and not pod.ready


def _exit(code: int | None) -> str:
    if code is None:
        return "an unknown exit code"
    if code <= SIGNAL_EXIT_BASE:
        return f"exit code {code}"
    try:
        return f"exit code {code} ({signal.Signals(code - SIGNAL_EXIT_BASE).name})"
    except ValueError:
        return f"exit code {code}"
