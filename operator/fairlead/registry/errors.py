"""What can go wrong between us and a registry, told by who has to act."""

from http import HTTPStatus

from pydantic_core import from_json

from fairlead.connection import why
from fairlead.redact import redacted
from fairlead.registry.reference import Repository

MAX_QUOTED_CHARS = 300  # characters of what the registry says
MAX_MESSAGE_CHARS = 2000  # of a whole message: it may name what the registry has
REFUSED_STATUSES = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED}


class RegistryError(Exception):
    """Base: names the registry and the repository; the text is a sentence for people."""

    def __init__(self, repository: Repository, message: str) -> None:
        super().__init__(redacted(message)[:MAX_MESSAGE_CHARS])
        self.repository = repository

    @property
    def host(self) -> str:
        return self.repository.registry


class RegistryUnreachableError(RegistryError):
    """No answer, or one that says "later" (5xx, 429): trying again may help."""


class RegistryDeniedError(RegistryError):
    """401, 403, or a registry that takes nothing in (405): somebody has to grant a right."""


class RegistryRefusedError(RegistryError):
    """The settings do not let us connect there. ``lasting``: asking again later cannot help."""

    def __init__(self, repository: Repository, message: str, remedy: str, *, lasting: bool) -> None:
        super().__init__(repository, message)
        self.remedy = remedy
        self.lasting = lasting


class NotInRegistryError(RegistryError):
    """The registry answers, and does not have it."""


class TagTakenError(RegistryError):
    """Somebody else has written the version that was to be written."""


class RegistryFaultError(RegistryError):
    """The answer is not what the protocol says: another kind of server, or a broken one."""


def no_answer(repository: Repository, error: BaseException) -> RegistryUnreachableError:
    return RegistryUnreachableError(
        repository, f"The registry {repository.registry} does not answer ({why(error)})."
    )


def refusal(repository: Repository, what: str, status: int, body: bytes) -> RegistryError:
    """Return the error for an answer that is not the one hoped for.

    ``what`` completes "could not": ``read library/python:3.11``, ``push to team/credit``.
    """
    registry, said = repository.registry, f"{status}{_words(status, body)}"
    if status in REFUSED_STATUSES:
        return RegistryDeniedError(
            repository, f"The registry {registry} does not let us {what}: {said}."
        )
    message = f"The registry {registry} could not {what}: {said}."
    if status == HTTPStatus.NOT_FOUND:
        return NotInRegistryError(repository, message)
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return RegistryUnreachableError(repository, message)
    return RegistryFaultError(repository, message)


def _words(status: int, body: bytes) -> str:
    """What the registry itself says: `` UNAUTHORIZED: authentication required``."""
    try:
        first = from_json(body)["errors"][0]
        said = f"{first['code']}: {first.get('message', '')}".strip(": ")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        said = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    return f" {redacted(said)[:MAX_QUOTED_CHARS]}" if said else ""
