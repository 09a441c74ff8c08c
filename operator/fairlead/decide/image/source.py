"""The source of an image that a task fetches: asked for once; what it found is in the status."""

from dataclasses import dataclass, replace
from datetime import datetime

from fairlead.api.code_source import AskedFor, FetchedCode, SourceStatus
from fairlead.api.inferenceimage import InferenceImageStatus
from fairlead.api.reasons import Reason
from fairlead.contract import SourceRequest, SourceResult, Task
from fairlead.decide.access import access_key, code_access, unmountable
from fairlead.decide.decision import ON_RESYNC_S, Decision, not_reached
from fairlead.decide.image.inputs import INPUTS_READY, recipe_settings
from fairlead.decide.image.status import stays
from fairlead.decide.refused import refused
from fairlead.decide.task_progress import left_over, owner_of, pending, task_progress
from fairlead.evidence import ImageEvidence
from fairlead.images.hashes import source_key
from fairlead.inputs.environment import Environment
from fairlead.inputs.script_uses import ScriptUses, Use
from fairlead.inputs.source import ParsedSource
from fairlead.requirement import Requirement
from fairlead.sources.addresses import shown

LATER = ("EnvironmentReady", "Assembled")
ImageDecision = Decision[InferenceImageStatus]


@dataclass(frozen=True)
class WithSource:
    """``evidence`` says all that is known; ``taken``: the tasks whose results it holds."""

    evidence: ImageEvidence
    taken: tuple[str, ...] = ()


def with_source(evidence: ImageEvidence, now: datetime) -> WithSource | ImageDecision:
    """What is known of the source, or what is done and said because it is not there yet."""
    image = evidence.image
    if not image.spec.source.is_fetched:
        status = image.status.model_copy(update={"source": None})  # of an earlier spec
        return WithSource(replace(evidence, image=replace(image, status=status)))
    request = _request(evidence)
    key, known = source_key(request), image.status.source
    identifier = _identifier(evidence, key)
    artifact = f"{request.repository}@{_digest(known)}"  # others may write what status says
    if known is not None and known.key == key and known.artifact == artifact:
        return WithSource(_seen(evidence, known), left_over(identifier, evidence.tasks))
    unmounted = unmountable(image.spec, evidence.settings)
    if unmounted:
        stage = refused(INPUTS_READY, [unmounted], image.status.failure, now)
        return Decision(image.status, (stage, *not_reached(*LATER, why=stays(image.status))))

    def task(attempt: int) -> Task:
        return Task(
            identifier,
            "source",
            attempt,
            request,
            float(evidence.settings.code_timeout_seconds),
            namespace=image.namespace,
            owner=owner_of(image),
            access=code_access(image.spec),
        )

    progress = task_progress(identifier, task, evidence.tasks, image.created_at, now)
    if progress.result is not None:
        result = SourceResult.model_validate(progress.result)
        artifact = f"{request.repository}@{result.digest}"
        when = now.replace(microsecond=0)
        source = SourceStatus(key=key, artifact=artifact, code=result.code, fetched_at=when)
        return WithSource(_seen(evidence, source), (identifier,))
    progress = progress.with_position(evidence.new_tasks)
    message = f"Fetching {_where(evidence)}. {stays(image.status)}"
    reason = Reason.FETCHING_SOURCE
    stage = pending(INPUTS_READY, progress, image.status, reason, message, now)
    return Decision(
        image.status,
        (stage, *not_reached(*LATER, why=stays(image.status))),
        tasks=(progress.task,) if progress.task else (),
        requeue_after=progress.requeue_after(now, ON_RESYNC_S),
    )


def _request(evidence: ImageEvidence) -> SourceRequest:
    image, settings = evidence.image, evidence.settings
    spec, recipe = image.spec, recipe_settings(image.spec, settings)
    return SourceRequest(
        repository=settings.code_repository(image.namespace, image.name),
        source=spec.source,
        entry_script=spec.entry_script,
        conda_file=spec.conda_file,
        requirements_file=spec.requirements_file,
        docker_file=spec.docker_file,
        base_image=recipe.base_image,
        channels=recipe.channels,
        cuda=recipe.cuda,
        provides_azureml=recipe.provides_azureml,
        identity=settings.runner == "job",
    )


def _identifier(evidence: ImageEvidence, key: str) -> str:
    access = access_key(code_access(evidence.image.spec))
    return f"source-{evidence.image.uid}-{key[:16]}{access}-{evidence.settings.fingerprint}"


def _digest(known: SourceStatus | None) -> str:
    return known.artifact.rpartition("@")[2] if known else ""


def _where(evidence: ImageEvidence) -> str:
    source = evidence.image.spec.source
    return shown(source.git.url if source.git else str(source.uri))


def _seen(evidence: ImageEvidence, source: SourceStatus) -> ImageEvidence:
    """The evidence, with what is still to be told of the source."""
    status = evidence.image.status.model_copy(update={"source": source})
    image = replace(evidence.image, status=status)
    return replace(evidence, image=image, files={}, digests={}, parsed=_parsed(source.code))


def _parsed(code: FetchedCode) -> ParsedSource:
    """What the files say, as far as the operator has a say in it: what is missing, what is left
    out. All else is in the registry."""
    left_out = tuple(
        Requirement(text=one.name, line=one.line, file=one.file or "") for one in code.left_out
    )
    uses = ScriptUses(_uses(code.imports), _uses(code.models))
    return ParsedSource(
        Environment(requirements=left_out), "", (), uses=uses, run_line=code.run_line
    )


def _uses(asked: tuple[AskedFor, ...]) -> tuple[Use, ...]:
    return tuple(Use(one.name, one.line) for one in asked)
