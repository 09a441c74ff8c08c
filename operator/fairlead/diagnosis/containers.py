"""Why the scoring container ended: the kernel's word, the runtime's, the kubelet's, a guess."""

import signal
from dataclasses import replace
from datetime import timedelta

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.diagnosis.startup import INTERRUPTED, init_timed_out, startup_failure, user_location
from fairlead.evidence import PodContext
from fairlead.finding import Finding
from fairlead.pod_evidence import ContainerEvidence, PodEvidence, Role

SIGNAL_EXIT_BASE = 128  # exit codes above are 128 + the signal's number
SIGKILL_EXIT_CODE = SIGNAL_EXIT_BASE + signal.SIGKILL
SIGTERM_EXIT_CODE = SIGNAL_EXIT_BASE + signal.SIGTERM
STOPPED_EXIT_CODES = (0, SIGTERM_EXIT_CODE)  # of whoever was told to stop, and did
KILLED_EXIT_CODES = (*STOPPED_EXIT_CODES, SIGKILL_EXIT_CODE)
CRASH_SIGNALS = {
    SIGNAL_EXIT_BASE + number
    for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT)
}
OUT_OF_MEMORY = "OOMKilled"
NOT_RUN = {"StartError", "ContainerCannotRun"}  # the runtime could not run the process at all
LOST = {"ContainerStatusUnknown", "Unknown"}  # the node was restarted, or its runtime
LIVENESS, STARTUP = "failed liveness probe", "failed startup probe"  # the kubelet's words
PROBE_ERROR = "Startup probe failed: "
EXEC_FORMAT_ERROR = "exec format error"  # the kernel's words
WRONG_PLATFORM = "The image is for another platform than the node: use one for the node's platform."
CLOCK_SLACK = timedelta(seconds=5)
SLACK_S = 4.0  # of the start-up probe's own schedule
SYMPTOM = "Kubernetes shows this as CrashLoopBackOff."  # for whoever searches for it


def memory_ran_out(pod: PodEvidence, about: PodContext) -> Finding | None:
    record = pod.scoring.record
    by_record = record is not None and record.exception == "OutOfMemory"
    if not (pod.scoring.end_reason == OUT_OF_MEMORY or by_record):
        return None
    limit = about.memory_limit
    words = f"more memory than its limit of {limit}" if limit else "more memory than there was"
    return _out_of_memory(f"The container used {words} and was ended by the kernel.", about)


def killed(pod: PodEvidence, about: PodContext) -> Finding | None:
    """The kernel's doing is told as a plain SIGKILL now and then."""
    if pod.scoring.exit_code != SIGKILL_EXIT_CODE or pod.scoring.record is not None:
        return None
    return _out_of_memory(
        "The container was killed (exit code 137, SIGKILL), as the kernel does where memory runs "
        f"out; the kubelet does not say so.{_limit(about)}",
        about,
    )


def _limit(about: PodContext) -> str:
    return f" Its limit is {about.memory_limit}." if about.memory_limit else ""


def _out_of_memory(message: str, about: PodContext) -> Finding:
    limit = about.memory_limit
    remedy = (
        f"Raise spec.resources.limits.memory of Webservice '{about.webservice}' (now {limit}), "
        "or load less in init()."
        if limit
        else "The node itself ran short: raise spec.resources.memory, so that the pod is placed "
        "where there is room."
    )
    reason, class_ = Reason.POD_OUT_OF_MEMORY, FailureClass.RESOURCE
    return Finding(reason, class_, f"{message} {SYMPTOM}", remedy)


def could_not_start(pod: PodEvidence, about: PodContext) -> Finding | None:
    """The runtime's own word, its start-up record."""
    record = pod.scoring.record
    if record is None:
        return None
    interrupted = record.exception.rsplit(".", 1)[-1] == INTERRUPTED
    if interrupted and record.elapsed_seconds + SLACK_S < about.startup_budget:
        return _told_to_stop(record.elapsed_seconds)
    return _with_symptom(startup_failure(record, about))


def _told_to_stop(after_s: float) -> Finding:
    return Finding(
        Reason.KUBERNETES_CRASH_LOOP_BACK_OFF,
        FailureClass.INFRASTRUCTURE,
        f"The container was told to stop {after_s:.0f} s after its start, before init() had "
        f"returned and before its time was over. {SYMPTOM}",
        "See the events of the pod for who stopped it. It is started again by itself.",
    )


def lost(pod: PodEvidence, _: PodContext) -> Finding | None:
    if pod.scoring.end_reason not in LOST:
        return None
    said = pod.scoring.termination_message
    return Finding(
        Reason.NODE_LOST,
        FailureClass.INFRASTRUCTURE,
        f"{_node(pod)} has lost the container{f': {said}' if said else '.'}",
        "The node or its container runtime was restarted, most likely: see the node. The container "
        "is started again by itself.",
    )


def _node(pod: PodEvidence) -> str:
    return f"Node '{pod.node}'" if pod.node else "The node"


def init_ran_out_of_time(pod: PodEvidence, about: PodContext) -> Finding | None:
    """The start-up probe ended a container that could not even say where it was."""
    if not _startup_ran_out(pod, about):
        return None
    finding = _with_symptom(init_timed_out(about, where=None))
    errors = [e for e in pod.events if e.message.startswith(PROBE_ERROR) and _of(e.container, pod)]
    if not errors:
        return finding
    error = max(errors, key=lambda event: event.at).message
    return replace(finding, message=f"{finding.message} The kubelet's last try: {error}")


