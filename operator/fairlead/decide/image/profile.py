"""The profile of the newest good image: a task that measures it, and what status tells of it; pure.

It comes after everything else, and nothing waits for it: its condition only informs, and what fails
is told there and in ``status.profile.failure``. What was tried is remembered by its hash in the
status, so that nothing is measured twice, and no failure is repeated that nobody has mended.
"""

import hashlib
from dataclasses import replace
from datetime import datetime

from fairlead.api.conditions import Condition, false, true, unknown
from fairlead.api.inferenceimage import InferenceImageStatus
from fairlead.api.profile import (
    CPU,
    MEMORY,
    REQUESTS,
    SECONDS,
    TIMEOUT_S,
    Profile,
    ProfileSize,
    ProfileStatus,
)
from fairlead.api.reasons import Reason
from fairlead.api.status import FailureStatus
from fairlead.capacity.container_size import Used, container_size, mebibytes
from fairlead.contract import ProfileRequest, ProfileResult, Task
from fairlead.decide.decision import StageResult
from fairlead.decide.image.build import pushed_to
from fairlead.decide.image.building import ImageDecision
from fairlead.decide.image.logs import log_uri
from fairlead.decide.image.sample import finding_of, profile_sample, sample_file, sample_text
from fairlead.decide.image.smoke_test import GPU, to_processes, trial_task
from fairlead.decide.image.tasks import BuildState, TaskOf
from fairlead.decide.refused import refused
from fairlead.decide.task_progress import (
    TaskProgress,
    failure_status,
    left_over,
    queued_words,
    task_progress,
)
from fairlead.log_address import profile_build

PROFILED = "Profiled"


def profiled(state: BuildState, ready: ImageDecision) -> ImageDecision:
    """``ready``, the decision about an image that has all it needs, and its profile beside it."""
    profile = state.image.spec.profile
    if profile is None or ready.status.image_digest is None:
        return ready
    state = replace(state, status=ready.status)
    sample, field = profile_sample(state.image.spec)
    finding = finding_of(sample, field, state.image.spec, state.inputs.files)
    known = state.status.profile or ProfileStatus()
    if finding is not None:
        told = refused(PROFILED, [finding], known.failure, state.now).failure
        return _failed(ready, known, told)
    request = _request(state, profile)
    wanted = _hash(request, profile)
    identifier, task = profile_task(state, request, wanted)
    if known.hash == wanted:
        taken = (*ready.taken, *left_over(identifier, state.evidence.tasks))
        return _told(replace(ready, taken=taken), known)
    since = state.image.created_at
    progress = task_progress(identifier, task, state.evidence.tasks, since, state.now)
    if progress.result is not None:
        found = ProfileResult.model_validate(progress.result)
        measured = _measured(state, request, profile, found, progress)
        measured = measured.model_copy(update={"hash": wanted})
        return _told(replace(ready, taken=(*ready.taken, identifier)), measured)
    return _pending(state, ready, known, progress, wanted)


def waits_for_image(decision: ImageDecision, profile: Profile | None) -> ImageDecision:
    """A decision that says nothing of the profile yet: what it waits for. Nothing of a profile that
    nobody wants any more stays."""
    if profile is None:
        return replace(decision, status=decision.status.model_copy(update={"profile": None}))
    if any(stage.condition.type == PROFILED for stage in decision.stages):
        return decision
    words = "Waits for the image."
    return _with(decision, unknown(PROFILED, Reason.PENDING, words))


def profile_task(state: BuildState, request: ProfileRequest, wanted: str) -> tuple[str, TaskOf]:
    """Return the task's id, and the task for an attempt."""
    image, profile = state.image, state.image.spec.profile or Profile()
    identifier = state.identifier("profile", image.uid, wanted)

    def task(attempt: int) -> Task:
        trial = trial_task(state, identifier, "profile", request)
        mine = trial(attempt, profile_build(wanted, attempt))
        return replace(mine, requests=_size(profile), limits=_limits(profile))

    return identifier, task


def _size(profile: Profile) -> dict[str, str]:
    return {"cpu": profile.cpu or CPU, "memory": profile.memory or MEMORY}


def _limits(profile: Profile) -> dict[str, str]:
    return {**_size(profile), **({GPU: str(profile.gpu)} if profile.gpu else {})}


def _request(state: BuildState, profile: Profile) -> ProfileRequest:
    spec, settings = state.image.spec, state.evidence.settings
    sample, _ = profile_sample(spec)
    nodes = (state.status.image_location or "").rpartition(":")[0]
    place = pushed_to(nodes, settings) if settings.runner == "local" else nodes
    return ProfileRequest(
        **to_processes(state, _limits(profile)),
        image=f"{place}@{state.status.image_digest}",
        timeout_seconds=profile.timeout_seconds or TIMEOUT_S,
        sample=sample_text(sample, state.inputs.files),
        sample_file=sample_file(sample, spec),
        requests=profile.requests or REQUESTS,
        seconds=profile.seconds or SECONDS,
        max_concurrent_requests=profile.max_concurrent_requests,
    )


