"""InferenceImage: check, resolve, build the environment, assemble; each only where it is needed."""

from dataclasses import replace
from datetime import datetime

from fairlead.api.code_source import FetchedCode
from fairlead.api.conditions import true
from fairlead.api.inferenceimage import BuildPhase, BuildStatus, Hashes, InferenceImageStatus
from fairlead.api.objects import InferenceImage
from fairlead.api.reasons import Reason
from fairlead.contract import (
    AssembleResult,
    EnvironmentResult,
    ResolveResult,
    TaskFailure,
)
from fairlead.decide.decision import (
    ON_RESYNC_S,
    Decision,
    StageResult,
    not_reached,
)
from fairlead.decide.display import count
from fairlead.decide.image.build import build_for, label, repository, version_of
from fairlead.decide.image.inputs import Inputs, asked_base_image, inputs_of
from fairlead.decide.image.logs import BuildLog, environment_build_log, image_build_log
from fairlead.decide.image.source import with_source
from fairlead.decide.image.status import (
    recognised,
    stays,
    with_build,
    with_environment,
    with_image,
    with_log,
    with_resolution,
    with_version,
)
from fairlead.decide.image.taken import at_work, give_up, given_up, is_taken, next_build
from fairlead.decide.image.tasks import (
    BuildState,
    assemble_task,
    environment_task,
    resolution_key,
    resolve_task,
)
from fairlead.decide.refused import refused
from fairlead.decide.task_progress import TaskProgress, left_over, pending, task_progress
from fairlead.evidence import ImageEvidence
from fairlead.finding import Finding, listed
from fairlead.images.hashes import image_hash
from fairlead.inputs.recipe import located

ImageDecision = Decision[InferenceImageStatus]
BASE_IMAGE_FAILURES = (
    Reason.BASE_IMAGE_NOT_FOUND,
    Reason.BASE_IMAGE_DENIED,
    Reason.BASE_IMAGE_WRONG_PLATFORM,
)
INPUTS, ENVIRONMENT, ASSEMBLED = "InputsReady", "EnvironmentReady", "Assembled"


def decide_image(evidence: ImageEvidence, now: datetime) -> ImageDecision:
    """Go from stage to stage until one has to wait; what was learnt on the way is in the status."""
    found = with_source(evidence, now)
    if isinstance(found, Decision):
        return found
    evidence, taken = found.evidence, found.taken
    inputs = inputs_of(evidence, now)
    if isinstance(inputs, StageResult):
        status = evidence.image.status
        stages = (inputs, *not_reached(ENVIRONMENT, ASSEMBLED, why=stays(status)))
        return Decision(status, stages, taken=taken)
    decision = _advanced(BuildState(evidence, inputs, evidence.image.status, now, taken))
    return replace(decision, stages=(*decision.stages, *inputs.warnings))


def _advanced(state: BuildState) -> ImageDecision:
    for advance in (_resolved, _environment_built, _assembled):
        reached = advance(state)
        if isinstance(reached, Decision):
            return reached
        state = reached
    return _ready(state)


def image_reference(image: InferenceImage) -> str | None:
    """The last good image by digest, as the nodes pull it; None before there is one."""
    status = image.status
    if status.image_location is None or status.image_digest is None:
        return None
    return f"{status.image_location.rpartition(':')[0]}@{status.image_digest}"


def _resolved(state: BuildState) -> BuildState | ImageDecision:
    """The base image's digest, the environment's hash and the versions so far are known."""
    key = resolution_key(state)
    asked = state.status.resolved.key if state.status.resolved else None
    identifier, task = resolve_task(state)
    if asked == key and state.resolved and not _outdated(state):
        taken = left_over(identifier, state.evidence.tasks)
        return replace(state, taken=(*state.taken, *taken))
    progress = task_progress(
        identifier, task, state.evidence.tasks, state.image.created_at, state.now
    )
    if progress.result is not None:
        result = ResolveResult.model_validate(progress.result)
        environments = state.shared("environments")
        status = with_resolution(state.status, key, environments, state.inputs, result)
        return replace(state, status=status, taken=(*state.taken, identifier))
    base = f"{state.inputs.recipe.base_image}{_stands_for(state)}"
    message = f"Asking the registry for {base} and for earlier versions."
    progress = progress.with_position(state.evidence.new_tasks)
    if progress.failure and progress.failure.reason in BASE_IMAGE_FAILURES:
        told = f"{progress.failure.message}{_stands_for(state)}"
        progress = replace(progress, failure=progress.failure.model_copy(update={"message": told}))
    stage = pending(INPUTS, progress, state.status, Reason.RESOLVING, message, state.now)
    waiting = not_reached(ENVIRONMENT, ASSEMBLED, why=stays(state.status))
    if _source_lost(progress):
        state = replace(state, status=state.status.model_copy(update={"source": None}))
    return _waiting(state, progress, (stage, *waiting))