def _startup_ran_out(pod: PodEvidence, about: PodContext) -> bool:
    """The kubelet's word if there is one; else from how long it lived without being ready."""
    scoring = pod.scoring
    told = _probe_that_killed(pod)
    if told is not None:
        return told == STARTUP
    if pod.served(scoring) or scoring.lived_s is None:
        return False
    longest = about.longest_startup_s or about.startup_budget
    in_time = about.startup_budget - SLACK_S <= scoring.lived_s <= longest + SLACK_S
    return in_time and scoring.exit_code in KILLED_EXIT_CODES


def liveness_failed(pod: PodEvidence, about: PodContext) -> Finding | None:
    """An orderly end that nobody asked for, of a container that had served, is the kubelet's."""
    scoring, told = pod.scoring, _probe_that_killed(pod)
    long_enough = (scoring.lived_s or 0.0) >= max(about.liveness_window_s, 1.0)
    guessed = (
        told is None
        and long_enough
        and pod.served(scoring) is not False
        and scoring.exit_code in STOPPED_EXIT_CODES
    )
    if told != LIVENESS and not guessed:
        return None
    after = _after(scoring).removeprefix(",")
    why = (
        f"was told to stop{after}, most likely because it no longer answered"
        if guessed
        else f"was stopped{after} because it no longer answered"
    )
    return Finding(
        Reason.LIVENESS_FAILED,
        FailureClass.UNKNOWN,
        f"The container {why} the liveness probe, and is started again. {SYMPTOM}",
        "See the end of its log for what it did last; give it more time with "
        "spec.probes.timeoutSeconds or failureThreshold.",
    )


def _probe_that_killed(pod: PodEvidence) -> str | None:
    """The probe that the kubelet ended this instance for, if it says so in an event."""
    scoring = pod.scoring
    begin, end = scoring.started_at, scoring.finished_at
    for event in sorted(pod.events, key=lambda event: event.at, reverse=True):
        if event.reason != "Killing" or not _of(event.container, pod):
            continue
        if begin and end and not begin <= event.at <= end + CLOCK_SLACK:
            continue
        return next((probe for probe in (LIVENESS, STARTUP) if probe in event.message), None)
    return None


def _of(container: str, pod: PodEvidence) -> bool:
    return container in ("", pod.container)


def exited(pod: PodEvidence, about: PodContext) -> Finding | None:
    if pod.scoring.exit_code != 0:
        return None
    return Finding(
        Reason.CONTAINER_EXITED,
        FailureClass.USER,
        f"The container's process ended by itself, exit code 0{_after(pod.scoring)}; a server "
        f"keeps running. {SYMPTOM}",
        f"Let the process of {_image(about)} stay in the foreground and serve on port 5001; what "
        "it did last is at the end of its log.",
    )


def _image(about: PodContext) -> str:
    name = about.inference_image
    return f"InferenceImage '{name}'" if name else f"the image {about.image}"


def wrong_platform(pod: PodEvidence, about: PodContext) -> Finding | None:
    if EXEC_FORMAT_ERROR not in (pod.log or pod.scoring.termination_message):
        return None
    return Finding(
        Reason.CONTAINER_CONFIG_INVALID,
        FailureClass.USER,
        f"The node cannot run {_image(about)}: {EXEC_FORMAT_ERROR}. {SYMPTOM}",
        WRONG_PLATFORM,
    )


def ended(pod: PodEvidence, _: PodContext) -> Finding | None:
    """Whatever is left."""
    location = user_location(pod.log or pod.scoring.termination_message)
    at = f" at {location}" if location else ""
    code = pod.scoring.exit_code
    native = "Native code crashed, most likely: a package made for another CPU or another version "
    native += "of its neighbours. "
    return Finding(
        Reason.KUBERNETES_CRASH_LOOP_BACK_OFF,
        FailureClass.UNKNOWN,
        f"The container ended with {exit_words(code)}{at}{_after(pod.scoring)} and is started "
        f"again. {SYMPTOM}",
        f"{native if code in CRASH_SIGNALS else ''}The last lines of its log are in "
        "status.failure.logTail.",
        location,
    )


def another_container_failed(pod: PodEvidence, _: PodContext) -> Finding | None:
    container = pod.failed
    if container is None or container.role is Role.SCORING:
        return None
    init = container.role is Role.INIT
    what = "Init container" if init else "Container"
    why = "out of memory" if container.end_reason == OUT_OF_MEMORY else ""
    why = why or exit_words(container.exit_code)
    waits = "the others wait for it" if init else "without it the pod is not ready"
    return Finding(
        Reason.INJECTED_CONTAINER_FAILED,
        FailureClass.INFRASTRUCTURE,
        f"{what} '{container.name}', which somebody added to the pod, ended with {why}"
        f"{_after(container)} and is started again; {waits}. {SYMPTOM}",
        "The last lines of its log are in status.failure.logTail. Ask whoever has it added to pods "
        "(a mutating webhook such as a service mesh's), or leave this namespace out there.",
        container=container.name,
    )


def exit_words(code: int | None) -> str:
    """``exit code 139 (SIGSEGV)``."""
    if code is None:
        return "an unknown exit code"
    if code <= SIGNAL_EXIT_BASE:
        return f"exit code {code}"
    try:
        return f"exit code {code} ({signal.Signals(code - SIGNAL_EXIT_BASE).name})"
    except ValueError:
        return f"exit code {code}"


def _after(container: ContainerEvidence) -> str:
    return "" if container.lived_s is None else f", after {container.lived_s:.0f} s"


def _with_symptom(finding: Finding) -> Finding:
    return replace(finding, message=f"{finding.message} {SYMPTOM}")
