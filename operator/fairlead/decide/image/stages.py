"""InferenceImage: check, resolve, build the environment, assemble; each only where it is needed."""

from dataclasses import replace
from datetime import datetime

from fairlead.api.inferenceimage import BuildPhase, BuildStatus, Hashes, InferenceImageStatus
from fairlead.api.reasons import Reason
from fairlead.api.conditions import true
from fairlead.decide.image.build import build_for, label, log_uri, repository, version_of
from fairlead.decide.decision import REQUEUE_SLOW_S, REQUEUE_SOON_S, Decision, Verdict, not_reached
from fairlead.decide.display import count
from fairlead.decide.image.status import (
    recognised,
    with_build,
    with_environment,
    with_image,
    with_resolution,
    with_version,
)
from fairlead.decide.image.tasks import (
    At,
    assemble_task,
    environment_task,
    resolution_key,
    resolve_task,
)
from fairlead.decide.image.inputs import ImageEvidence, InferenceImage, Inputs, inputs_of
from fairlead.decide.task_progress import Work, pending, stand
from fairlead.images.hashes import code_hash, image_hash
from fairlead.contract import (
    AssembleResult,
    EnvironmentRecipe,
    EnvironmentResult,
    ResolveResult,
    TaskFailure,
)

ImageDecision = Decision[InferenceImageStatus]
INPUTS, ENVIRONMENT, ASSEMBLED = "InputsReady", "EnvironmentReady", "Assembled"


def decide_image(evidence: ImageEvidence, now: datetime) -> ImageDecision:
    """Go from stage to stage until one has to wait; what was learnt on the way is in the status."""
    inputs = inputs_of(evidence, now)
    if isinstance(inputs, Verdict):
        status = evidence.image.status
        verdicts = (inputs, *not_reached(ENVIRONMENT, ASSEMBLED, why=_stays(status)))
        return Decision(status, verdicts, look_again=REQUEUE_SLOW_S if inputs.stalled else REQUEUE_SOON_S)
    at = At(evidence, inputs, evidence.image.status, now)
    for stage in (_resolved, _environment_built, _assembled):
        came = stage(at)
        if isinstance(came, Decision):
            return came
        at = came
    return _ready(at)


def image_reference(image: InferenceImage) -> str | None:
    """The last good image by digest, as the nodes pull it; None before there is one."""
    status = image.status
    if status.image_location is None or status.image_digest is None:
        return None
    return f"{status.image_location.rpartition(':')[0]}@{status.image_digest}"


def _resolved(at: At) -> At | ImageDecision:
    """The base image's digest, the environment's hash and the versions so far are known."""
    key = resolution_key(at)
    if at.status.resolved and at.status.resolved.key == key:
        return at
    identifier, task = resolve_task(at)
    work = stand(identifier, task, at.evidence.tasks, at.image.created_at, at.now)
    if work.result is not None:
        result = ResolveResult.model_validate(work.result)
        environments, recipe = at.shared("environments"), at.inputs.recipe
        status = with_resolution(at.status, key, environments, recipe, result)
        return replace(at, status=status, taken=(*at.taken, identifier))
    message = f"Asking the registry for {at.inputs.recipe.base_image} and for earlier versions."
    verdict = pending(INPUTS, work, at.status, Reason.RESOLVING, message, at.now)
    waiting = not_reached(ENVIRONMENT, ASSEMBLED, why=_stays(at.status))
    return _waiting(at, work, (verdict, *waiting))


def _environment_built(at: At) -> At | ImageDecision:
    """The environment is in the registry, or the whole image is already."""
    if _known(at) or (at.status.environment and at.status.environment.image):
        return at
    build = build_for(at.status, _wanted(at), at.now)
    identifier, task = environment_task(at, build)
    work = stand(identifier, task, at.evidence.tasks, at.image.created_at, at.now)
    if work.result is not None:
        result = EnvironmentResult.model_validate(work.result)
        status = at.status.model_copy(update={"build": build})
        status = with_environment(status, at.shared("environments"), result)
        return replace(at, status=status, taken=(*at.taken, identifier))
    return _building(at, build, work, ENVIRONMENT)


def _assembled(at: At) -> At | ImageDecision:
    """The image is in the registry, under a version of its own."""
    if _known(at):
        return at
    build = build_for(at.status, _wanted(at), at.now)
    identifier, task = assemble_task(at, build)
    work = stand(identifier, task, at.evidence.tasks, at.image.created_at, at.now)
    if work.result is not None:
        result = AssembleResult.model_validate(work.result)
        place = repository(at.image, at.evidence.settings)
        done = with_image(at.status, place, _numbered(build, work), _hashes(at), result, at.now)
        return replace(at, status=done, taken=(*at.taken, identifier))
    return _building(at, build, work, ASSEMBLED)


def _ready(at: At) -> ImageDecision:
    """Every stage is done: by this look, by an earlier one, or by a version long ago."""
    before, status, wanted = at.image.status, at.status, _wanted(at)
    entry = recognised(status, wanted)
    if entry and entry.digest != status.image_digest:
        place = repository(at.image, at.evidence.settings)
        status = with_version(status, place, entry, _hashes(at))
    words = f"Version {status.version} is in the registry: {status.image_location}."
    verdicts = (
        _inputs_ready(at.inputs),
        Verdict(true(ENVIRONMENT, Reason.ENVIRONMENT_BUILT, "The environment is built.")),
        Verdict(true(ASSEMBLED, Reason.BUILT, words)),
    )
    news = status.image_digest != before.image_digest
    changes = (f"built version {status.version}",) if news else ()
    return Decision(status, verdicts, taken=at.taken, changes=changes)


