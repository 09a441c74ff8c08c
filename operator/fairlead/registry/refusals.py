"""What the answers of registries mean: one table, and the server's own words.

The protocol has a code for few things (quotas, read-only times, projects that are not there have
none), so the words are looked at that real registries use: distribution, Harbor, Quay, Artifactory,
Nexus, GitLab, Amazon's, Azure's and Google's, and the proxies that stand before them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from pydantic_core import from_json

from fairlead.connection import why
from fairlead.redact import redacted
from fairlead.registry.call import Call
from fairlead.registry.errors import (
    BodyLimitError,
    CredentialsMissingError,
    CredentialsRefusedError,
    NotInRegistryError,
    RegistryDeniedError,
    RegistryError,
    RegistryFaultError,
    RegistryFullError,
    RegistryReadOnlyError,
    RegistryTlsError,
    RegistryUnreachableError,
    RegistryUntrustedError,
    RepositoryNotFoundError,
)
from fairlead.registry.reference import Repository

MAX_QUOTED_CHARS = 300  # characters of what the registry says
MAX_READ_CHARS = 20_000  # of an answer, that are searched for its words
_TITLE = re.compile(r"<title>([^<]{1,300})", re.IGNORECASE)
_PLAIN = re.compile(r"[^<{\[]{1,2000}")


@dataclass(frozen=True)
class Refusal:
    """``said``: what the words hold, in lower case. ``writing``: only of what stores something.
    ``known``: only whether we gave credentials, or not."""

    kind: type[RegistryError]
    statuses: frozenset[int]
    said: re.Pattern[str] | None = None
    writing: bool = False
    known: bool | None = None

    def means(self, status: int, said: str, *, writes: bool, known: bool) -> bool:
        return (
            status in self.statuses
            and (self.said is None or self.said.search(said) is not None)
            and (writes or not self.writing)
            and self.known in (None, known)
        )


@dataclass(frozen=True)
class Asked:
    """Whose credentials we gave (empty for none), and where else we looked in vain."""

    words: str = ""
    looked: str = ""


REDIRECTS = frozenset(range(300, 400))
CLIENT, SERVER = frozenset(range(400, 500)), frozenset(range(500, 600))
AUTH = frozenset({401, 403})
FULL = re.compile(
    "quota|no space left|storage limit|exceed the configured upper limit|disk usage is too high|"
    "insufficient storage|storage is full|out of storage"
)
READ_ONLY = re.compile("read[ _-]?only|maintenance mode")
NOT_MADE = re.compile(
    "(project|repository|namespace)[^.]{0,200} (not found|does not exist)|"
    "not allowed to create|repository_not_found|name_unknown|create.on.push"
)
FORGOTTEN = re.compile("blob_upload_unknown|blob upload unknown|blob_unknown")
PLAIN_TO_TLS = re.compile("http request to an https server|plain http request was sent to https")
OAUTH = re.compile("invalid_(grant|client|request|token)|unauthorized_client")

REFUSALS = (  # the first that fits counts
    Refusal(RegistryUnreachableError, frozenset({408, 429})),  # "quota" may mean a rate here
    Refusal(RegistryTlsError, frozenset({400, 497}), PLAIN_TO_TLS),
    Refusal(RegistryFullError, frozenset({507})),
    Refusal(RegistryFullError, CLIENT | SERVER, FULL, writing=True),
    Refusal(BodyLimitError, frozenset({413})),
    Refusal(RegistryReadOnlyError, CLIENT | SERVER, READ_ONLY, writing=True),
    Refusal(RegistryReadOnlyError, frozenset({405}), writing=True),
    Refusal(RepositoryNotFoundError, AUTH, NOT_MADE, writing=True, known=True),
    Refusal(RegistryFaultError, frozenset({404}), FORGOTTEN, writing=True),  # as replicas do
    Refusal(RepositoryNotFoundError, frozenset({404}), writing=True),
    Refusal(CredentialsMissingError, AUTH, known=False),
    Refusal(CredentialsRefusedError, frozenset({401})),
    Refusal(CredentialsRefusedError, frozenset({400}), OAUTH, known=True),
    Refusal(RegistryDeniedError, frozenset({403, 405})),
    Refusal(NotInRegistryError, frozenset({404})),
    Refusal(RegistryUnreachableError, SERVER),
    Refusal(RegistryFaultError, REDIRECTS | CLIENT),
)
DENIALS = (RegistryDeniedError, RepositoryNotFoundError, RegistryReadOnlyError)
"""Told as what the registry does not let us do; the others as what it could not do."""


def refusal(
    call: Call,
    status: int,
    body: bytes,
    asked: Asked,
    *,
    whose: str = "",
    leads: str = "",
) -> RegistryError:
    """Return the error for an answer that is not the one hoped for.

    ``whose``: of an answer that is not the registry's own. ``leads``: where a redirect leads.
    """
    said = _said(status, body)
    kind = _kind(
        status, f"{said} {_searched(body)}".lower(), writes=call.writes, known=bool(asked.words)
    )
    registry, what = call.repository.registry, call.what + (f", {whose}" if whose else "")
    could = "does not let us" if issubclass(kind, DENIALS) else "could not"
    where = f" (it leads to {leads})" if leads else ""
    message = f"The registry {registry} {could} {what}: {status}{said}{where}."
    return kind(call.repository, message + _with(kind, asked))


def _with(kind: type[RegistryError], asked: Asked) -> str:
    if issubclass(kind, CredentialsMissingError):
        return f" Fairlead has no credentials for it{asked.looked}."
    shown = asked.words and issubclass(kind, DENIALS)
    return f" It was asked with {asked.words}." if shown else ""


def _kind(status: int, said: str, *, writes: bool, known: bool) -> type[RegistryError]:
    fitting = (r.kind for r in REFUSALS if r.means(status, said, writes=writes, known=known))
    return next(fitting, RegistryFaultError)


def no_answer(repository: Repository, error: BaseException) -> RegistryError:
    """Return the error for a connection that came to nothing."""
    said, registry = str(error), repository.registry
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return RegistryUntrustedError(repository, f"The registry {registry}: {why(error)}.")
    if any(words in said for words in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER")):
        return RegistryTlsError(repository, f"The registry {registry} does not speak TLS.")
    return RegistryUnreachableError(
        repository, f"The registry {registry} does not answer ({why(error)})."
    )


def _said(status: int, body: bytes) -> str:
    """What the registry itself says, short: `` UNAUTHORIZED: authentication required``."""
    said = _words(body) or (HTTPStatus(status).phrase if status in set(HTTPStatus) else "")
    shown = " ".join(redacted(said[:MAX_READ_CHARS]).split())[:MAX_QUOTED_CHARS]
    return f" {shown.rstrip('.')}" if shown else ""


def _searched(body: bytes) -> str:
    return body[:MAX_READ_CHARS].decode(errors="replace")


def _words(body: bytes) -> str:
    """The first words in any of the forms that registries and proxies have for it."""
    try:
        content = from_json(body)
    except ValueError:
        return _text(_searched(body))
    for form in _FORMS:
        try:
            said = form(content)
        except (KeyError, IndexError, TypeError, AttributeError):
            continue
        if said.strip(": "):
            return said.strip(": ")
    return ""


def _text(body: str) -> str:
    title = _TITLE.search(body)
    plain = _PLAIN.fullmatch(body.strip())
    return title[1] if title else plain[0] if plain else ""


def _of(content: dict[str, object], *names: str) -> str:
    return ": ".join(str(content[name]) for name in names if isinstance(content.get(name), str))


_FORMS: tuple[Callable[..., str], ...] = (
    lambda content: _of(content["errors"][0], "code", "message"),  # the protocol's own
    lambda content: _of(content, "error", "error_description"),  # OAuth 2.0
    lambda content: _of(content, "details"),  # Docker Hub's issuer
    lambda content: _of(content, "message"),
)