def _stands_for(state: BuildState) -> str:
    """Where a mirror of the settings is read in the place of what the user wrote."""
    asked = asked_base_image(state.image.spec, state.evidence.settings)
    if asked == state.inputs.recipe.base_image:
        return ""
    return f" (read in the place of {asked}, as FAIRLEAD_BASE_IMAGE_MIRRORS says)"


def _environment_built(state: BuildState) -> BuildState | ImageDecision:
    """The environment is in the registry, or the whole image is already."""
    if _known(state) or state.environment.image:
        return state
    build = build_for(state.status, _wanted(state), state.now)
    engine = state.engine
    if isinstance(engine, Finding):
        return _unbuildable(state, engine)
    build = build.model_copy(update={"engine": engine.engine})
    identifier, task = environment_task(state, build)
    progress = task_progress(
        identifier, task, state.evidence.tasks, state.image.created_at, state.now
    )
    if progress.result is not None:
        result = EnvironmentResult.model_validate(progress.result)
        status = state.status.model_copy(update={"build": build})
        place = state.shared("environments")
        status = with_environment(status, place, state.environment.hash, result)
        return replace(state, status=status, taken=(*state.taken, identifier))
    return _building(state, build, progress, ENVIRONMENT)


def _unbuildable(state: BuildState, finding: Finding) -> ImageDecision:
    """An earlier environment was built in another way, and this one cannot be built here."""
    stage = refused(INPUTS, [finding], state.status.failure, state.now)
    waiting = not_reached(ENVIRONMENT, ASSEMBLED, why=stays(state.status))
    return Decision(state.status, (stage, *waiting), taken=state.taken)


def _assembled(state: BuildState) -> BuildState | ImageDecision:
    """The image is in the registry, under a version of its own."""
    if _known(state):
        return state
    build, progress = _assembly(state)
    if is_taken(build, progress.state, label(state.image)):
        if given_up(build):
            progress = give_up(progress)
        elif progress.task:  # its time has come, and the registry has been asked again
            build, progress = _assembly(state, next_build(state.status, build, state.now))
            progress = replace(progress, failure=None)  # it was that of the version before
    if progress.result is not None:
        result = AssembleResult.model_validate(progress.result)
        place = repository(state.image, state.evidence.settings)
        done = with_image(
            state.status, place, _numbered(build, progress), _hashes(state), result, state.now
        )
        return replace(state, status=done, taken=(*state.taken, progress.identifier))
    return _building(state, build, progress, ASSEMBLED)


def _assembly(
    state: BuildState, build: BuildStatus | None = None
) -> tuple[BuildStatus, TaskProgress]:
    """How the image is put together under the version of ``build``, or of the one at work."""
    if build is None:
        build = build_for(state.status, _wanted(state), state.now)
        identifier, _ = assemble_task(state, build)
        build = at_work(build, state.evidence.tasks.get(identifier), label(state.image))
    identifier, task = assemble_task(state, build)
    since = state.image.created_at
    return build, task_progress(identifier, task, state.evidence.tasks, since, state.now)


def _outdated(state: BuildState) -> bool:
    """Somebody else has pushed a version since the registry was asked, and it is time to go on."""
    if state.status.environment is None or _known(state):
        return False
    build, progress = _assembly(state)
    taken = is_taken(build, progress.state, label(state.image))
    return taken and progress.task is not None and not given_up(build)


def _ready(state: BuildState) -> ImageDecision:
    """Every stage is done: by this look, by an earlier one, or by a version long ago."""
    before, status, wanted = state.image.status, state.status, _wanted(state)
    entry = recognised(status, wanted)
    stands = status.image_location is not None and status.version is not None
    if entry and not (stands and entry.digest == status.image_digest):
        place = repository(state.image, state.evidence.settings)
        status = with_version(status, place, entry, _hashes(state))
    if status.build and status.build.phase is BuildPhase.SUCCEEDED:  # another key, another place
        log = image_build_log(state.evidence, status.build)
        status = status.model_copy(update={"build": with_log(status.build, log)})
    words = f"Version {status.version} is in the registry: {status.image_location}."
    stages = (
        _inputs_ready(state.inputs),
        _environment(state),
        StageResult(true(ASSEMBLED, Reason.BUILT, words)),
    )
    news = status.image_digest != before.image_digest
    changes = (f"built version {status.version}",) if news else ()
    return Decision(status, stages, taken=state.taken, changes=changes)


