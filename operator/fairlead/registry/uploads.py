"""One blob on its way up: streamed in one request, as every registry takes it, and gone on with
after that was cut.

Where a connection breaks, the registry is asked how much it has (a GET of the upload), and the rest
follows in chunks that can each be sent again. Some registries forget an upload that was cut (CNCF
distribution does): then it begins anew, from bytes that are on disk or that can be read again.
"""

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

import httpx

from fairlead.registry.call import Answer, Call
from fairlead.registry.errors import RegistryDeniedError, RegistryError, RegistryFaultError
from fairlead.registry.errors import RegistryUnreachableError as Unreachable
from fairlead.registry.reference import Repository
from fairlead.registry.transport import Transport, leads_to

OK, CREATED, ACCEPTED, NO_CONTENT, MISSING = 200, 201, 202, 204, 404
COMMIT_TIMEOUT_S = 600.0  # seconds: the registry may have to check many gigabytes
CHUNK_BYTES = 16 * 1024 * 1024  # of the rest after a cut; each is in memory
MAX_CHUNK_BYTES = 64 * 1024 * 1024  # where the registry wants larger ones
PAUSES_S = (0.5, 2.0, 5.0, 10.0)  # seconds before each try that follows one without progress
MAX_TRIES = 50  # of one blob, with progress
OCTETS = {"Content-Type": "application/octet-stream"}
SENT = frozenset({ACCEPTED, NO_CONTENT, CREATED})
_NUMBER = re.compile(r"[0-9]{1,18}")
_RANGE = re.compile(r"(?:bytes=)?0-([0-9]{1,18})")
Opened = AbstractContextManager[Iterator[bytes]]


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


class Repeated:
    """Pieces that are made anew each time they are gone through."""

    def __init__(self, make: Callable[[], Iterable[bytes]]) -> None:
        self._make = make

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._make())