def _hash(request: ProfileRequest, profile: Profile) -> str:
    """Stands for what is tried, wherever the image lies."""
    digest = request.image.rpartition("@")[2]
    size = f"{profile.cpu or CPU} {profile.memory or MEMORY} {profile.gpu}"
    tried = request.model_copy(update={"image": digest}).model_dump_json()
    return hashlib.sha256(f"{tried}\n{size}".encode()).hexdigest()


def _measured(
    state: BuildState,
    request: ProfileRequest,
    profile: Profile,
    found: ProfileResult,
    progress: TaskProgress,
) -> ProfileStatus:
    given = ProfileSize(cpu=profile.cpu or CPU, memory=profile.memory or MEMORY)
    size = container_size(
        Used(
            cpu_cores=found.cpu_cores,
            memory_bytes=found.memory_bytes,
            throttled_percent=found.throttled_percent,
            slots=request.max_concurrent_requests,
            requests=found.requests,
            errors=found.errors,
            given_cpu=profile.cpu or CPU,
            given_memory=profile.memory or MEMORY,
        )
    )
    return ProfileStatus(
        image_digest=state.status.image_digest,
        version=state.status.version,
        measured_at=(progress.state.finished_at if progress.state else None) or state.now,
        given=given,
        recommended=ProfileSize(cpu=size.cpu, memory=size.memory),
        max_concurrent_requests=request.max_concurrent_requests,
        requests=found.requests,
        errors=found.errors,
        first_error=found.first_error,
        restarts=found.restarts,
        requests_per_second=found.requests_per_second,
        latency_milliseconds=found.latency_milliseconds,
        cpu_cores=found.cpu_cores,
        highest_cpu_cores=found.highest_cpu_cores,
        throttled_percent=found.throttled_percent,
        memory_peak=mebibytes(found.memory_bytes) if found.memory_bytes else None,
        start_seconds=found.start_seconds,
        arithmetic=size.arithmetic,
        advice=size.advice or None,
    )


def _pending(
    state: BuildState,
    ready: ImageDecision,
    known: ProfileStatus,
    progress: TaskProgress,
    wanted: str,
) -> ImageDecision:
    """It runs, waits to, or has failed; a failure that nothing but a change mends is remembered."""
    progress = progress.with_position(state.evidence.new_tasks)
    told = _failure(state, known.failure, progress, wanted, state.now)
    tasks = (*ready.tasks, progress.task) if progress.task else ready.tasks
    due = min(ready.requeue_after, progress.requeue_after(state.now, ready.requeue_after))
    decision = replace(ready, tasks=tasks, requeue_after=due)
    if told is not None:
        remembered = {"hash": wanted} if progress.stalled else {}
        return _failed(decision, known.model_copy(update=remembered), told)
    if progress.repeated and known.failure is not None:
        again = known.failure.model_copy(update={"next_retry_at": None})
        return _failed(decision, known, again)
    words, reason = "Running the image under load; nothing waits for it.", Reason.PROFILING
    if progress.position and progress.task:
        reason = Reason.QUEUED
        words += f" {queued_words(progress.task.program, progress.position)}"
    status = _status(decision, known.model_copy(update={"failure": None}))
    return _with(replace(decision, status=status), unknown(PROFILED, reason, words))


def _failure(
    state: BuildState,
    known: FailureStatus | None,
    progress: TaskProgress,
    wanted: str,
    now: datetime,
) -> FailureStatus | None:
    failure = progress.failure
    if failure is None:
        return None
    attempt = progress.state.attempt if progress.state else 1
    uri = log_uri(state.evidence, profile_build(wanted, attempt))
    progress = replace(progress, log_uri=uri)
    return failure_status(progress, failure, known, now)


def _failed(
    decision: ImageDecision, known: ProfileStatus, failure: FailureStatus | None
) -> ImageDecision:
    return _told(decision, known.model_copy(update={"failure": failure}))


def _told(decision: ImageDecision, known: ProfileStatus) -> ImageDecision:
    """The profile in the status, and its condition."""
    decision = replace(decision, status=_status(decision, known))
    if known.failure is not None:
        stands = f" The numbers are those of version {known.version}." if known.version else ""
        words = f"{known.failure.message} {known.failure.remedy or ''}".strip()
        return _with(decision, false(PROFILED, known.failure.reason, f"{words}{stands}"))
    return _with(decision, true(PROFILED, Reason.PROFILED, _words(known)))


def _words(known: ProfileStatus) -> str:
    size, latency = known.recommended or ProfileSize(), known.latency_milliseconds
    tail = f"p50 {latency.p50:g} ms, p99 {latency.p99:g} ms, " if latency else ""
    return (
        f"Version {known.version} needs {size.cpu or 'unknown'} cpu and "
        f"{size.memory or 'unknown'} of memory; {tail}"
        f"{known.requests_per_second or 0:g} requests a second with {known.max_concurrent_requests}"
        " at the same time."
    )


def _status(decision: ImageDecision, known: ProfileStatus) -> InferenceImageStatus:
    return decision.status.model_copy(update={"profile": known})


def _with(decision: ImageDecision, condition: Condition) -> ImageDecision:
    stage = StageResult(condition, informs=True)
    return replace(decision, stages=(*decision.stages, stage))
