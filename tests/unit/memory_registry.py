# ruff: noqa: ARG002  (a stand-in for a registry)
"""A registry in memory, for tasks that store something."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

from fairlead.registry.client import Registry
from fairlead.registry.errors import NotInRegistryError
from fairlead.registry.oci import OCI_MANIFEST, Descriptor, ImageConfig, Manifest, digest_of
from fairlead.registry.reference import Repository


@dataclass
class MemoryRegistry:
    """``blobs`` by repository and digest; ``manifests`` by repository and tag or digest."""

    blobs: dict[tuple[str, str], bytes] = field(default_factory=dict)
    manifests: dict[tuple[str, str], bytes] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    """The digests of blobs that were uploaded, each time."""

    @property
    def client(self) -> Registry:
        return cast(Registry, self)

    def check_push(self, repository: Repository) -> None:
        return

    def has_blob(self, repository: Repository, digest: str) -> bool:
        return (str(repository), digest) in self.blobs

    def blob(self, repository: Repository, digest: str) -> bytes:
        if not self.has_blob(repository, digest):
            raise NotInRegistryError(repository, f"{repository} has no blob {digest}.")
        return self.blobs[str(repository), digest]

    @contextmanager
    def open_blob(
        self, repository: Repository, digest: str, start: int = 0
    ) -> Iterator[Iterator[bytes]]:
        yield iter([self.blob(repository, digest)[start:]])

    def upload(self, repository: Repository, pieces: Iterable[bytes]) -> tuple[str, int]:
        content = b"".join(pieces)
        digest = digest_of(content)
        self.blobs[str(repository), digest] = content
        self.sent.append(digest)
        return digest, len(content)

    def upload_bytes(self, repository: Repository, content: bytes) -> None:
        if not self.has_blob(repository, digest_of(content)):
            self.upload(repository, (content,))

    def copy_blob(self, source: Repository, target: Repository, digest: str) -> str:
        self.blobs[str(target), digest] = self.blob(source, digest)
        return "mounted"

    def put_manifest(self, repository: Repository, tag: str, body: bytes, kind: str) -> str:
        digest = digest_of(body)
        self.manifests[str(repository), tag] = self.manifests[str(repository), digest] = body
        return digest

    def put_version(self, repository: Repository, version: int, body: bytes) -> str:
        return self.put_manifest(repository, str(version), body, OCI_MANIFEST)

    def digest_of(self, repository: Repository, reference: str) -> str | None:
        body = self.manifests.get((str(repository), reference))
        return None if body is None else digest_of(body)

    def manifest_body(self, repository: Repository, digest: str) -> bytes:
        return self.manifests[str(repository), digest]

    def manifest(self, repository: Repository, reference: str) -> tuple[Manifest, Descriptor]:
        body = self.manifests.get((str(repository), reference))
        if body is None:
            raise NotInRegistryError(repository, f"{repository} has no {reference}.")
        described = Descriptor(media_type=OCI_MANIFEST, digest=digest_of(body), size=len(body))
        return Manifest.model_validate_json(body), described

    def config(self, repository: Repository, manifest: Manifest) -> ImageConfig:
        return ImageConfig.model_validate_json(self.blob(repository, manifest.config.digest))