class Produced:
    """What is made on the way up: its digest is known at the end.

    ``pieces`` that can be gone through anew (no iterator) are, from the first byte on: what is
    hashed is what one pass gives, so that a file that changed meanwhile is refused by its digest.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self.again = not isinstance(pieces, Iterator)
        self.hashed = Hashed(())

    @contextmanager
    def opened(self, start: int) -> Iterator[Iterator[bytes]]:
        self.hashed = Hashed(self._pieces)
        yield after(iter(self.hashed), start)

    @property
    def digest(self) -> str:
        return self.hashed.digest


class Copied:
    """What has a digest already. ``read`` opens it from one of its bytes on."""

    again = True

    def __init__(self, digest: str, read: Callable[[int], Opened]) -> None:
        self.digest, self._read = digest, read
        self.hashed: Hashed | None = None
        """Of what was sent in one piece."""

    @contextmanager
    def opened(self, start: int) -> Iterator[Iterator[bytes]]:
        with self._read(start) as pieces:
            self.hashed = Hashed(pieces) if start == 0 else None
            yield iter(self.hashed) if self.hashed else pieces


class Upload:
    """``begin`` opens an upload and returns the answer that says where it goes."""

    def __init__(
        self, transport: Transport, repository: Repository, begin: Callable[[], Answer]
    ) -> None:
        self._transport, self._repository, self._begin = transport, repository, begin
        self._what = f"push to {repository.path}"
        self._location, self._chunk_bytes, self._sent = "", CHUNK_BYTES, 0

    def send(self, content: Produced | Copied, opened: Answer | None = None) -> None:
        """Send a blob; ``opened``: the answer of an upload that is open already.

        Raises ``RegistryError``, and what ``content`` raises.
        """
        self._goes_to(opened or self._begin())
        tries = _Tries()
        try:
            self._send_all(content)
        except (Unreachable, RegistryDeniedError) as error:
            if not content.again:
                raise
            self._go_on(content, error, tries)
        self._end(content.digest, tries)

    def _go_on(self, content: Produced | Copied, error: RegistryError, tries: "_Tries") -> None:
        while True:
            tries.take(error)
            try:
                self._send_rest(content, tries)
            except Unreachable as another:
                error = another
            else:
                return

    def _send_all(self, content: Produced | Copied) -> None:
        with content.opened(0) as pieces:
            self._patch(self._counted(pieces), OCTETS)
        hashed = content.hashed
        if hashed is not None and hashed.digest != content.digest:
            said = f"A blob on its way to {self._repository} was changed."
            raise RegistryFaultError(self._repository, said)

    def _send_rest(self, content: Produced | Copied, tries: "_Tries") -> None:
        """From where the registry is, in chunks; from the first byte where it has forgotten it."""
        start = self._offset()
        tries.progress(start)
        if start == 0:
            self._sent = 0
            self._goes_to(self._begin())
        with content.opened(start) as pieces:
            for chunk in _chunks(pieces, self._chunk_bytes):
                told = {**OCTETS, "Content-Range": f"{start}-{start + len(chunk) - 1}"}
                self._sent = max(self._sent, start + len(chunk))
                self._patch(chunk, told)
                start += len(chunk)

    def _offset(self) -> int:
        """How many bytes the registry has; 0 where it does not know the upload any more.

        ``0-0`` means one byte or none: then it begins anew, too.
        """
        call = Call(
            "GET",
            self._repository,
            self._location,
            self._what,
            frozenset({OK, ACCEPTED, NO_CONTENT}),
            pushes=True,
        )
        try:
            answer = self._transport.ask(call)
        except Unreachable:
            raise
        except RegistryError:
            return 0
        found = _RANGE.fullmatch(answer.headers.get("range", "").strip())
        has = int(found[1]) + 1 if found else 0
        if has <= 1:
            return 0
        if has > self._sent:
            said = f"{self._repository} has {has:,} bytes of {self._sent:,} that were sent."
            raise RegistryFaultError(self._repository, said)
        if answer.headers.get("location"):
            self._goes_to(answer)
        return has

    def _patch(self, content: bytes | Iterator[bytes], headers: dict[str, str]) -> None:
        call = Call(
            "PATCH",
            self._repository,
            self._location,
            self._what,
            SENT,
            headers=headers,
            content=content,
            timeout_s=COMMIT_TIMEOUT_S,
        )
        self._goes_to(self._transport.ask(call))

    def _end(self, digest: str, tries: "_Tries") -> None:
        """Commit it. Where the answer is lost, the blob may be there all the same."""
        url = str(httpx.URL(self._location).copy_merge_params({"digest": digest}))
        expect, timeout_s = frozenset({CREATED}), COMMIT_TIMEOUT_S
        call = Call("PUT", self._repository, url, self._what, expect, timeout_s=timeout_s)
        while True:
            try:
                self._transport.ask(call)
            except (Unreachable, RegistryFaultError) as error:
                if tries.lost and self._is_there(digest):
                    return
                if not isinstance(error, Unreachable):
                    raise
                tries.take(error)
            else:
                return

    def _is_there(self, digest: str) -> bool:
        expect = frozenset({OK, MISSING})
        url = f"blobs/{digest}"
        call = Call("HEAD", self._repository, url, self._what, expect, pushes=True)
        return self._transport.ask(call).status == OK

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._sent += len(piece)
            yield piece

    def _goes_to(self, answer: Answer) -> None:
        self._location = location(self._repository, answer)
        wanted = _NUMBER.fullmatch(answer.headers.get("oci-chunk-min-length", ""))
        if wanted:
            self._chunk_bytes = min(max(CHUNK_BYTES, int(wanted[0])), MAX_CHUNK_BYTES)


class _Tries:
    """How often an upload is gone on with: a few times without progress, and not for ever."""

    def __init__(self) -> None:
        self._pauses, self._left, self._has = list(PAUSES_S), MAX_TRIES, 0

    @property
    def lost(self) -> bool:
        """Whether anything failed before."""
        return self._left < MAX_TRIES

    def take(self, error: RegistryError) -> None:
        """Wait for the next one; raise ``error`` where there is none."""
        if not self._pauses or not self._left:
            raise error
        self._left -= 1
        time.sleep(self._pauses.pop(0))

    def progress(self, has: int) -> None:
        if has > self._has:
            self._has, self._pauses = has, list(PAUSES_S)


def location(repository: Repository, answer: Answer) -> str:
    """Where an upload goes on: absolute, or relative to where it was begun."""
    told = answer.headers.get("location")
    if not told:
        raise RegistryFaultError(repository, f"{repository} does not say where an upload goes.")
    return str(leads_to(repository, answer, told))


def after(pieces: Iterator[bytes], skipped: int) -> Iterator[bytes]:
    """What follows the first bytes."""
    for piece in pieces:
        rest = piece[skipped:]
        skipped = max(skipped - len(piece), 0)
        if rest:
            yield rest


def _chunks(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The same in chunks of ``size`` bytes; the last one is shorter."""
    chunk = bytearray()
    for piece in pieces:
        for start in range(0, len(piece), size):
            chunk += piece[start : start + size]
            while len(chunk) >= size:
                yield bytes(chunk[:size])
                del chunk[:size]
    if chunk:
        yield bytes(chunk)
