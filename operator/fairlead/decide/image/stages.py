"""InferenceImage: check, resolve, build the environment, assemble; each only where it is needed."""

from dataclasses import replace
from datetime import datetime

from fairlead.api.conditions import true
from fairlead.api.inferenceimage import (
    BuildPhase,
    BuildStatus,
    Hashes,
    SmokeTestOutcome,
)
from fairlead.api.objects import InferenceImage
from fairlead.api.reasons import Reason
from fairlead.contract import (
    AssembleResult,
    EnvironmentResult,
    ResolveResult,
    SmokeResult,
    TaskPhase,
)
from fairlead.decide.decision import (
    Decision,
    StageResult,
    not_reached,
)
from fairlead.decide.image.build import build_for, label, repository
from fairlead.decide.image.building import (
    ASSEMBLED,
    ENVIRONMENT,
    INPUTS,
    ImageDecision,
    building,
    environment_stage,
    inputs_ready,
    numbered,
    source_lost,
    stands_for,
    tagging,
    unresolved,
    waiting,
)
from fairlead.decide.image.inputs import inputs_of
from fairlead.decide.image.logs import image_build_log, logged_history
from fairlead.decide.image.profile import profiled, waits_for_image
from fairlead.decide.image.sample import outcome_words, skipped_because
from fairlead.decide.image.smoke_test import may_be_gone, smoke_task
from fairlead.decide.image.source import with_source
from fairlead.decide.image.status import (
    assembled,
    recognised,
    stays,
    tested,
    with_environment,
    with_image,
    with_log,
    with_resolution,
    with_version,
)
from fairlead.decide.image.tags import put_tags
from fairlead.decide.image.taken import (
    at_work,
    give_up,
    given_up,
    is_at_work,
    is_taken,
    next_build,
)
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
from fairlead.finding import Finding
from fairlead.images.hashes import image_hash

BASE_IMAGE_FAILURES = (
    Reason.BASE_IMAGE_NOT_FOUND,
    Reason.BASE_IMAGE_DENIED,
    Reason.BASE_IMAGE_WRONG_PLATFORM,
)


def decide_image(evidence: ImageEvidence, now: datetime) -> ImageDecision:
    """Go from stage to stage until one has to wait; what was learnt on the way is in the status."""
    tags = put_tags(evidence, evidence.image.status, now)
    image = replace(evidence.image, status=tags.status)
    decision = _decided(replace(evidence, image=image), now)
    decision = waits_for_image(decision, image.spec.profile)
    due = put_tags(evidence, decision.status, now)  # of what has just been announced, too
    return replace(
        decision,
        tasks=(*decision.tasks, *due.tasks),
        taken=(*tags.taken, *decision.taken),
        requeue_after=min(decision.requeue_after, due.requeue_after),
    )


def _decided(evidence: ImageEvidence, now: datetime) -> ImageDecision:
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
    for advance in (_resolved, _environment_built, _assembled, _tested):
        reached = advance(state)
        if isinstance(reached, Decision):
            return reached
        state = reached
    return profiled(state, _ready(state))


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
    base = f"{state.inputs.recipe.base_image}{stands_for(state)}"
    message = f"Asking the registry for {base} and for earlier versions."
    progress = progress.with_position(state.evidence.new_tasks)
    if progress.failure and progress.failure.reason in BASE_IMAGE_FAILURES:
        told = f"{progress.failure.message}{stands_for(state)}"
        progress = replace(progress, failure=progress.failure.model_copy(update={"message": told}))
    stage = pending(INPUTS, progress, state.status, Reason.RESOLVING, message, state.now)
    behind = not_reached(ENVIRONMENT, ASSEMBLED, why=stays(state.status))
    if source_lost(progress):
        state = replace(state, status=state.status.model_copy(update={"source": None}))
    return waiting(state, progress, (stage, *behind))


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
    return building(state, build, progress, BuildPhase.ENVIRONMENT)


def _unbuildable(state: BuildState, finding: Finding) -> ImageDecision:
    """An earlier environment was built in another way, and this one cannot be built here."""
    stage = refused(INPUTS, [finding], state.status.failure, state.now)
    waiting = not_reached(ENVIRONMENT, ASSEMBLED, why=stays(state.status))
    return Decision(state.status, (stage, *waiting), taken=state.taken)


def _assembled(state: BuildState) -> BuildState | ImageDecision:
    """The image is in the registry: with the tag of its version, or to be tried first."""
    if _known(state) or _made(state):
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
        build = assembled(numbered(build, progress), result)
        if result.tagged or progress.identifier == assemble_task(state, build, tag=True)[0]:
            state = replace(state, taken=(*state.taken, progress.identifier))
            build = build.model_copy(update={"smoke_test": SmokeTestOutcome.SKIPPED})
            return _announced(state, build, tagged=True)
        status = state.status.model_copy(update={"build": build})  # kept until it has been tried
        return replace(state, status=status)
    return building(state, build, progress, BuildPhase.ASSEMBLING)


