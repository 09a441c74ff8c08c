"""What is said of an image whose build is at work, waits, or has failed; pure."""

from dataclasses import replace
from datetime import datetime

from fairlead.api.build_options import BuildEngine
from fairlead.api.code_source import FetchedCode
from fairlead.api.conditions import true
from fairlead.api.inferenceimage import (
    BuildPhase,
    BuildStatus,
    HistoryEntry,
    InferenceImageStatus,
)
from fairlead.api.reasons import Reason
from fairlead.contract import TaskFailure
from fairlead.decide.decision import ON_RESYNC_S, Decision, StageResult, not_reached
from fairlead.decide.display import count
from fairlead.decide.image.build import label, version_of
from fairlead.decide.image.inputs import Inputs, asked_base_image
from fairlead.decide.image.logs import BuildLog, environment_build_log, image_build_log
from fairlead.decide.image.sample import smoke_test
from fairlead.decide.image.status import stays, with_build
from fairlead.decide.image.tags import tag_progress
from fairlead.decide.image.tasks import BuildState
from fairlead.decide.task_progress import TaskProgress, pending
from fairlead.finding import Finding, listed
from fairlead.inputs.recipe import located

ImageDecision = Decision[InferenceImageStatus]
INPUTS, ENVIRONMENT, ASSEMBLED = "InputsReady", "EnvironmentReady", "Assembled"


def building(
    state: BuildState, build: BuildStatus, progress: TaskProgress, phase: BuildPhase
) -> ImageDecision:
    """A build is at work on this stage, waits to be, or has failed in it."""
    build = numbered(build, progress)
    type_ = ENVIRONMENT if phase is BuildPhase.ENVIRONMENT else ASSEMBLED
    ended = (
        progress.state.finished_at
        if progress.state and progress.failure and not progress.task
        else None
    )
    known = state.status.build
    begun = build.started_at if known and known.id == build.id else state.now
    times = {"started_at": begun, "finished_at": ended}
    build = build.model_copy(update={"phase": BuildPhase.FAILED if ended else phase, **times})
    log = _log(state, build, progress, type_)
    writer = progress.state.build if progress.state and progress.state.build else ""
    progress = replace(progress, log_uri=log.failure_uri)
    progress = progress.with_position(state.evidence.new_tasks)
    if progress.failure:
        told = _told_apart(progress.failure, state, build, type_)
        progress = replace(progress, failure=_located(told, state, build))
    shared = bool(writer) and not writer.startswith(f"{label(state.image)}/")
    reason, message = _words(state, phase, shared=shared)
    stage = pending(type_, progress, state.status, reason, message, state.now)
    status = with_build(state.status, build, log)
    if _lost(progress, known, ended):
        status = unresolved(status)
        if source_lost(progress):
            status = status.model_copy(update={"source": None})
    if type_ == ENVIRONMENT:
        stages = (inputs_ready(state.inputs), stage, *not_reached(ASSEMBLED, why=stays(status)))
    else:
        stages = (inputs_ready(state.inputs), environment_stage(state), stage)
    return waiting(replace(state, status=status), progress, stages)


def tagging(state: BuildState, entry: HistoryEntry) -> StageResult:
    """It is announced, and waits for its tag."""
    progress = tag_progress(state.evidence, entry, state.now)
    words = f"Version {entry.version} is used from now on by its digest; it is given its tag."
    return pending(ASSEMBLED, progress, state.status, Reason.ASSEMBLING, words, state.now)


def waiting(
    state: BuildState, progress: TaskProgress, stages: tuple[StageResult, ...]
) -> ImageDecision:
    return Decision(
        state.status,
        stages,
        tasks=(progress.task,) if progress.task else (),
        taken=state.taken,
        requeue_after=progress.requeue_after(state.now, ON_RESYNC_S),
    )


def numbered(build: BuildStatus, progress: TaskProgress) -> BuildStatus:
    """The build with the id of the attempt that is at work, or was."""
    writer = (
        progress.task.build if progress.task else progress.state.build if progress.state else ""
    )
    identifier = writer.rpartition("/")[2]
    mine = identifier.partition("-")[0] == str(version_of(build))
    return build.model_copy(update={"id": identifier}) if mine else build


def inputs_ready(inputs: Inputs) -> StageResult:
    models, files = count(len(inputs.models), "model"), count(inputs.file_count, "file")
    packages = count(inputs.requirement_count, "requirement")
    words = f"{models}, {files}, {packages}.{_of_source(inputs.fetched)}"
    return StageResult(true(INPUTS, Reason.INPUTS_READY, words))


