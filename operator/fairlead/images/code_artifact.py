"""The source of an image in the registry: one layer with the paths of images, and what its files
decide.

It is named by its digest, so who has that has exactly this; the tag only keeps it from being
removed.
"""

import hashlib
import tarfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from fairlead.api.wire import StatusWire
from fairlead.contract import EnvironmentRecipe
from fairlead.images.layers import Entry, tar
from fairlead.images.layout import APP_ROOT, USER_ID
from fairlead.registry.client import Registry
from fairlead.registry.errors import RegistryFaultError
from fairlead.registry.oci import (
    OCI_LAYER,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    descriptor,
    digest_of,
    written,
)
from fairlead.registry.reference import Repository, parse_reference

CODE_ARTIFACT_TYPE = "application/vnd.fairlead.code.v1"
CODE_CONFIG_TYPE = "application/vnd.fairlead.code.config.v1+json"
ORIGIN = "dev.fairlead.code.origin"


class NoStoredSourceError(Exception):
    """What an artifact holds is no source, or one of another version of Fairlead."""


class CodeConfig(StatusWire):
    """What the files of a source decide. The base image of ``recipe`` counts for nothing."""

    recipe: EnvironmentRecipe
    variables: dict[str, str] = Field(default_factory=dict)
    """That the environment file sets."""


@dataclass(frozen=True)
class StoredCode:
    """An artifact: its layer is a tar, not compressed, so that its digest is the layer's id."""

    repository: Repository
    layer: Descriptor
    config: CodeConfig

    def recipe(self, base_image: str) -> EnvironmentRecipe:
        """The recipe of its environment on that base image."""
        return self.config.recipe.model_copy(update={"base_image": base_image})


def store_code(
    registry: Registry,
    repository: Repository,
    entries: Collection[Entry],
    config: CodeConfig,
    origin: str,
) -> str:
    """Store a source, and return the artifact's digest. Raises ``RegistryError``.

    The manifest comes last: an upload that was broken off leaves no artifact.
    """
    layer = _layer(entries)
    if not registry.has_blob(repository, layer.digest):
        registry.upload(repository, tar(entries, APP_ROOT, USER_ID))
    about = written(config)
    registry.upload_bytes(repository, about)
    manifest = written(
        Manifest(
            artifact_type=CODE_ARTIFACT_TYPE,
            config=descriptor(CODE_CONFIG_TYPE, about),
            layers=(layer,),
            annotations={ORIGIN: origin},
        )
    )
    digest = digest_of(manifest)
    return registry.put_manifest(repository, digest.partition(":")[2], manifest, OCI_MANIFEST)


def stored_code(registry: Registry, artifact: str) -> StoredCode:
    """Return what ``artifact``, a reference by digest, holds.

    Raises ``RegistryError``, and ``NoStoredSourceError``.
    """
    reference = parse_reference(artifact)
    repository = reference.repository
    manifest, _ = registry.manifest(repository, reference.wanted)
    about = registry.blob(repository, manifest.config.digest)
    try:
        [layer] = manifest.layers
        config = CodeConfig.model_validate_json(about)
    except (ValueError, ValidationError) as error:
        said = f"{artifact} is no source that this version of Fairlead wrote."
        raise NoStoredSourceError(said) from error
    return StoredCode(repository, layer, config)


def files_of(
    registry: Registry, code: StoredCode, names: Iterable[str], work: Path
) -> Mapping[str, bytes]:
    """Some files of a source; ``work`` is a folder for what is needed meanwhile.

    Raises ``RegistryError``.
    """
    wanted = {f"{APP_ROOT}/{name}": name for name in names}
    if not wanted:
        return {}
    packed, sha256 = work / "code.tar", hashlib.sha256()
    with (
        packed.open("xb") as file,
        registry.open_blob(code.repository, code.layer.digest) as pieces,
    ):
        for piece in pieces:
            sha256.update(piece)
            file.write(piece)
    if f"sha256:{sha256.hexdigest()}" != code.layer.digest:
        said = f"{code.repository} sends a blob with another content."
        raise RegistryFaultError(code.repository, said)
    found = _members(packed, wanted)
    packed.unlink()
    return found


def _members(packed: Path, wanted: Mapping[str, str]) -> dict[str, bytes]:
    found = {}
    with tarfile.open(packed, mode="r:") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.name in wanted else None
            if content is not None:
                found[wanted[member.name]] = content.read()
    return found


def _layer(entries: Collection[Entry]) -> Descriptor:
    sha256, size = hashlib.sha256(), 0
    for piece in tar(entries, APP_ROOT, USER_ID):
        sha256.update(piece)
        size += len(piece)
    return Descriptor(media_type=OCI_LAYER, digest=f"sha256:{sha256.hexdigest()}", size=size)