def _building(
    state: BuildState, build: BuildStatus, progress: TaskProgress, type_: str
) -> ImageDecision:
    """A build is at work on this stage, waits to be, or has failed in it."""
    build = _numbered(build, progress)
    phase = BuildPhase.ENVIRONMENT if type_ == ENVIRONMENT else BuildPhase.ASSEMBLING
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
        progress = replace(progress, failure=_located(progress.failure, state, build))
    shared = bool(writer) and not writer.startswith(f"{label(state.image)}/")
    reason, message = _words(state, type_, shared=shared)
    stage = pending(type_, progress, state.status, reason, message, state.now)
    status = with_build(state.status, build, log)
    if _lost(progress, known, ended):
        lost = {"source": None} if _source_lost(progress) else {}
        status = status.model_copy(update={"resolved": None, **lost})  # ask again what is there
    if type_ == ENVIRONMENT:
        stages = (_inputs_ready(state.inputs), stage, *not_reached(ASSEMBLED, why=stays(status)))
    else:
        stages = (_inputs_ready(state.inputs), _environment(state), stage)
    return _waiting(replace(state, status=status), progress, stages)


def _log(state: BuildState, build: BuildStatus, progress: TaskProgress, type_: str) -> BuildLog:
    if type_ == ENVIRONMENT:
        return environment_build_log(state.evidence, build, state.environment.hash, progress)
    return image_build_log(state.evidence, build)


def _lost(progress: TaskProgress, known: BuildStatus | None, ended: datetime | None) -> bool:
    """It has just turned out that the registry does not have what the status says it has."""
    news = known is None or known.finished_at != ended
    fault = progress.failure and progress.failure.reason is Reason.REGISTRY_FAULT
    return news and (bool(fault) or _source_lost(progress))


def _source_lost(progress: TaskProgress) -> bool:
    return progress.failure is not None and progress.failure.reason is Reason.SOURCE_LOST


def _words(state: BuildState, type_: str, *, shared: bool) -> tuple[Reason, str]:
    stands = f" {stays(state.status)}" if state.status.version else ""
    if type_ == ASSEMBLED:
        return Reason.ASSEMBLING, f"Putting models and code on the environment.{stands}"
    if shared:
        words = "Another image of this namespace builds the same environment; it is used by both."
        return Reason.WAITING_FOR_SHARED_ENVIRONMENT, f"{words}{stands}"
    packages = count(state.inputs.requirement_count, "requirement")
    base, engine = state.inputs.recipe.base_image, state.engine
    how = "" if isinstance(engine, Finding) else f" with the {engine.engine} engine: {engine.why}"
    words = f"Installing {packages} on {base}{_stands_for(state)}{how}.{stands}"
    return Reason.BUILDING_ENVIRONMENT, words


def _located(failure: TaskFailure, state: BuildState, build: BuildStatus) -> TaskFailure:
    """The failure, with the user's own file and line, and with what still stands."""
    failure = located(failure, state.inputs.recipe)
    if state.status.version is None:
        return failure
    stands = f"Version {version_of(build)} failed; version {state.status.version} stays in use."
    return failure.model_copy(update={"message": f"{failure.message} {stands}"})


def _numbered(build: BuildStatus, progress: TaskProgress) -> BuildStatus:
    """The build with the id of the attempt that is at work, or was."""
    writer = (
        progress.task.build if progress.task else progress.state.build if progress.state else ""
    )
    identifier = writer.rpartition("/")[2]
    mine = identifier.partition("-")[0] == str(version_of(build))
    return build.model_copy(update={"id": identifier}) if mine else build


def _waiting(
    state: BuildState, progress: TaskProgress, stages: tuple[StageResult, ...]
) -> ImageDecision:
    return Decision(
        state.status,
        stages,
        tasks=(progress.task,) if progress.task else (),
        taken=state.taken,
        requeue_after=progress.requeue_after(state.now, ON_RESYNC_S),
    )


def _inputs_ready(inputs: Inputs) -> StageResult:
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


def _environment(state: BuildState) -> StageResult:
    """It is built; what the file left open is told once, and is no failure."""
    found = state.environment.unpinned
    if not found:
        return StageResult(true(ENVIRONMENT, Reason.ENVIRONMENT_BUILT, "The environment is built."))
    words = (
        f"The environment is built. The file leaves versions open of {listed(found)}: what was "
        "found stays until the file or the base image changes."
    )
    return StageResult(true(ENVIRONMENT, Reason.ENVIRONMENT_UNPINNED, words))


def _known(state: BuildState) -> bool:
    """An image of exactly these inputs exists."""
    return recognised(state.status, _wanted(state)) is not None


def _wanted(state: BuildState) -> str:
    return _hashes(state).image


def _hashes(state: BuildState) -> Hashes:
    environment, spec = state.environment, state.image.spec
    code = state.inputs.code_hash(state.evidence.digests, spec.entry_script)
    image = image_hash(environment.hash, state.inputs.models, code, state.inputs.variables)
    return Hashes(image=image, environment=environment.hash, code=code)
