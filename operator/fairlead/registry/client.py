"""A registry's HTTP API, as far as Fairlead needs it: no engine, no daemon, nothing kept on disk.

Source: https://github.com/opencontainers/distribution-spec (1.1). Everything raises
``RegistryError`` and nothing else.
"""

import time
from types import TracebackType
from typing import Self, TypeVar

import httpx
from pydantic import ValidationError

from fairlead.api.wire import StatusWire
from fairlead.finding import listed
from fairlead.registry.blobs import Blobs
from fairlead.registry.call import Answer, Call
from fairlead.registry.errors import (
    RegistryFaultError,
    TagTakenError,
    WrongPlatformError,
)
from fairlead.registry.keychain import Keychain
from fairlead.registry.oci import (
    INDEXES,
    MANIFESTS,
    OCI_MANIFEST,
    PLATFORM,
    Descriptor,
    ImageConfig,
    Index,
    Manifest,
    Platform,
    TagList,
    digest_of,
)
from fairlead.registry.reference import Repository, is_digest, is_tag
from fairlead.registry.transport import MAX_ANSWER_BYTES, Transport, leads_to, same_origin
from fairlead.settings import Settings

OK, CREATED, ACCEPTED, MISSING = 200, 201, 202, 404
TAGS_AT_ONCE, MAX_TAGS = 1000, 100_000
LIST_TIMEOUT_S = 90.0  # seconds for all pages of a list
Document = TypeVar("Document", bound=StatusWire)


class Registry(Blobs):
    """All registries: each call names the repository that it means."""

    def __init__(
        self,
        settings: Settings,
        inner: httpx.BaseTransport | None = None,
        keychain: Keychain | None = None,
    ) -> None:
        """``inner`` and ``keychain`` stand in for network and credentials in tests."""
        super().__init__(Transport(settings, inner, keychain))

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
        known = answer.headers.get("docker-content-digest", "")
        return known if is_digest(known) else self._fetch(repository, reference)[1].digest

    def manifest(self, repository: Repository, reference: str) -> tuple[Manifest, Descriptor]:
        """Return the manifest for this machine's platform, and the descriptor that names it.

        Raises ``NotInRegistryError`` where there is none, ``WrongPlatformError`` where there is
        none for the platform.
        """
        body, described = self._fetch(repository, reference)
        if described.media_type in INDEXES:
            index = _parsed(Index, "a manifest", f"{repository.path}:{reference}", repository, body)
            child = _of_platform(repository, reference, index)
            body, described = self._fetch(repository, child.digest)
        if described.media_type not in MANIFESTS:
            said = f"{repository}:{reference} is no image that we read ({described.media_type})."
            raise RegistryFaultError(repository, said)
        name = f"{repository.path}:{reference}"
        return _parsed(Manifest, "a manifest", name, repository, body), described

    def manifest_body(self, repository: Repository, digest: str) -> bytes:
        """Return a manifest as it is stored, proved by its digest."""
        return self._fetch(repository, digest)[0]

    def config(self, repository: Repository, manifest: Manifest) -> ImageConfig:
        """Return the config of an image."""
        digest = manifest.config.digest
        body = self.blob(repository, digest)
        name = f"{repository.path}@{digest}"
        return _parsed(ImageConfig, "an image's config", name, repository, body)

    def check_platform(self, repository: Repository, manifest: Manifest) -> None:
        """Raise ``WrongPlatformError`` where an image says that it is for another platform.

        An index says so of each of its images; one that stands alone says it in its config.
        """
        config = self.config(repository, manifest)
        told = Platform(
            os=config.os or PLATFORM.os, architecture=config.architecture or PLATFORM.architecture
        )
        if told != PLATFORM:
            raise WrongPlatformError(repository, f"It is made for {told}, not for {PLATFORM}.")

    def put_manifest(
        self, repository: Repository, reference: str, body: bytes, media_type: str
    ) -> str:
        """Store a manifest under a tag, see that it is there, and return its digest.

        Raises ``RegistryFaultError`` where it is larger than registries take, before any is asked.
        """
        if len(body) > MAX_ANSWER_BYTES:
            said = f"The manifest of {repository}:{reference} would be larger than 4 MiB."
            raise RegistryFaultError(repository, f"{said} Use fewer layers or annotations.")
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

    def delete_manifest(self, repository: Repository, digest: str) -> None:
        """Delete what a digest names, and with it its tags; that it is gone already is as good.

        Raises ``RegistryError`` where the registry deletes nothing, as many do not.
        """
        what = f"delete {repository.path}@{digest}"
        expect = frozenset({OK, ACCEPTED, MISSING})
        self._transport.ask(Call("DELETE", repository, f"manifests/{digest}", what, expect))

    def tags(self, repository: Repository) -> tuple[str, ...]:
        """Return every tag; none where there is no such repository."""
        found: list[str] = []
        url, deadline = f"tags/list?n={TAGS_AT_ONCE}", time.monotonic() + LIST_TIMEOUT_S
        while url:
            expect = frozenset({OK, MISSING})
            what = f"list the tags of {repository.path}"
            answer = self._transport.ask(Call("GET", repository, url, what, expect))
            if answer.status == MISSING:
                break
            found += _tags_in(repository, answer.body)
            if len(found) > MAX_TAGS or time.monotonic() > deadline:
                raise _endless(repository, len(found))
            url = _next_page(repository, answer)
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


def _parsed(
    kind: type[Document], what: str, name: str, repository: Repository, body: bytes
) -> Document:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        said = f"What the registry {repository.registry} sends for {name} is not {what}."
        raise RegistryFaultError(repository, said) from error


def _of_platform(repository: Repository, reference: str, index: Index) -> Descriptor:
    found = [child for child in index.manifests if child.platform == PLATFORM]
    if found:
        return found[0]
    others = sorted({str(child.platform) for child in index.manifests if child.platform})
    only = f", only for {listed(others)}" if others else ""
    said = f"{repository}:{reference} is not made for {PLATFORM}{only}."
    raise WrongPlatformError(repository, said)


def _tags_in(repository: Repository, body: bytes) -> list[str]:
    """The tags on one page; what no tag can be called is none."""
    try:
        tags = TagList.model_validate_json(body).tags or ()
    except ValidationError as error:
        said = f"The registry {repository.registry} sends no list of tags."
        raise RegistryFaultError(repository, said) from error
    return [tag for tag in tags if is_tag(tag)]


def _next_page(repository: Repository, answer: Answer) -> str:
    """Where the list goes on, which is on the same registry; empty at its end."""
    following = httpx.Response(OK, headers=answer.headers).links.get("next", {}).get("url")
    if not following:
        return ""
    url = leads_to(repository, answer, following)
    if not same_origin(url, answer.url):
        said = f"The registry {repository.registry} continues its list of tags on {url.host}."
        raise RegistryFaultError(repository, said)
    return str(url)


def _endless(repository: Repository, count: int) -> RegistryFaultError:
    return RegistryFaultError(
        repository,
        f"{repository} lists {count:,} tags without coming to an end: {MAX_TAGS:,} in "
        f"{LIST_TIMEOUT_S:.0f} s are read.",
    )
