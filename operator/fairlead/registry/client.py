"""A registry's HTTP API, as far as Fairlead needs it: no engine, no daemon, nothing kept on disk.

Source: https://github.com/opencontainers/distribution-spec (1.1). Everything raises
``RegistryError`` and nothing else.
"""

import json
from types import TracebackType
from typing import Self, TypeVar

import httpx
from pydantic import ValidationError

from fairlead.api.wire import StatusWire
from fairlead.connection import trust
from fairlead.registry.blobs import Blobs
from fairlead.registry.errors import NotInRegistryError, RegistryFaultError, TagTakenError
from fairlead.registry.oci import (
    INDEXES,
    MANIFESTS,
    OCI_MANIFEST,
    PLATFORM,
    Descriptor,
    Index,
    Manifest,
    digest_of,
)
from fairlead.registry.reference import Repository
from fairlead.registry.transport import Answer, Call, Transport
from fairlead.settings import Settings

OK, CREATED, ACCEPTED, MISSING = 200, 201, 202, 404
TAGS_AT_ONCE, MOST_PAGES = 1000, 1000
Document = TypeVar("Document", bound=StatusWire)


class Registry(Blobs):
    """All registries: each call names the repository that it means."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(Transport(trust(settings.ca_bundle), settings.insecure_hosts))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._transport.close()

    def digest_of(self, repository: Repository, reference: str) -> str | None:
        """Return the digest of what a tag (or a digest) names; None where there is no such thing.

        An index stands for itself here: ask for what was made by us.
        """
        answer = self._manifest_call("HEAD", repository, reference, frozenset({OK, MISSING}))
        if answer.status == MISSING:
            return None
        known = answer.headers.get("docker-content-digest")
        return known or self._fetch(repository, reference)[1].digest

    def manifest(self, repository: Repository, reference: str) -> tuple[Manifest, Descriptor]:
        """Return the manifest for this machine's platform, and the descriptor that names it.

        Raises ``NotInRegistryError`` where there is none, or none for the platform.
        """
        body, described = self._fetch(repository, reference)
        if described.media_type in INDEXES:
            child = _of_platform(repository, reference, _parsed(Index, repository, reference, body))
            body, described = self._fetch(repository, child.digest)
        if described.media_type not in MANIFESTS:
            said = f"{repository}:{reference} is no image that we read ({described.media_type})."
            raise RegistryFaultError(repository, said)
        return _parsed(Manifest, repository, reference, body), described

    def put_manifest(
        self, repository: Repository, reference: str, body: bytes, media_type: str
    ) -> str:
        """Store a manifest under a tag, see that it is there, and return its digest."""
        call = Call(
            "PUT",
            repository,
            f"manifests/{reference}",
            f"store {repository.path}:{reference}",
            frozenset({CREATED, ACCEPTED}),
            headers={"Content-Type": media_type},
            content=body,
            again=True,
        )
        self._transport.ask(call)
        digest = digest_of(body)
        if self.digest_of(repository, reference) != digest:
            said = f"{repository}:{reference} is not what was just stored there."
            raise RegistryFaultError(repository, said)
        return digest

    def put_version(self, repository: Repository, version: int, body: bytes) -> str:
        """Store an OCI manifest as a version, which is written once; return its digest.

        Raises ``TagTakenError`` where the version is there. Registries cannot compare and swap, so
        this looks as late as it can.
        """
        tag = str(version)
        if self.digest_of(repository, tag) is not None:
            raise TagTakenError(repository, f"{repository}:{tag} was pushed by somebody else.")
        return self.put_manifest(repository, tag, body, OCI_MANIFEST)

    def tags(self, repository: Repository) -> tuple[str, ...]:
        """Return every tag; none where there is no such repository."""
        found: list[str] = []
        url = f"tags/list?n={TAGS_AT_ONCE}"
        for _ in range(MOST_PAGES):
            expect = frozenset({OK, MISSING})
            what = f"list the tags of {repository.path}"
            answer = self._transport.ask(Call("GET", repository, url, what, expect))
            if answer.status == MISSING:
                break
            found += _tags_in(repository, answer.body)
            following = httpx.Response(OK, headers=answer.headers).links.get("next", {}).get("url")
            if not following:
                break
            url = str(answer.url.join(following))
        return tuple(found)

    def _fetch(self, repository: Repository, reference: str) -> tuple[bytes, Descriptor]:
        answer = self._manifest_call("GET", repository, reference, frozenset({OK}))
        digest = digest_of(answer.body)
        if reference.startswith("sha256:") and reference != digest:
            raise RegistryFaultError(
                repository, f"{repository} sends another thing than asked for."
            )
        media_type = answer.headers.get("content-type", "").partition(";")[0].strip()
        return answer.body, Descriptor(media_type=media_type, digest=digest, size=len(answer.body))

    def _manifest_call(
        self, method: str, repository: Repository, reference: str, expect: frozenset[int]
    ) -> Answer:
        what = f"read {repository.path}{'@' if ':' in reference else ':'}{reference}"
        headers = {"Accept": ", ".join((*MANIFESTS, *INDEXES))}
        call = Call(method, repository, f"manifests/{reference}", what, expect, headers=headers)
        return self._transport.ask(call)


def _parsed(kind: type[Document], repository: Repository, reference: str, body: bytes) -> Document:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        said = f"What the registry {repository.registry} sends for {repository.path}:{reference} "
        raise RegistryFaultError(repository, f"{said}is not a manifest.") from error


def _of_platform(repository: Repository, reference: str, index: Index) -> Descriptor:
    found = [child for child in index.manifests if child.platform == PLATFORM]
    if found:
        return found[0]
    others = sorted({str(child.platform) for child in index.manifests if child.platform})
    said = f"{repository}:{reference} is not made for {PLATFORM}, only for {', '.join(others)}."
    raise NotInRegistryError(repository, said)


def _tags_in(repository: Repository, body: bytes) -> list[str]:
    try:
        tags = json.loads(body)["tags"] or []
        return [str(tag) for tag in tags]
    except (ValueError, KeyError, TypeError) as error:
        said = f"The registry {repository.registry} sends no list of tags."
        raise RegistryFaultError(repository, said) from error
