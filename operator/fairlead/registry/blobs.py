"""Blobs in a registry: read, mounted, copied, streamed up while they are hashed."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from fairlead.registry.call import Answer, Call
from fairlead.registry.errors import (
    RegistryDeniedError,
    RegistryFaultError,
    RegistryReadOnlyError,
)
from fairlead.registry.oci import digest_of
from fairlead.registry.reference import Repository
from fairlead.registry.transport import Transport
from fairlead.registry.uploads import Copied, Produced, Upload, after, location

OK, CREATED, ACCEPTED, NO_CONTENT, MISSING, NOT_ALLOWED = 200, 201, 202, 204, 404, 405
PARTIAL = 206
CHUNK_BYTES = 1024 * 1024  # bytes


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
            yield after(response.iter_raw(CHUNK_BYTES), skipped)

    def upload(self, repository: Repository, pieces: Iterable[bytes]) -> tuple[str, int]:
        """Stream a blob up; return its digest and its size, counted on the way.

        ``pieces`` that can be gone through more than once (no iterator) are sent to their end,
        though the connection breaks.
        """
        content = Produced(pieces)
        self._upload(repository).send(content)
        return content.digest, content.hashed.size

    def upload_bytes(self, repository: Repository, content: bytes) -> None:
        """Put a small blob there, unless it is there."""
        if not self.has_blob(repository, digest_of(content)):
            self.upload(repository, (content,))  # a tuple: it can be sent again

    def copy_blob(self, source: Repository, target: Repository, digest: str) -> str:
        """Put a blob of one repository into another: ``present``, ``mounted`` or ``copied``.

        A registry that cannot mount opens an upload instead, which then takes the copy.
        """
        if self.has_blob(target, digest):
            return "present"
        opened = None
        if source.registry == target.registry:
            mounted = f"blobs/uploads/?mount={digest}&from={source.path}"
            opened = self._begin(target, mounted, source.path)
            if opened.status == CREATED:
                return "mounted"
        content = Copied(digest, lambda start: self.open_blob(source, digest, start))
        self._upload(target).send(content, opened)
        return "copied"

    def check_push(self, repository: Repository) -> None:
        """See that we may push: open an upload and give it up. Raises ``RegistryError``."""
        opened = self._begin(repository)
        if opened.status == ACCEPTED:
            self._give_up(repository, location(repository, opened))

    def _give_up(self, repository: Repository, location: str) -> None:
        """Some registries want more rights for this than for a push: then it ends by itself."""
        given_up = frozenset({OK, ACCEPTED, NO_CONTENT, MISSING, NOT_ALLOWED})
        what = f"give up an upload to {repository.path}"
        try:
            self._transport.ask(Call("DELETE", repository, location, what, given_up))
        except (RegistryDeniedError, RegistryReadOnlyError):
            return

    def _upload(self, repository: Repository) -> Upload:
        return Upload(self._transport, repository, lambda: self._begin(repository))

    def _begin(
        self, repository: Repository, url: str = "blobs/uploads/", mounts_from: str = ""
    ) -> Answer:
        """Open an upload; 201 where the blob was mounted instead."""
        what = f"push to {repository.path}"
        expect = frozenset({CREATED, ACCEPTED})
        call = Call("POST", repository, url, what, expect, again=True, mounts_from=mounts_from)
        return self._transport.ask(call)


def _reading(repository: Repository) -> str:
    return f"read a blob of {repository.path}"
