"""Where a task finds credentials for registries: mounted Secrets, the operator's own file, the
workload identity of its pod. Files are read when they are needed: a kubelet may renew them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from fairlead.job_request import CREDENTIALS_FOLDER, DOCKER_CONFIG_FILE, PULL, PUSH, SHARED
from fairlead.registry.acr import AcrIdentity
from fairlead.registry.docker_config import Credential, DockerConfigError, credentials_for
from fairlead.registry.errors import CredentialsInvalidError
from fairlead.registry.reference import Repository
from fairlead.settings import Settings

MAX_CONFIG_BYTES = 1024 * 1024
OWN = "own"
ORDERS = {True: (PUSH, SHARED, PULL, OWN), False: (PULL, PUSH, SHARED, OWN)}
"""What is tried first, for writing and for reading."""


class Keychain:
    """``files``: the config files by what they are for; those that do not exist count for nothing.
    ``names``: how people know each."""

    def __init__(
        self,
        files: Mapping[str, Path],
        names: Mapping[str, str],
        identity: AcrIdentity | None = None,
        aliases: Mapping[str, str] | None = None,
        shared: str = "",
    ) -> None:
        self._files, self._names, self._identity = files, names, identity
        self._aliases, self._shared = aliases or {}, shared

    @classmethod
    def of(cls, settings: Settings, folder: Path = Path(CREDENTIALS_FOLDER)) -> "Keychain":
        """What this process has been given."""
        files = {use: folder / use / DOCKER_CONFIG_FILE for use in (PUSH, PULL, SHARED)}
        if settings.docker_config is not None:
            files[OWN] = settings.docker_config
        names = {
            PUSH: "the Secret of spec.pushSecretRef",
            PULL: "the Secret of spec.pullSecretRef",
            SHARED: f"Secret '{settings.registry_secret}'",
            OWN: "FAIRLEAD_DOCKER_CONFIG",
        }
        aliases = {settings.push_registry: settings.registry}
        shared = settings.registry_secret if settings.docker_config is None else ""
        return cls(files, names, AcrIdentity.of(os.environ), aliases, shared)

    @property
    def looked(self) -> str:
        """Where somebody who has to put credentials may put them, if that has a name."""
        if not self._shared:
            return ""
        return f": Secret '{self._shared}' is not in this namespace, or not for this host"

    def candidates(
        self, repository: Repository, *, push: bool
    ) -> Sequence[Credential | AcrIdentity]:
        """What may be tried on a repository, in this order. Raises ``CredentialsInvalidError``."""
        found: list[Credential | AcrIdentity] = []
        for use in ORDERS[push]:
            found += self._of(use, repository)
        if self._identity is not None and self._identity.serves(repository.registry):
            found.append(self._identity)
        return found

    def _of(self, use: str, repository: Repository) -> list[Credential]:
        """Our own registry may have two names: credentials for either do."""
        content = self._content(use, repository)
        alias = self._aliases.get(repository.registry, repository.registry)
        try:
            named = content and credentials_for(content, self._names[use], repository)
            if content and not named and alias != repository.registry:
                named = credentials_for(
                    content, self._names[use], Repository(alias, repository.path)
                )
        except DockerConfigError as error:
            said = f"The Docker config of {self._names[use]} cannot be read. {error}"
            raise CredentialsInvalidError(repository, said) from error
        return list(named or ())

    def _content(self, use: str, repository: Repository) -> bytes:
        path = self._files.get(use)
        if path is None:
            return b""
        try:
            with path.open("rb") as file:
                return file.read(MAX_CONFIG_BYTES)
        except FileNotFoundError:
            return b""
        except OSError as error:
            said = f"The Docker config of {self._names[use]} cannot be read: {error.strerror}."
            raise CredentialsInvalidError(repository, said) from error