def _building(at: At, build: BuildStatus, work: Work, type_: str) -> ImageDecision:
    """A build is at work on this stage, waits to be, or has failed in it."""
    build = _numbered(build, work)
    phase = BuildPhase.ENVIRONMENT if type_ == ENVIRONMENT else BuildPhase.ASSEMBLING
    ended = work.state.finished_at if work.state and work.failure and not work.task else None
    known = at.status.build
    begun = build.started_at if known and known.id == build.id else at.now
    times = {"started_at": begun, "finished_at": ended}
    build = build.model_copy(update={"phase": BuildPhase.FAILED if ended else phase, **times})
    settings, mine = at.evidence.settings, f"{label(at.image)}/{build.id}"
    writer = work.state.build if work.state and work.state.build else mine
    work = replace(work, log_uri=log_uri(writer, settings))
    if work.failure:
        work = replace(work, failure=_located(work.failure, at, build))
    reason, message = _words(at, type_, shared=not writer.startswith(f"{label(at.image)}/"))
    verdict = pending(type_, work, at.status, reason, message, at.now)
    status = with_build(at.status, build, log_uri(mine, settings))
    if _lost(work, known, ended):
        status = status.model_copy(update={"resolved": None})  # ask again what is there
    if type_ == ENVIRONMENT:
        verdicts = (_inputs_ready(at.inputs), verdict, *not_reached(ASSEMBLED, why=_stays(status)))
    else:
        built = Verdict(true(ENVIRONMENT, Reason.ENVIRONMENT_BUILT, "The environment is built."))
        verdicts = (_inputs_ready(at.inputs), built, verdict)
    return _waiting(replace(at, status=status), work, verdicts)


def _lost(work: Work, known: BuildStatus | None, ended: datetime | None) -> bool:
    """It has just turned out that the registry does not have what the status says it has."""
    news = known is None or known.finished_at != ended
    return bool(news and work.failure and work.failure.reason is Reason.REGISTRY_FAULT)


def _words(at: At, type_: str, *, shared: bool) -> tuple[Reason, str]:
    stays = f" {_stays(at.status)}" if at.status.version else ""
    if type_ == ASSEMBLED:
        return Reason.ASSEMBLING, f"Putting models and code on the environment.{stays}"
    if shared:
        words = "Another image of this namespace builds the same environment; it is used by both."
        return Reason.WAITING_FOR_SHARED_ENVIRONMENT, f"{words}{stays}"
    packages = count(len(at.inputs.recipe.requirements), "requirement")
    base = at.inputs.recipe.base_image
    return Reason.BUILDING_ENVIRONMENT, f"Installing {packages} on {base}.{stays}"


def _located(failure: TaskFailure, at: At, build: BuildStatus) -> TaskFailure:
    """The failure, with the user's own file and line, and with what still stands."""
    message, location = failure.message, failure.location
    line = _line_of(failure.requirement, at.inputs.recipe)
    if line:
        location = f"{at.inputs.recipe.file}:{line}"
        message = f"{location} asks for {message}"
    if at.status.version:
        message += f" Version {version_of(build)} failed; version {at.status.version} stays in use."
    return failure.model_copy(update={"message": message, "location": location})


def _line_of(requirement: str | None, recipe: EnvironmentRecipe) -> int | None:
    lines = (asked.line for asked in recipe.requirements if asked.text == requirement)
    return next(lines, None)


def _numbered(build: BuildStatus, work: Work) -> BuildStatus:
    """The build with the id of the attempt that is at work, or was."""
    writer = work.task.build if work.task else work.state.build if work.state else ""
    identifier = writer.rpartition("/")[2]
    mine = identifier.partition("-")[0] == str(version_of(build))
    return build.model_copy(update={"id": identifier}) if mine else build


def _waiting(at: At, work: Work, verdicts: tuple[Verdict, ...]) -> ImageDecision:
    return Decision(
        at.status,
        verdicts,
        tasks=(work.task,) if work.task else (),
        taken=at.taken,
        look_again=work.look_again(at.now, REQUEUE_SLOW_S),
    )


def _inputs_ready(inputs: Inputs) -> Verdict:
    models, files = count(len(inputs.models), "model"), count(len(inputs.files), "file")
    packages = count(len(inputs.recipe.requirements), "requirement")
    return Verdict(true(INPUTS, Reason.INPUTS_READY, f"{models}, {files}, {packages}."))


def _stays(status: InferenceImageStatus) -> str:
    if status.version is None:
        return "Waits for the stage before."
    return f"Version {status.version} stays in use."


def _known(at: At) -> bool:
    """An image of exactly these inputs exists."""
    return recognised(at.status, _wanted(at)) is not None


def _wanted(at: At) -> str:
    return _hashes(at).image


def _hashes(at: At) -> Hashes:
    environment, spec = at.status.environment, at.image.spec
    assert environment, "resolved before"
    code = code_hash(at.inputs.files, spec.entry_script)
    image = image_hash(environment.hash, at.inputs.models, code, spec.environment_variables or {})
    return Hashes(image=image, environment=environment.hash, code=code)
