"""A model version in the registry: one layer with its final path, and annotations that say it all.

``<registry>/<namespace>/fairlead/models/<object>:<version>``. What status shows can always be read
back from here; a tag is written once and never again.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from pydantic_core import from_json

from fairlead.api.model import ModelVersion
from fairlead.contract import IngestRequest
from fairlead.images.environment_image import version_of
from fairlead.images.layers import Entry, tar
from fairlead.images.layout import APP_ROOT, model_folder
from fairlead.images.model_content import Content
from fairlead.redact import redacted
from fairlead.registry.client import Registry
from fairlead.registry.errors import RegistryFaultError
from fairlead.registry.oci import (
    EMPTY,
    OCI_EMPTY,
    OCI_LAYER,
    Descriptor,
    Manifest,
    descriptor,
    written,
)
from fairlead.registry.reference import Repository
from fairlead.registry.uploads import Repeated
from fairlead.sources.kinds import describe

MODEL_ARTIFACT_TYPE = "application/vnd.fairlead.model.v1"
ANNOTATION_PREFIX = "dev.fairlead.model."
ANNOTATED_FIELDS = ("modelName", "digest", "sizeBytes", "files", "source", "path", "registeredAt")
MLFLOW = f"{ANNOTATION_PREFIX}mlflow"  # JSON
MAX_SOURCE_CHARS = 2048


def stored_models(registry: Registry, repository: Repository) -> list[ModelVersion]:
    """Return every version in the registry, oldest first. Raises ``RegistryError``."""
    numbers = sorted(n for tag in registry.tags(repository) if (n := version_of(tag)))
    return [stored_model(registry, repository, number)[0] for number in numbers]


def stored_model(
    registry: Registry, repository: Repository, number: int
) -> tuple[ModelVersion, Descriptor]:
    """Return one version, and its layer. Raises ``RegistryError``."""
    manifest, _ = registry.manifest(repository, str(number))
    return _read(repository, number, manifest), manifest.layers[0]


def same_content(
    known: Iterable[ModelVersion], model_name: str, content: Content
) -> ModelVersion | None:
    """Return the version that has this content at this path, if one has."""
    wanted = (model_name, content.digest, content.entry)
    return next((v for v in known if (v.model_name, v.digest, v.path) == wanted), None)


def push(
    registry: Registry,
    repository: Repository,
    number: int,
    request: IngestRequest,
    content: Content,
    now: datetime,
) -> ModelVersion:
    """Store ``content`` as version ``number``, and return what it says of itself.

    Raises ``RegistryError``. The tag comes last: an upload that was broken off leaves no version.
    """
    folder = model_folder(request.model_name, number)
    entries = [Entry(f"{folder}/{file.name}", file.source) for file in content.files]
    digest, size = registry.upload(repository, Repeated(lambda: tar(entries, APP_ROOT)))
    registry.upload_bytes(repository, EMPTY)
    version = ModelVersion(
        version=number,
        model_name=request.model_name,
        digest=content.digest,
        size_bytes=content.size,
        files=len(content.files),
        source=(content.origin or describe(request.source))[:MAX_SOURCE_CHARS],
        artifact=f"{repository}:{number}",
        layer=digest,
        path=content.entry,
        registered_at=now.astimezone(UTC).replace(microsecond=0),
        mlflow=content.mlflow,
    )
    manifest = Manifest(
        artifact_type=MODEL_ARTIFACT_TYPE,
        config=descriptor(OCI_EMPTY, EMPTY),
        layers=(Descriptor(media_type=OCI_LAYER, digest=digest, size=size),),
        annotations=_annotations(version),
    )
    registry.put_version(repository, number, written(manifest))
    return version


def _annotations(version: ModelVersion) -> dict[str, str]:
    wire = version.to_wire()
    told = {f"{ANNOTATION_PREFIX}{name}": str(wire[name]) for name in ANNOTATED_FIELDS}
    return told | (
        {MLFLOW: version.mlflow.model_dump_json(by_alias=True, exclude_none=True)}
        if version.mlflow
        else {}
    )


def _read(repository: Repository, tag: int, manifest: Manifest) -> ModelVersion:
    said = {
        name.removeprefix(ANNOTATION_PREFIX): value
        for name, value in manifest.annotations.items()
        if name.startswith(ANNOTATION_PREFIX)
    }
    try:
        facts = {name: said[name] for name in ANNOTATED_FIELDS}
        facts["source"] = redacted(facts["source"])[:MAX_SOURCE_CHARS]
        fixed = {
            "version": tag,
            "artifact": f"{repository}:{tag}",
            "layer": manifest.layers[0].digest,
        }
        mlflow = from_json(said["mlflow"]) if "mlflow" in said else None
        return ModelVersion.model_validate({**facts, **fixed, "mlflow": mlflow})
    except (KeyError, IndexError, ValueError) as error:
        raise RegistryFaultError(
            repository,
            f"{repository}:{tag} is no model version that Fairlead wrote: remove the tag.",
        ) from error
