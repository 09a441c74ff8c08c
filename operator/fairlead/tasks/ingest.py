"""Fetch a model and store it as a version, once: the same content makes no second one."""

import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from fairlead.api.model import MAX_VERSIONS, MlflowModel, ModelVersion
from fairlead.api.reasons import Reason
from fairlead.contract import FILES_FOLDER, IngestRequest, IngestResult
from fairlead.images.model_artifact import push, same_content, stored_models
from fairlead.images.model_content import Content, content_of
from fairlead.inputs.mlflow import MAX_FILE_BYTES, MLMODEL, REQUIREMENTS, read_mlflow
from fairlead.redact import one_line
from fairlead.registry.reference import parse_repository
from fairlead.sources.archive import unpack
from fairlead.sources.base import Digests, Limits, SourceError
from fairlead.sources.kinds import describe, open_source
from fairlead.tasks.program import TaskContext, run

FETCH_TIME_SHARE = 0.8  # for fetching; the rest is for storing, and for saying what took so long


def ingest(request: IngestRequest, task: TaskContext) -> IngestResult:
    """Return the version that the source's content stands for, and the newest that there are."""
    repository = parse_repository(request.repository)
    task.log.phase("registry")
    task.registry.check_push(repository)
    versions = stored_models(task.registry, repository)
    numbers = ", ".join(str(version.version) for version in versions)
    task.log.write(f"Versions in {repository}: {numbers or 'none'}.")
    content = _fetched(request, task)
    same = same_content(versions, request.model_name, content)
    if same is not None:
        task.log.write(f"Version {same.version} has this content: no new one is made.")
        return _result(same, versions)
    task.log.phase("store")
    number = max((version.version for version in versions), default=0) + 1
    stored = push(task.registry, repository, number, request, content, datetime.now(UTC))
    task.log.write(f"Stored as version {number}: {stored.artifact}, layer {stored.layer}.")
    return _result(stored, [*versions, stored])


def _result(version: ModelVersion, versions: list[ModelVersion]) -> IngestResult:
    """As many versions as status shows; ``version`` is among them."""
    others = [known for known in versions if known.version != version.version]
    return IngestResult(
        version=version.version,
        versions=tuple(sorted([*others[1 - MAX_VERSIONS :], version], key=lambda v: v.version)),
    )


def _fetched(request: IngestRequest, task: TaskContext) -> Content:
    """Fetch the model, take it apart where it is an archive, and prove it."""
    task.log.phase("fetch")
    limits = _limits(task)
    folder = task.work / "fetched"
    folder.mkdir()
    task.log.write(f"Fetching {describe(request.source)}.")
    source = open_source(request, task.folder / FILES_FOLDER, task.settings)
    digests = source.fetch(folder, limits)
    proofs = set(digests.values())
    if request.unpack:
        task.log.write("Unpacking it.")
        folder, digests = _unpacked(folder, digests, limits)
    found = content_of(folder, digests, request.model_name)
    content = replace(found, origin=one_line(source.origin), mlflow=_mlflow(found))
    if content.origin:
        task.log.write(f"It is {content.origin}.")
    files = "1 file" if len(content.files) == 1 else f"{len(content.files)} files"
    task.log.write(f"Fetched {files}, {content.size:,} bytes, {content.digest}.")
    _prove(request.digest, content, proofs)
    return content


def _mlflow(content: Content) -> MlflowModel | None:
    """What a folder of MLflow says of itself."""
    files = {file.name: file.source for file in content.files}

    def beginning(name: str) -> bytes:
        source = files.get(f"{content.entry}/{name}")
        if source is None:
            return b""
        with source.open("rb") as file:
            return file.read(MAX_FILE_BYTES)

    mlmodel = beginning(MLMODEL)
    return read_mlflow(mlmodel, beginning(REQUIREMENTS)) if mlmodel else None


def _limits(task: TaskContext) -> Limits:
    settings = task.settings
    deadline = time.monotonic() + FETCH_TIME_SHARE * settings.ingest_timeout_seconds
    return Limits(settings.model_max_bytes, settings.model_max_files, deadline)


def _unpacked(folder: Path, digests: Digests, limits: Limits) -> tuple[Path, Digests]:
    if len(digests) != 1:
        raise SourceError(
            Reason.ARCHIVE_INVALID,
            f"spec.unpack is set, but the source holds {len(digests)} files and not one archive.",
            "Leave spec.unpack out, or keep only the archive.",
        )
    archive = folder / next(iter(digests))
    into = folder.with_name("unpacked")
    into.mkdir()
    inside = unpack(archive, into, limits)
    archive.unlink()
    return into, inside


def _prove(wanted: str | None, content: Content, proofs: set[str]) -> None:
    """``spec.digest`` is that of the file as fetched, or of the model as status shows it."""
    if wanted is None or wanted == content.digest or proofs == {wanted}:
        return
    has = " and ".join(sorted({content.digest, *(proofs if len(proofs) == 1 else ())}))
    raise SourceError(
        Reason.MODEL_DIGEST_MISMATCH,
        f"The model is not what spec.digest says: it has {has}, wanted is {wanted}.",
        "If the new content is right, correct spec.digest; if not, somebody changed the file.",
    )


if __name__ == "__main__":
    sys.exit(run(IngestRequest, ingest))