def _of_source(code: FetchedCode | None) -> str:
    """Where it came from, and what of it is not in the image."""
    if code is None:
        return ""
    less = f" Its ignore file leaves out {count(code.ignored, 'file')}." if code.ignored else ""
    return f" The source is {code.origin}.{less}"


def environment_stage(state: BuildState) -> StageResult:
    """It is built; what the file left open is told once, and is no failure."""
    found = state.environment.unpinned
    if not found:
        return StageResult(true(ENVIRONMENT, Reason.ENVIRONMENT_BUILT, "The environment is built."))
    words = (
        f"The environment is built. The file leaves versions open of {listed(found)}: what was "
        "found stays until the file or the base image changes."
    )
    return StageResult(true(ENVIRONMENT, Reason.ENVIRONMENT_UNPINNED, words))


def stands_for(state: BuildState) -> str:
    """Where a mirror of the settings is read in the place of what the user wrote."""
    asked = asked_base_image(state.image.spec, state.evidence.settings)
    if asked == state.inputs.recipe.base_image:
        return ""
    return f" (read in the place of {asked}, as FAIRLEAD_BASE_IMAGE_MIRRORS says)"


def _log(state: BuildState, build: BuildStatus, progress: TaskProgress, type_: str) -> BuildLog:
    if type_ == ENVIRONMENT:
        return environment_build_log(state.evidence, build, state.environment.hash, progress)
    return image_build_log(state.evidence, build)


def _lost(progress: TaskProgress, known: BuildStatus | None, ended: datetime | None) -> bool:
    """It has just turned out that the registry does not have what the status says it has."""
    news = known is None or known.finished_at != ended
    fault = progress.failure and progress.failure.reason is Reason.REGISTRY_FAULT
    return news and (bool(fault) or source_lost(progress))


def source_lost(progress: TaskProgress) -> bool:
    return progress.failure is not None and progress.failure.reason is Reason.SOURCE_LOST


def unresolved(status: InferenceImageStatus) -> InferenceImageStatus:
    """The registry is asked again what there is, and what was put together counts for nothing."""
    build = status.build and status.build.model_copy(update={"image_digest": None})
    return status.model_copy(update={"resolved": None, "build": build})


def _words(state: BuildState, phase: BuildPhase, *, shared: bool) -> tuple[Reason, str]:
    still = f" {stays(state.status)}" if state.status.version else ""
    if phase is BuildPhase.SMOKE_TEST:
        calls = (
            "init() and run() with the sample" if smoke_test(state.image.spec).sample else "init()"
        )
        words = f"Trying the image before it gets its tag: the script's import, {calls}.{still}"
        return Reason.SMOKE_TESTING, words
    if phase is BuildPhase.ASSEMBLING:
        return Reason.ASSEMBLING, f"Putting models and code on the environment.{still}"
    if shared:
        words = "Another image of this namespace builds the same environment; it is used by both."
        return Reason.WAITING_FOR_SHARED_ENVIRONMENT, f"{words}{still}"
    packages = count(state.inputs.requirement_count, "requirement")
    base, engine = state.inputs.recipe.base_image, state.engine
    how = "" if isinstance(engine, Finding) else f" with the {engine.engine} engine: {engine.why}"
    words = f"Installing {packages} on {base}{stands_for(state)}{how}.{still}"
    return Reason.BUILDING_ENVIRONMENT, words


def _told_apart(
    failure: TaskFailure, state: BuildState, build: BuildStatus, type_: str
) -> TaskFailure:
    """What the object names has no effect on what BuildKit's task may read and push."""
    apart = type_ == ENVIRONMENT and build.engine is BuildEngine.BUILDKIT
    if not apart or failure.reason not in (Reason.REGISTRY_AUTH, Reason.REGISTRY_DENIED):
        return failure
    place, mine = state.evidence.settings.buildkit_namespace, state.image.namespace
    remedy = (
        f"The buildkit engine builds in namespace {place}, where no Secret of {mine} can be "
        "mounted. Whoever runs Fairlead puts the Secret that FAIRLEAD_REGISTRY_SECRET names there, "
        f"too, with the right to read and push {state.shared('environments')} (docs/jobs.md). Or "
        "leave out what runs (RUN): then the pod engine builds, with the Secrets of this object. "
        "It is tried again."
    )
    return failure.model_copy(update={"remedy": remedy})


def _located(failure: TaskFailure, state: BuildState, build: BuildStatus) -> TaskFailure:
    """The failure, with the user's own file and line, and with what still stands."""
    failure = located(failure, state.inputs.recipe)
    if state.status.version is None:
        return failure
    stands = f"Version {version_of(build)} failed; version {state.status.version} stays in use."
    return failure.model_copy(update={"message": f"{failure.message} {stands}"})
