"""The keys of a service, for those who may read its Secret."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairlead.api.failure_class import FailureClass
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest, Ref
from fairlead.local.errors import LocalError, refusal
from fairlead.remote.client import Client
from fairlead.remote.state import mapping
from fairlead.remote.targets import Target

PRIMARY, SECONDARY = "primaryKey", "secondaryKey"  # as the operator names them
MAX_KEY_CHARS = 4096


@dataclass(frozen=True)
class Keys:
    """One of them may be empty, or not fit to be sent: then it is empty here."""

    primary: str
    secondary: str

    @property
    def any(self) -> str:
        """One that opens the service."""
        return self.primary or self.secondary


def authenticated(spec: Mapping[str, Any]) -> bool:
    """Whether a service asks for a key; v1's ACI did not, of itself."""
    auth = mapping(spec.get("auth"))
    return bool(auth.get("enabled", spec.get("computeType") != "ACI"))


def secret_ref(target: Target) -> Ref:
    return Ref("v1", "secrets", target.namespace, f"{target.name}-fairlead-keys")


def read_keys(client: Client, target: Target) -> Keys:
    """Raises ``LocalError`` (KeysUnreadable) where they are not there, or not for this person."""
    ref = secret_ref(target)
    try:
        secret = client.get(ref)
    except LocalError as error:
        if error.finding.reason != Reason.FORBIDDEN:
            raise
        message = f"You may not read Secret '{ref.name}', which has the keys of '{target.name}'."
        remedy = "Ask for a key, and give it: --key, or the variable FAIRLEAD_KEY."
        raise unreadable(message, remedy) from error
    if secret is None:
        message = f"Secret '{ref.name}' with the keys of '{target.name}' is not there (yet)."
        raise unreadable(message, f"See: fairlead describe {target.name}.")
    return keys_of(secret, ref.name)


def keys_of(secret: Manifest, name: str) -> Keys:
    """Raises ``LocalError`` for a Secret of another shape."""
    data = mapping(secret.get("data"))
    primary, secondary = (_text(data.get(one)) for one in (PRIMARY, SECONDARY))
    if not primary and not secondary:
        message = f"Secret '{name}' has neither {PRIMARY} nor {SECONDARY}, as a text of one line."
        raise unreadable(message, "Delete it: the operator makes it again, with new keys.")
    return Keys(primary, secondary)


def _text(content: object) -> str:
    """A key that can stand in a header; empty for anything else."""
    try:
        text = base64.b64decode(str(content or ""), validate=True).decode("ascii").strip()
    except (ValueError, binascii.Error):
        return ""
    return text if fits_header(text) else ""


def checked_key(given: str) -> str:
    """One that a person has given. Raises ``LocalError``, which does not repeat it."""
    key = given.strip()
    if fits_header(key):
        return key
    message = f"A key has 1 to {MAX_KEY_CHARS} printable ASCII characters: this one has others."
    raise refusal(Reason.INVALID_SPEC, message, "Correct --key, or the variable FAIRLEAD_KEY.")


def fits_header(text: str) -> bool:
    return 0 < len(text) <= MAX_KEY_CHARS and text.isascii() and text.isprintable()


def unreadable(message: str, remedy: str) -> LocalError:
    return refusal(Reason.KEYS_UNREADABLE, message, remedy, FailureClass.AUTH)