def _tested(state: BuildState) -> BuildState | ImageDecision:
    """An image that has no tag has been tried, where it is to be; what has passed is announced."""
    build = _made(state)
    if build is None:
        return state
    tasks = state.evidence.tasks
    assembly, _ = assemble_task(state, build, tag=False)
    taken = (*state.taken, *left_over(assembly, tasks))
    if _skipped(state):
        state = replace(state, taken=taken)
        build = build.model_copy(update={"smoke_test": SmokeTestOutcome.SKIPPED})
        return _announced(state, build, tagged=False)
    identifier, task = smoke_task(state, build)
    since = state.image.created_at
    progress = task_progress(identifier, task, tasks, since, state.now)
    if progress.result is not None:
        result = SmokeResult.model_validate(progress.result)
        state = replace(state, taken=(*taken, identifier))
        return _announced(state, tested(numbered(build, progress), result), tagged=False)
    if may_be_gone(progress, tasks.get(assembly)):
        return _made_again(state, build, progress, assembly)
    outcome = SmokeTestOutcome.FAILED if progress.stalled else None
    build = build.model_copy(update={"smoke_test": outcome})
    return building(state, build, progress, BuildPhase.SMOKE_TEST)


def _made_again(
    state: BuildState, build: BuildStatus, progress: TaskProgress, assembly: str
) -> ImageDecision:
    """The failure is told, and the registry is asked anew what there is."""
    taken = (*state.taken, assembly)
    state = replace(state, status=unresolved(state.status), taken=taken)
    build = build.model_copy(update={"image_digest": None, "smoke_test": None})
    told = building(state, build, replace(progress, task=None), BuildPhase.SMOKE_TEST)
    return replace(told, requeue_after=0.0)


def _made(state: BuildState) -> BuildStatus | None:
    """The build whose image is put together and not announced yet; None where there is none."""
    build = state.status.build
    mine = build is not None and build.hash == _wanted(state) and build.image_digest is not None
    return build if mine and not _known(state) else None


def _skipped(state: BuildState) -> str:
    return skipped_because(state.image.spec, state.evidence.settings)


def _announced(state: BuildState, build: BuildStatus, *, tagged: bool) -> BuildState:
    place = repository(state.image, state.evidence.settings)
    lies = None if tagged else state.repository
    done = with_image(state.status, place, build, _hashes(state), state.now, untagged_in=lies)
    return replace(state, status=done)


def _assembly(
    state: BuildState, build: BuildStatus | None = None
) -> tuple[BuildStatus, TaskProgress]:
    """How the image is put together under the version of ``build``, or of the one at work."""
    if build is None:
        build = build_for(state.status, _wanted(state), state.now)
        identifier, _ = assemble_task(state, build, tag=_gets_its_tag(state, build))
        build = at_work(build, state.evidence.tasks.get(identifier), label(state.image))
    identifier, task = assemble_task(state, build, tag=_gets_its_tag(state, build))
    since = state.image.created_at
    return build, task_progress(identifier, task, state.evidence.tasks, since, state.now)


def _gets_its_tag(state: BuildState, build: BuildStatus) -> bool:
    """Whether it is put together with its tag: where it is not tried, and where that has begun.

    An operator that tried no images may have begun it; the tag is, or will be, there.
    """
    if _skipped(state):
        return True
    identifier, _ = assemble_task(state, build, tag=True)
    known = state.evidence.tasks.get(identifier)
    begun = known is not None and known.phase in (TaskPhase.RUNNING, TaskPhase.SUCCEEDED)
    return begun and is_at_work(build, known, label(state.image))


def _outdated(state: BuildState) -> bool:
    """Somebody else has pushed a version since the registry was asked, and it is time to go on."""
    if state.status.environment is None or _known(state) or _made(state):
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
    history = logged_history(state.evidence, status.history)
    update = {"history": history, "platform": state.image.spec.platform}
    status = status.model_copy(update=update)
    build = status.build if status.build and status.build.hash == wanted else None
    words = f"Version {status.version} is in the registry: {status.image_location}."
    words += outcome_words(build, _skipped(state))
    built = StageResult(true(ASSEMBLED, Reason.BUILT, words))
    if entry and entry.untagged:
        built = tagging(replace(state, status=status), entry)
    stages = (inputs_ready(state.inputs), environment_stage(state), built)
    news = status.image_digest != before.image_digest
    changes = (f"built version {status.version}",) if news else ()
    return Decision(status, stages, taken=state.taken, changes=changes)


def _known(state: BuildState) -> bool:
    """An image of exactly these inputs exists."""
    return recognised(state.status, _wanted(state)) is not None


def _wanted(state: BuildState) -> str:
    return _hashes(state).image


def _hashes(state: BuildState) -> Hashes:
    environment, spec = state.environment, state.image.spec
    code = state.inputs.code_hash(state.evidence.digests, spec.entry_script)
    image = image_hash(
        environment.hash,
        state.inputs.models,
        code,
        state.inputs.variables,
        debugger=state.image.spec.has_debugger,
    )
    return Hashes(image=image, environment=environment.hash, code=code)
