"""The documents of a registry: descriptors, manifests and indexes, and their media types.

Sources: the OCI image and distribution specifications 1.1, and Docker's image manifest v2 schema 2,
whose manifests say the same in other words.
"""

import hashlib
import platform
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from fairlead.api.wire import StatusWire
from fairlead.canonical import canonical_json

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_LAYER_ZSTD = "application/vnd.docker.image.rootfs.diff.tar.zstd"

MANIFESTS = (OCI_MANIFEST, DOCKER_MANIFEST)
INDEXES = (OCI_INDEX, DOCKER_INDEX)
EMPTY = b"{}"  # the config of an artifact that has none


def _none_as(value: object) -> BeforeValidator:
    """Some servers write null for what is empty."""
    return BeforeValidator(lambda given: value if given is None else given)


DigestText = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv8l": "arm64"}


class Platform(StatusWire):
    architecture: str
    os: str

    def __str__(self) -> str:
        return f"{self.os}/{self.architecture}"


PLATFORM = Platform(
    os="linux", architecture=_ARCHITECTURES.get(platform.machine(), platform.machine())
)
"""What images are built for: Linux on this machine's processor."""


class Descriptor(StatusWire):
    """One blob or manifest: what it is, and the digest that proves it. ``size`` in bytes."""

    media_type: str
    digest: DigestText
    size: Annotated[int, Field(ge=0)]
    annotations: dict[str, str] | None = None
    platform: Platform | None = None


class Manifest(StatusWire):
    """An image or an artifact: a config and layers, lowest first."""

    schema_version: int = 2
    media_type: str = OCI_MANIFEST
    artifact_type: str | None = None
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Annotated[dict[str, str], _none_as({})] = Field(default_factory=dict)


class Index(StatusWire):
    """One image for several platforms."""

    manifests: tuple[Descriptor, ...]


class TagList(StatusWire):
    """One page of the tags of a repository; null where there is none."""

    tags: tuple[str, ...] | None


class ContainerConfig(StatusWire):
    """What of a container's settings in an image's config matters to us."""

    env: Annotated[tuple[str, ...], _none_as(()), Field(alias="Env")] = ()
    labels: Annotated[dict[str, str], _none_as({})] = Field(default_factory=dict, alias="Labels")
    working_dir: Annotated[str, _none_as(""), Field(alias="WorkingDir")] = ""


class RootFilesystem(StatusWire):
    diff_ids: Annotated[tuple[DigestText, ...], _none_as(()), Field(alias="diff_ids")] = ()


class History(StatusWire):
    """How one layer came about, without its date."""

    created_by: Annotated[str | None, Field(alias="created_by")] = None
    author: str | None = None
    comment: str | None = None
    empty_layer: Annotated[bool | None, Field(alias="empty_layer")] = None


class ImageConfig(StatusWire):
    """An image's config, as far as it is read or handed on."""

    architecture: str | None = None
    os: str | None = None
    variant: str | None = None
    os_version: Annotated[str | None, Field(alias="os.version")] = None
    os_features: Annotated[tuple[str, ...] | None, Field(alias="os.features")] = None
    config: Annotated[ContainerConfig, _none_as({})] = ContainerConfig()
    rootfs: Annotated[RootFilesystem, _none_as({})] = RootFilesystem()
    history: Annotated[tuple[History, ...], _none_as(())] = ()


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def descriptor(media_type: str, content: bytes, **annotations: str) -> Descriptor:
    return Descriptor(
        media_type=media_type,
        digest=digest_of(content),
        size=len(content),
        annotations=annotations or None,
    )


def written(document: StatusWire | dict[str, Any]) -> bytes:
    """Return a document as it is stored: the same document always gives the same bytes."""
    content = document.to_wire() if isinstance(document, StatusWire) else document
    return canonical_json(content)
