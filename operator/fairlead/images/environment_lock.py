"""What was really installed: conda's explicit list and pip's, kept beside the environment's image.

It is an artifact under ``lock-<hash>``, one text: who makes a file of it gets the same packages.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fairlead.images.layers import gzipped
from fairlead.redact import redacted
from fairlead.registry.errors import NotInRegistryError
from fairlead.registry.oci import EMPTY, OCI_EMPTY, OCI_MANIFEST, Manifest, descriptor, written
from fairlead.registry.reference import Repository

if TYPE_CHECKING:  # the operator, which names such artifacts, speaks to a registry for few things
    from fairlead.registry.client import Registry

LOCK_ARTIFACT_TYPE = "application/vnd.fairlead.environment-lock.v1"
LOCK_LAYER_TYPE = "application/vnd.fairlead.environment-lock.v1.text+gzip"
HASH_ANNOTATION = "dev.fairlead.environment.hash"
MAX_LOCK_CHARS = 1_000_000


@dataclass(frozen=True)
class Lock:
    """``conda``: addresses with checksums; ``pip``: as `pip freeze` writes them."""

    base: str
    """The base image, by digest."""
    python: str
    conda: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        lines = [f"# Python {self.python} on {self.base}"]
        if self.conda:
            lines += ["# conda create --file", "@EXPLICIT", *self.conda]
        if self.pip:
            lines += ["# pip freeze --all", *self.pip]
        return "".join(f"{line}\n" for line in lines)


def lock_tag(hash_: str) -> str:
    return f"lock-{hash_}"


def store_lock(registry: "Registry", environments: Repository, hash_: str, lock: Lock) -> None:
    """Keep the lock of an environment. Raises ``RegistryError``."""
    content = gzipped(redacted(lock.text, MAX_LOCK_CHARS).encode())
    manifest = Manifest(
        artifact_type=LOCK_ARTIFACT_TYPE,
        config=descriptor(OCI_EMPTY, EMPTY),
        layers=(descriptor(LOCK_LAYER_TYPE, content),),
        annotations={HASH_ANNOTATION: hash_},
    )
    registry.upload_bytes(environments, EMPTY)
    registry.upload_bytes(environments, content)
    registry.put_manifest(environments, lock_tag(hash_), written(manifest), OCI_MANIFEST)


def has_lock(registry: "Registry", environments: Repository, hash_: str) -> bool:
    """Whether there is one: environments of older versions have none. Raises ``RegistryError``."""
    try:
        manifest, _ = registry.manifest(environments, lock_tag(hash_))
    except NotInRegistryError:
        return False
    return manifest.artifact_type == LOCK_ARTIFACT_TYPE
