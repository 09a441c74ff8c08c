"""Blobs in a registry: read, mounted, copied, streamed up while they are hashed."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import httpx

from fairlead.registry.call import Answer, Call
from fairlead.registry.errors import (
    RegistryDeniedError,
    RegistryFaultError,
    RegistryReadOnlyError,
)
from fairlead.registry.oci import digest_of
from fairlead.registry.reference import Repository
from fairlead.registry.transport import Transport, leads_to

OK, CREATED, ACCEPTED, NO_CONTENT, MISSING, NOT_ALLOWED = 200, 201, 202, 204, 404, 405
PARTIAL = 206
CHUNK_BYTES = 1024 * 1024  # bytes
COMMIT_TIMEOUT_S = 600.0  # seconds: the registry may have to check many gigabytes


class Hashed:
    """Pieces of a blob, counted and hashed as they pass by."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self._sha256 = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._sha256.update(piece)
            self.size += len(piece)
            yield piece

    @property
    def digest(self) -> str:
        return f"sha256:{self._sha256.hexdigest()}"


class Blobs:
    """The half of a registry that knows nothing of images."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def has_blob(self, repository: Repository, digest: str) -> bool:
        what = f"look for a blob in {repository.path}"
        expect = frozenset({OK, MISSING})
        call = Call("HEAD", repository, f"blobs/{digest}", what, expect)
        return self._transport.ask(call).status == OK

    def blob(self, repository: Repository, digest: str) -> bytes:
        """Return a small blob (4 MiB at most), proved by its digest."""
        call = Call("GET", repository, f"blobs/{digest}", _reading(repository), frozenset({OK}))
        body = self._transport.ask(call).body
        if digest_of(body) != digest:
            raise RegistryFaultError(repository, f"{repository} sends a blob with another content.")
        return body

    @contextmanager
    def open_blob(
        self, repository: Repository, digest: str, start: int = 0
    ) -> Iterator[Iterator[bytes]]:
        """Open a blob of any size, from its byte ``start`` on; the caller proves its digest."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        expect = frozenset({OK, PARTIAL}) if start else frozenset({OK})
        what = _reading(repository)
        call = Call("GET", repository, f"blobs/{digest}", what, expect, headers=headers)
        with self._transport.open(call) as response:
            said = response.headers.get("content-range", "")
            if response.status_code == PARTIAL and not said.startswith(f"bytes {start}-"):
                raise RegistryFaultError(repository, f"{repository} sends another part of a blob.")
            skipped = 0 if response.status_code == PARTIAL else start
            yield _after(response.iter_raw(CHUNK_BYTES), skipped)

    def upload(self, repository: Repository, pieces: Iterable[bytes]) -> tuple[str, int]:
        """Stream a blob up; return its digest and its size, counted on the way."""
        hashed = Hashed(pieces)
        self._finish(repository, self._begin(repository, "blobs/uploads/"), hashed)
        return hashed.digest, hashed.size

    def upload_bytes(self, repository: Repository, content: bytes) -> None:
        """Put a small blob there, unless it is there."""
        if not self.has_blob(repository, digest_of(content)):
            self.upload(repository, (content,))

    def copy_blob(self, source: Repository, target: Repository, digest: str) -> str:
        """Put a blob of one repository into another: ``present``, ``mounted`` or ``copied``.

        A registry that cannot mount opens an upload instead, which then takes the copy.
        """
        if self.has_blob(target, digest):
            return "present"
        location = None
        if source.registry == target.registry:
            mounted = f"blobs/uploads/?mount={digest}&from={source.path}"
            location = self._begin(target, mounted, source.path)
            if location is None:
                return "mounted"
        with self.open_blob(source, digest) as pieces:
            hashed = Hashed(pieces)
            self._finish(target, location or self._begin(target, "blobs/uploads/"), hashed, digest)
        return "copied"

    def check_push(self, repository: Repository) -> None:
        """See that we may push: open an upload and give it up. Raises ``RegistryError``."""
        location = self._begin(repository, "blobs/uploads/")
        if location is not None:
            self._give_up(repository, location)

    def _give_up(self, repository: Repository, location: str) -> None:
        """Some registries want more rights for this than for a push: then it ends by itself."""
        given_up = frozenset({OK, ACCEPTED, NO_CONTENT, MISSING, NOT_ALLOWED})
        what = f"give up an upload to {repository.path}"
        try:
            self._transport.ask(Call("DELETE", repository, location, what, given_up))
        except (RegistryDeniedError, RegistryReadOnlyError):
            return

    def _begin(self, repository: Repository, url: str, mounts_from: str = "") -> str | None:
        """Open an upload and return where it goes; None if the blob was mounted instead."""
        what = f"push to {repository.path}"
        expect = frozenset({CREATED, ACCEPTED})
        call = Call("POST", repository, url, what, expect, again=True, mounts_from=mounts_from)
        answer = self._transport.ask(call)
        return None if answer.status == CREATED else _location(repository, answer)

    def _finish(
        self,
        repository: Repository,
        location: str | None,
        hashed: Hashed,
        digest: str | None = None,
    ) -> None:
        if location is None:
            raise RegistryFaultError(repository, f"{repository} opens no upload.")
        what = f"push to {repository.path}"
        sent = self._transport.ask(
            Call(
                "PATCH",
                repository,
                location,
                what,
                frozenset({ACCEPTED, NO_CONTENT, CREATED}),
                headers={"Content-Type": "application/octet-stream"},
                content=hashed,
                timeout_s=COMMIT_TIMEOUT_S,
            )
        )
        if digest is not None and hashed.digest != digest:
            raise RegistryFaultError(repository, f"A blob on its way to {repository} was changed.")
        last = httpx.URL(_location(repository, sent)).copy_merge_params({"digest": hashed.digest})
        self._transport.ask(
            Call(
                "PUT",
                repository,
                str(last),
                what,
                frozenset({CREATED}),
                timeout_s=COMMIT_TIMEOUT_S,
            )
        )


def _reading(repository: Repository) -> str:
    return f"read a blob of {repository.path}"


def _location(repository: Repository, answer: Answer) -> str:
    """Where an upload goes on: absolute, or relative to where it was begun."""
    location = answer.headers.get("location")
    if not location:
        raise RegistryFaultError(repository, f"{repository} does not say where an upload goes.")
    return str(leads_to(repository, answer, location))


def _after(pieces: Iterator[bytes], skipped: int) -> Iterator[bytes]:
    """What follows the first bytes, where a registry sends everything again."""
    for piece in pieces:
        rest = piece[skipped:]
        skipped = max(skipped - len(piece), 0)
        if rest:
            yield rest
