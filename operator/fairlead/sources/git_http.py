"""git's smart protocol over our own exchange: dulwich speaks git, and connects nowhere by itself.

Every connection is looked at as every other source's is, redirects included; nothing of the
environment (proxies' passwords, credential helpers, configuration, hooks) is asked.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from dulwich.client import AbstractHttpGitClient
from dulwich.protocol import CAPABILITY_PACKFILE_URIS

from fairlead.api.reasons import Reason
from fairlead.sources.addresses import origin
from fairlead.sources.answers import Remedies, unreachable
from fairlead.sources.base import Limits, Meter, SourceError
from fairlead.sources.exchange import Answer, Asked, Exchange, TransientError
from fairlead.sources.secret_keys import SecretKeys, invalid

KEYS = ("host", "username", "password", "token")
"""What the Secret of a git source may hold. ``host`` is where the rest may be sent."""
MAX_NAMES_BYTES = 8 * 1024 * 1024  # of branches and tags, and of all else that is before a pack
ANY_USER = "x-access-token"  # what servers that only look at a token take for a name
SMART = "application/x-git-"
REMEDIES = Remedies(
    "See that the address is right, and that the token in the Secret of spec.credentialsSecretRef "
    "is right, has not expired and may read the repository. Some servers answer so of repositories "
    "that they do not have.",
    "Correct spec.source.git.url. Of a private repository some servers say so to who shows no "
    "token: name a Secret in spec.credentialsSecretRef.",
)


@dataclass(frozen=True)
class GitCredentials:
    """Who to be at one server; ``header`` is empty for nobody."""

    header: str = ""
    url: str = ""

    @classmethod
    def read(cls, folder: Path | None, url: str) -> "GitCredentials":
        """What the mounted Secret says, for the server at ``url``. Raises ``SourceError``.

        The Secret names that server, not only the object: who may write an object, and not read the
        Secret, cannot have it sent elsewhere.
        """
        keys = SecretKeys.read(folder, KEYS, "git")
        if not keys.values:
            return cls()
        secret, host = keys.get("token", "password"), keys.get("host")
        if not secret:
            raise invalid("has neither a token nor a password", "Put one of them into it.")
        if host.lower() != urlsplit(url).netloc.lower():
            raise invalid(
                "does not name the server of spec.source.git.url under host",
                "Put the server into it as the address has it: github.com, git.example.com:8443.",
            )
        user = keys.get("username") or ANY_USER
        return cls(f"Basic {b64encode(f'{user}:{secret}'.encode()).decode()}", url)

    def authorize(self, _: str, url: str, __: Mapping[str, str]) -> Mapping[str, str]:
        """The header for a request to that server, and none for another."""
        mine = self.header and origin(url) == origin(self.url)
        return {"Authorization": self.header} if mine else {}


class Received(Meter):
    """Counts what a server sends. Until its pack begins that is names, all of which are kept in
    memory at several times their size: of these there may be less."""

    def __init__(self, limits: Limits, what: str, pack: IO[bytes]) -> None:
        super().__init__(limits, what)
        self._pack = pack

    def count(self, size: int) -> None:
        super().count(size)
        if self.bytes > MAX_NAMES_BYTES and not self._pack.tell():
            raise SourceError(
                Reason.MODEL_TOO_LARGE,
                f"{self.what} sends more than {MAX_NAMES_BYTES:,} bytes before any file: the names "
                "of its branches and tags.",
                "Keep the code in a repository of its own, with fewer of them.",
            )


class Body:
    """An answer, read in pieces of the size that dulwich asks for, and counted."""

    redirect_location: str
    """Where it came from, if that is not where it was asked for; else empty."""

    def __init__(self, answer: Answer, stack: ExitStack, asked: str, meter: Meter) -> None:
        self.content_type = answer.kind
        self.redirect_location = answer.url if answer.url != asked else ""
        self._pieces, self._stack, self._meter = answer.body, stack, meter
        self._left = bytearray()  # from whose beginning little is taken at little cost

    def read(self, size: int) -> bytes:
        while len(self._left) < size and (piece := next(self._pieces, None)) is not None:
            self._meter.count(len(piece))
            self._left += piece
        found = bytes(self._left[:size])
        del self._left[:size]
        return found

    def close(self) -> None:
        self._stack.close()


class GitClient(AbstractHttpGitClient):
    """Reads one repository. Raises ``SourceError``, and what dulwich says of answers that are
    none."""

    def __init__(
        self, url: str, what: str, exchange: Exchange, credentials: GitCredentials, meter: Meter
    ) -> None:
        super().__init__(url, thin_packs=False, quiet=True)
        self._what, self._exchange, self._credentials = what, exchange, credentials
        self._meter, self._answers = meter, ExitStack()
        self._fetch_capabilities.discard(CAPABILITY_PACKFILE_URIS)  # other addresses

    def close(self) -> None:
        self._answers.close()

    def _http_request(  # type: ignore[override]
        self,
        url: str,
        headers: dict[str, str] | None = None,
        data: bytes | Iterator[bytes] | None = None,
        raise_for_status: bool = True,  # noqa: FBT001, FBT002, ARG002  (the base class's)
    ) -> tuple[Body, Callable[[int], bytes]]:
        content = data if isinstance(data, bytes | None) else b"".join(data)
        kept = {name: value for name, value in (headers or {}).items() if name != "Content-Length"}
        asked = Asked(
            self._what,
            url,
            self._credentials.authorize,
            method="GET" if content is None else "POST",
            headers=kept if content is None else {**kept, "Content-Length": str(len(content))},
            content=content,
            remedies=REMEDIES,
            explain=_explained,
        )
        stack = self._answers.enter_context(ExitStack())
        answer = stack.enter_context(self._exchange.open(asked))
        if answer.status != HTTPStatus.OK:
            error = self._exchange.refusal(asked, answer)
            raise error.error if isinstance(error, TransientError) else error
        if not answer.kind.startswith(SMART):
            raise _no_repository(self._what)
        body = Body(answer, stack, url, self._meter)
        return body, body.read


def _explained(answer: Answer, _: bytes) -> SourceError | None:
    if answer.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return None
    return SourceError(
        Reason.MODEL_SOURCE_NOT_FOUND,
        f"{answer.what} answers {answer.status}: there is no such repository.",
        REMEDIES.missing,
        retryable=True,
    )


def _no_repository(what: str) -> SourceError:
    return SourceError(
        Reason.MODEL_SOURCE_NOT_FOUND,
        f"{what} answers, and not as a git repository does.",
        "Give the address that `git clone` takes; servers of git's old dumb protocol are not read.",
        retryable=True,
    )


def broken_off(what: str, why: str) -> SourceError:
    """The error for an answer that ended, or that is none."""
    return unreachable(f"{what} does not answer as a git server should: {why}.")
