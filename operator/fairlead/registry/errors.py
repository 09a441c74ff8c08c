"""What can go wrong between us and a registry, told by who has to act.

``refusals.py`` says which answer means which of these.
"""

from fairlead.redact import redacted
from fairlead.registry.reference import Repository

MAX_MESSAGE_CHARS = 2000  # of a whole message: it may name what the registry has


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


class RegistryUntrustedError(RegistryError):
    """Its certificate is not trusted."""


class RegistryTlsError(RegistryError):
    """It speaks TLS where we do not, or the other way round."""


class RegistryDeniedError(RegistryError):
    """It knows who we are, and does not let us: somebody has to grant a right."""


class CredentialsMissingError(RegistryDeniedError):
    """It wants to know who we are, and we have no credentials for it."""


class CredentialsRefusedError(RegistryDeniedError):
    """It does not accept the credentials that we have."""


class CredentialsInvalidError(RegistryError):
    """What should hold credentials cannot be read."""


class RegistryReadOnlyError(RegistryError):
    """It takes nothing in, from nobody."""


class RegistryFullError(RegistryError):
    """A quota, or its disk, is used up."""


class BodyLimitError(RegistryError):
    """Something before it takes no body of this size."""


class RepositoryNotFoundError(RegistryError):
    """Repositories, or their projects, have to be made there before anything is pushed."""


class RegistryRefusedError(RegistryError):
    """The settings do not let us connect there. ``lasting``: asking again later cannot help."""

    def __init__(self, repository: Repository, message: str, remedy: str, *, lasting: bool) -> None:
        super().__init__(repository, message)
        self.remedy = remedy
        self.lasting = lasting


class NotInRegistryError(RegistryError):
    """The registry answers, and does not have it."""


class WrongPlatformError(NotInRegistryError):
    """It has the image, and not for our platform."""


class TagTakenError(RegistryError):
    """Somebody else has written the version that was to be written."""


class RegistryFaultError(RegistryError):
    """The answer is not what the protocol says: another kind of server, or a broken one."""
