"""Whose keys sign requests to S3: the Secret's, those of the pod's own identity, or nobody's.

The identity is what Amazon's webhooks inject into the pods of a ServiceAccount: a token file that
the Security Token Service takes (IAM roles for service accounts). The keys of a node are never
asked for: the guard refuses its metadata service.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fairlead.sources.answers import unreachable
from fairlead.sources.aws_signature import Keys
from fairlead.sources.base import SourceError
from fairlead.sources.exchange import Exchange, posted_form
from fairlead.sources.identity_token import identity_token
from fairlead.sources.secret_keys import SecretKeys, invalid
from fairlead.sources.xml_answer import first, parsed, text

RENEW_BEFORE_S = 300.0
SHORTEST_LIFE_S = 60.0  # of keys whose end nobody can read
SESSION = "fairlead"


def keys_of(secret: SecretKeys) -> Keys | None:
    """The keys in the Secret; None where it has none. Raises ``SourceError``."""
    access, private = secret.get("AWS_ACCESS_KEY_ID"), secret.get("AWS_SECRET_ACCESS_KEY")
    if bool(access) != bool(private):
        missing = "AWS_SECRET_ACCESS_KEY" if access else "AWS_ACCESS_KEY_ID"
        raise invalid(f"has no key {missing}", "Both belong together.")
    return Keys(access, private, secret.get("AWS_SESSION_TOKEN")) if access else None


@dataclass
class WebIdentity:
    """A role, and the token file by which the pod may take it."""

    role: str
    token_file: Path
    region: str
    _keys: Keys | None = None
    _until: float = 0.0

    @classmethod
    def of(cls, environ: Mapping[str, str], region: str) -> "WebIdentity | None":
        role = environ.get("AWS_ROLE_ARN", "")
        file = environ.get("AWS_WEB_IDENTITY_TOKEN_FILE", "")
        return cls(role, Path(file), region) if role and file else None

    def keys(self, exchange: Exchange) -> Keys:
        """Keys that last for a while. Raises ``SourceError``."""
        if self._keys is None or time.time() > self._until - RENEW_BEFORE_S:
            self._keys, self._until = self._taken(exchange)
        return self._keys

    def _taken(self, exchange: Exchange) -> tuple[Keys, float]:
        suffix = domain(self.region)
        form = {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": "2011-06-15",
            "RoleArn": self.role,
            "RoleSessionName": SESSION,
            "WebIdentityToken": identity_token(self.token_file, "AWS_WEB_IDENTITY_TOKEN_FILE"),
        }
        address = f"https://sts.{self.region}.{suffix}/"
        asked = posted_form("The Security Token Service", address, form)
        _, body = exchange.read(asked)
        return _read(body, asked.what)


def domain(region: str) -> str:
    """The domain of Amazon's services in a region."""
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def _read(body: bytes, what: str) -> tuple[Keys, float]:
    root = parsed(body, what)
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    keys = first(root, "Credentials")
    access, secret, token = (text(keys, name) if keys is not None else "" for name in names)
    if keys is None or not (access and secret and token):
        raise _no_keys(what)
    return Keys(access, secret, token), _end(text(keys, "Expiration"))


def _end(said: str) -> float:
    try:
        return datetime.fromisoformat(said).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        return time.time() + RENEW_BEFORE_S + SHORTEST_LIFE_S


def _no_keys(what: str) -> SourceError:
    return unreachable(f"{what} answers without keys.")
