"""Azure Container Registry by workload identity: no password, and nothing to renew by hand.

The ServiceAccount's projected token is exchanged for one of Microsoft Entra, and that for a refresh
token of the registry, which is what its issuer takes for access tokens
(https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md). The variables are those that AKS'
webhook injects into pods with the label ``azure.workload.identity/use``.
"""

import base64
import binascii
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from fairlead.registry.call import Call
from fairlead.registry.errors import CredentialsInvalidError
from fairlead.registry.reference import host_of
from fairlead.registry.token_request import Fetch, TokenRequest, checked_token, token_answer

SUFFIXES = (".azurecr.io", ".azurecr.cn", ".azurecr.us")  # no other host is ever shown a token
SCOPE = "https://containerregistry.azure.net/.default"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
RENEW_BEFORE_S = 300.0  # seconds before a refresh token ends
USUAL_LIFE_S = 3600.0  # of a refresh token that does not say
MAX_TOKEN_FILE_BYTES = 64 * 1024
_IDENTIFIER = re.compile(r"[A-Za-z0-9.-]{1,128}")


class _Claims(BaseModel):
    exp: float


@dataclass
class AcrIdentity:
    """One identity, and the refresh token of each registry that it has been exchanged for."""

    client_id: str
    tenant: str
    authority: str
    token_file: Path
    suffixes: tuple[str, ...] = SUFFIXES
    _known: dict[str, tuple[str, float]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "AcrIdentity | None":
        """The identity that the environment names; None where AKS has injected none."""
        client, tenant = environ.get("AZURE_CLIENT_ID", ""), environ.get("AZURE_TENANT_ID", "")
        authority = environ.get("AZURE_AUTHORITY_HOST", "")
        file = environ.get("AZURE_FEDERATED_TOKEN_FILE", "")
        named = _IDENTIFIER.fullmatch(client) and _IDENTIFIER.fullmatch(tenant)
        if not (named and authority and file):
            return None
        return cls(client, tenant, authority, Path(file))

    @property
    def words(self) -> str:
        """How people know it."""
        return f"the workload identity of the task's ServiceAccount (client {self.client_id})"

    def serves(self, registry: str) -> bool:
        return host_of(registry).lower().endswith(self.suffixes)

    def forget(self, registry: str) -> None:
        """The registry does not take its refresh token any more."""
        self._known.pop(registry, None)

    def refresh_token(self, call: Call, fetch: Fetch, origin: httpx.URL) -> str:
        """The registry's refresh token, exchanged anew before it ends. Raises ``RegistryError``.

        ``origin``: where the registry's API is.
        """
        registry = call.repository.registry
        token, until = self._known.get(registry, ("", 0.0))
        if not token or time.time() > until - RENEW_BEFORE_S:
            token = self._exchanged(call, fetch, origin)
            self._known[registry] = token, _end_of(token)
        return token

    def _exchanged(self, call: Call, fetch: Fetch, origin: httpx.URL) -> str:
        form = {
            "grant_type": "access_token",
            "service": origin.netloc.decode(),
            "tenant": self.tenant,
            "access_token": self._entra_token(call, fetch),
        }
        request = TokenRequest(
            origin.join("/oauth2/exchange"), "its token exchange says", self.words, form
        )
        answer = token_answer(fetch(call, request))
        return checked_token(call, answer.refresh_token)

    def _entra_token(self, call: Call, fetch: Fetch) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "scope": SCOPE,
            "client_assertion_type": ASSERTION,
            "client_assertion": self._assertion(call),
        }
        try:
            authority = httpx.URL(self.authority.rstrip("/") + "/")
            url = authority.join(f"{self.tenant}/oauth2/v2.0/token")
        except httpx.InvalidURL as error:
            said = f"AZURE_AUTHORITY_HOST of the task is no address ({error})."
            raise CredentialsInvalidError(call.repository, said) from error
        request = TokenRequest(url, "Microsoft Entra says", self.words, form)
        return checked_token(call, token_answer(fetch(call, request)).access_token)

    def _assertion(self, call: Call) -> str:
        """The ServiceAccount's token, read anew: the kubelet renews it."""
        try:
            with self.token_file.open() as file:
                return file.read(MAX_TOKEN_FILE_BYTES).strip()
        except (OSError, ValueError) as error:
            said = "The token of the task's ServiceAccount (AZURE_FEDERATED_TOKEN_FILE) cannot be "
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise CredentialsInvalidError(call.repository, f"{said}read: {why}.") from error


def _end_of(token: str) -> float:
    """When a JSON web token ends, in seconds since the epoch; it is not verified here."""
    try:
        claims = token.split(".")[1]
        padded = base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))
        return _Claims.model_validate(from_json(padded)).exp
    except (IndexError, binascii.Error, ValueError, ValidationError):
        return time.time() + USUAL_LIFE_S
