"""A model version in the registry: layers with its final path, and annotations that say it all.

It is one layer, but for files of more than 1 GiB in a folder, which are a layer each: nodes fetch
them at the same time, and what breaks off is one of them.

``<registry>/<namespace>/fairlead/models/<object>:<version>``. What status shows can always be read
back from here; a tag is written once and never again.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from pydantic_core import from_json

from fairlead.api.model import ModelVersion
from fairlead.contract import IngestRequest
from fairlead.images.environment_image import version_of
from fairlead.images.layers import Entry, tar
from fairlead.images.layout import APP_ROOT, model_folder
from fairlead.images.model_content import Content, ModelFile
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
    digest_of,
    written,
)
from fairlead.registry.reference import Repository
from fairlead.registry.uploads import Repeated

MODEL_ARTIFACT_TYPE = "application/vnd.fairlead.model.v1"
ANNOTATION_PREFIX = "dev.fairlead.model."
ANNOTATED_FIELDS = ("modelName", "digest", "sizeBytes", "files", "source", "path", "registeredAt")
MLFLOW = f"{ANNOTATION_PREFIX}mlflow"  # JSON
MAX_SOURCE_CHARS = 2048
LARGE_FILE_BYTES = 1024**3
MAX_LARGE = 16  # layers of a version, for large files: a node mounts about 120 of an image at most


def stored_models(registry: Registry, repository: Repository) -> list[ModelVersion]:
    """Return every version in the registry, oldest first. Raises ``RegistryError``."""
    numbers = sorted(n for tag in registry.tags(repository) if (n := version_of(tag)))
    return [stored_model(registry, repository, number)[0] for number in numbers]


def stored_model(
    registry: Registry, repository: Repository, number: int
) -> tuple[ModelVersion, tuple[Descriptor, ...]]:
    """Return one version, and its layers. Raises ``RegistryError``."""
    manifest, _ = registry.manifest(repository, str(number))
    return _read(repository, number, manifest), manifest.layers


def layers_of(content: Content) -> list[list[ModelFile]]:
    """The files of each layer: the small ones together, the largest each alone."""
    large = [file for file in content.files if file.size > LARGE_FILE_BYTES]
    alone = sorted(large, key=lambda file: (-file.size, file.name))[:MAX_LARGE]
    taken = {file.name for file in alone}
    rest = [file for file in content.files if file.name not in taken]
    return [group for group in (rest, *([file] for file in alone)) if group]


def layers_digest(layers: Sequence[Descriptor]) -> str:
    """What stands for the layers of a version: the one's digest, else the digest of all digests."""
    if len(layers) == 1:
        return layers[0].digest
    return digest_of("\n".join(layer.digest for layer in layers).encode())


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
    from fairlead.sources.kinds import describe  # and how each is read: who stores needs it alone

    folder = model_folder(request.model_name, number)
    layers = [_push_layer(registry, repository, folder, files) for files in layers_of(content)]
    registry.upload_bytes(repository, EMPTY)
    version = ModelVersion(
        version=number,
        model_name=request.model_name,
        digest=content.digest,
        size_bytes=content.size,
        files=len(content.files),
        source=(content.origin or describe(request.source))[:MAX_SOURCE_CHARS],
        artifact=f"{repository}:{number}",
        layer=layers_digest(layers),
        path=content.entry,
        registered_at=now.astimezone(UTC).replace(microsecond=0),
        mlflow=content.mlflow,
    )
    manifest = Manifest(
        artifact_type=MODEL_ARTIFACT_TYPE,
        config=descriptor(OCI_EMPTY, EMPTY),
        layers=tuple(layers),
        annotations=_annotations(version),
    )
    registry.put_version(repository, number, written(manifest))
    return version


def _push_layer(
    registry: Registry, repository: Repository, folder: str, files: Sequence[ModelFile]
) -> Descriptor:
    entries = [Entry(f"{folder}/{file.name}", file.source) for file in files]
    digest, size = registry.upload(repository, Repeated(lambda: tar(entries, APP_ROOT)))
    return Descriptor(media_type=OCI_LAYER, digest=digest, size=size)


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
            "layer": layers_digest(_bounded(manifest.layers)),
        }
        mlflow = from_json(said["mlflow"]) if "mlflow" in said else None
        return ModelVersion.model_validate({**facts, **fixed, "mlflow": mlflow})
    except (KeyError, IndexError, ValueError) as error:
        raise RegistryFaultError(
            repository,
            f"{repository}:{tag} is no model version that Fairlead wrote: remove the tag.",
        ) from error


def _bounded(layers: Sequence[Descriptor]) -> Sequence[Descriptor]:
    """Raises ``ValueError`` where there are none, or more than are ever written."""
    if not 0 < len(layers) <= MAX_LARGE + 1:
        raise ValueError(f"{len(layers)} layers")
    return layers
