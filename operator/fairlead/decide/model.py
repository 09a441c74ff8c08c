"""Model: fetch it when its source is new, and say which version it stands for."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from fairlead.api.conditions import true
from fairlead.api.model import (
    MAX_VERSIONS,
    Ingest,
    ModelDisplay,
    ModelStatus,
    ModelVersion,
)
from fairlead.api.objects import Model
from fairlead.api.reasons import Reason
from fairlead.contract import IngestRequest, IngestResult, Task
from fairlead.decide.access import access_key, model_access, unmountable
from fairlead.decide.decision import (
    ON_RESYNC_S,
    Decision,
    StageResult,
    not_reached,
)
from fairlead.decide.display import count, size
from fairlead.decide.missing import missing_config_map
from fairlead.decide.refused import refused
from fairlead.decide.task_progress import (
    TaskProgress,
    left_over,
    owner_of,
    pending,
    task_progress,
)
from fairlead.evidence import ModelEvidence
from fairlead.images.hashes import ingest_key
from fairlead.log_address import LogName, model_log
from fairlead.sources.kinds import describe


def model_name(model: Model) -> str:
    """The v1 name, which ``get_model_path`` asks for."""
    return model.spec.model_name or model.name


def decide_model(evidence: ModelEvidence, now: datetime) -> Decision[ModelStatus]:
    model, source = evidence.model, evidence.model.spec.source
    if source.config_map and evidence.files is None:
        missing = missing_config_map("Resolved", source.config_map.name, model, now)
        return Decision(model.status, (missing, *_standing(model.status)))
    resolved = StageResult(true("Resolved", Reason.RESOLVED, f"The source is {describe(source)}."))
    key = _key(evidence)
    if model.status.ingest and model.status.ingest.key == key:
        taken = left_over(_identifier(evidence, key), evidence.tasks)
        return Decision(model.status, (resolved, *_standing(model.status)), taken=taken)
    unmounted = unmountable(model.spec, evidence.settings)
    if unmounted:
        why = refused("Stored", [unmounted], model.status.failure, now)
        return Decision(model.status, (resolved, why))
    progress = _work(evidence, key, now)
    if progress.result is not None:
        status = _with_result(model, key, IngestResult.model_validate(progress.result))
        stages, taken = (resolved, *_standing(status)), (progress.identifier,)
        return Decision(status, stages, taken=taken, changes=(_news(status),))
    message = f"Fetching {describe(source)} and storing it in the registry."
    progress = _with_log(progress, evidence, key).with_position(evidence.new_tasks)
    storing = pending("Stored", progress, model.status, Reason.INGESTING, message, now)
    return Decision(
        model.status,
        (resolved, storing),
        tasks=(progress.task,) if progress.task else (),
        requeue_after=progress.requeue_after(now, ON_RESYNC_S),
    )


def current(status: ModelStatus) -> ModelVersion | None:
    """The version that the object's content stands for."""
    return next((v for v in status.versions if v.version == status.latest_version), None)


def _standing(status: ModelStatus) -> tuple[StageResult, ...]:
    """What is stored already: a failure to see the source hides none of it."""
    version = current(status)
    if version is None:
        return not_reached("Stored", why="Waits for the source.")
    files = count(version.files, "file")
    words = f"Version {version.version} ({size(version.size_bytes)}, {files}) is in the registry."
    return (StageResult(true("Stored", Reason.STORED, words)),)


def _key(evidence: ModelEvidence) -> str:
    model = evidence.model
    return ingest_key(model.spec, model_name(model), evidence.digests)


def _work(evidence: ModelEvidence, key: str, now: datetime) -> TaskProgress:
    model, settings = evidence.model, evidence.settings
    request = IngestRequest(
        repository=settings.model_repository(model.namespace, model.name),
        model_name=model_name(model),
        source=model.spec.source,
        unpack=model.spec.unpack,
        digest=model.spec.digest,
        credentials=model_access(model.spec).source_secret,
        identity=settings.runner == "job",
    )
    identifier = _identifier(evidence, key)

    def task(attempt: int) -> Task:
        return Task(
            id=identifier,
            program="ingest",
            attempt=attempt,
            request=request,
            timeout=float(settings.ingest_timeout_seconds),
            files=evidence.files or {},
            namespace=model.namespace,
            owner=owner_of(model),
            log=_log(evidence, key, attempt),
            config_map=model.spec.source.config_map.name if model.spec.source.config_map else "",
            access=model_access(model.spec),
        )

    return task_progress(identifier, task, evidence.tasks, model.created_at, now)


def _log(evidence: ModelEvidence, key: str, attempt: int) -> LogName:
    return model_log(evidence.model.namespace, evidence.model.name, key, attempt)


def _with_log(progress: TaskProgress, evidence: ModelEvidence, key: str) -> TaskProgress:
    """The same, and where the attempt's log is read, for as long as its Job is there."""
    if evidence.log_keys is None or progress.state is None:
        return progress
    name = _log(evidence, key, progress.state.attempt)
    base = evidence.settings.keyed_log_base
    return replace(progress, log_uri=evidence.log_keys.address(base, name))


def _identifier(evidence: ModelEvidence, key: str) -> str:
    work = f"{evidence.model.uid}-{key[:16]}{access_key(model_access(evidence.model.spec))}"
    return f"ingest-{work}-{evidence.settings.fingerprint}"


def _with_result(model: Model, key: str, result: IngestResult) -> ModelStatus:
    stored = next(v for v in result.versions if v.version == result.version)
    return ModelStatus(
        model_name=model_name(model),
        latest_version=result.version,
        versions=_newest(result, model.status.versions if result.partial else ()),
        ingest=Ingest(key=key),
        display=ModelDisplay(size=size(stored.size_bytes)),
    )


def _newest(result: IngestResult, known: Iterable[ModelVersion]) -> tuple[ModelVersion, ...]:
    """As many as status may hold; the one that the content stands for is always among them.

    ``known`` are in status already, for the case that the result does not name all there are.
    """
    versions = {v.version: v for v in (*known, *result.versions)}
    mine = versions.pop(result.version)
    others = sorted(versions.values(), key=lambda v: v.version)[1 - MAX_VERSIONS :]
    return tuple(sorted([*others, mine], key=lambda v: v.version))


def _news(status: ModelStatus) -> str:
    return f"stored as version {status.latest_version}"
