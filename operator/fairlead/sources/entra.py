"""Bearer tokens of Microsoft Entra: for the identity of a pod, or for a service principal."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fairlead.sources.answers import Remedies, unreachable
from fairlead.sources.exchange import Exchange, posted_form
from fairlead.sources.identity_token import identity_token
from fairlead.sources.secret_keys import SecretKeys, endpoint, invalid

SCOPE = "https://storage.azure.com/.default"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
AUTHORITY_KEY = "AZURE_AUTHORITY_HOST"
AUTHORITY = "https://login.microsoftonline.com/"
RENEW_BEFORE_S = 300.0
REMEDIES = Remedies(
    "See that the client, its tenant and its secret are right and have not expired, or how "
    "workload identity is set up for the ServiceAccount.",
)
_IDENTIFIER = re.compile(r"[A-Za-z0-9.-]{1,128}")


class _Token(BaseModel):
    model_config = ConfigDict(extra="ignore")

    access_token: str = Field(pattern=r"^[\x21-\x7e]{1,65536}$")
    expires_in: int = Field(ge=0, le=10**9)


@dataclass
class EntraIdentity:
    """A client of Entra, and its proof: a secret, else the file of the ServiceAccount's token."""

    client: str
    tenant: str
    authority: str
    client_secret: str = field(default="", repr=False)
    token_file: Path | None = None
    _token: str = field(default="", repr=False)
    _until: float = 0.0

    @classmethod
    def of_pod(cls, environ: Mapping[str, str]) -> "EntraIdentity | None":
        """What AKS injects; None where it has injected none."""
        client, tenant = environ.get("AZURE_CLIENT_ID", ""), environ.get("AZURE_TENANT_ID", "")
        file = environ.get("AZURE_FEDERATED_TOKEN_FILE", "")
        if not (_IDENTIFIER.fullmatch(client) and _IDENTIFIER.fullmatch(tenant) and file):
            return None
        authority = environ.get(AUTHORITY_KEY, "") or AUTHORITY
        return cls(client, tenant, authority, token_file=Path(file))

    @classmethod
    def of_secret(cls, secret: SecretKeys) -> "EntraIdentity | None":
        """A service principal in a Secret; None where there is none. Raises ``SourceError``."""
        names = ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET")
        client, tenant, value = (secret.get(name) for name in names)
        if not value:
            return None
        if not (_IDENTIFIER.fullmatch(client) and _IDENTIFIER.fullmatch(tenant)):
            raise invalid(
                "has no AZURE_CLIENT_ID or no AZURE_TENANT_ID",
                "Give both beside AZURE_CLIENT_SECRET.",
            )
        authority = secret.get(AUTHORITY_KEY) or AUTHORITY
        return cls(client, tenant, endpoint(authority, AUTHORITY_KEY), client_secret=value)

    def headers(self, exchange: Exchange) -> Mapping[str, str]:
        """Raises ``SourceError``."""
        if time.time() > self._until - RENEW_BEFORE_S:
            self._token, self._until = self._asked(exchange)
        return {"authorization": f"Bearer {self._token}"}

    def _asked(self, exchange: Exchange) -> tuple[str, float]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client,
            "scope": SCOPE,
            **self._proof(),
        }
        address = f"{self.authority.rstrip('/')}/{self.tenant}/oauth2/v2.0/token"
        asked = posted_form("Microsoft Entra", address, form, REMEDIES)
        _, body = exchange.read(asked)
        try:
            found = _Token.model_validate_json(body)
        except ValidationError as error:
            raise unreachable(f"{asked.what} answers without a token.") from error
        return found.access_token, time.time() + found.expires_in

    def _proof(self) -> dict[str, str]:
        if self.token_file is None:
            return {"client_secret": self.client_secret}
        token = identity_token(self.token_file, "AZURE_FEDERATED_TOKEN_FILE")
        return {"client_assertion_type": ASSERTION, "client_assertion": token}
