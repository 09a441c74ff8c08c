"""The two keys of a service: in its Secret, which the operator makes."""

import base64
import binascii
import secrets
import time

from fairlead.azureml.exceptions import InvalidConfigurationError, WebserviceException
from fairlead.azureml.objects import Objects, plain
from fairlead.azureml.status import mapping

PRIMARY, SECONDARY = "primaryKey", "secondaryKey"  # as the operator names them
KEY_BYTES = 24
SECRET_TIMEOUT_S = 120.0  # seconds until the operator has made it
POLL_S = 1.0
MAX_KEY_CHARS = 1024


def read_keys(objects: Objects, service: str) -> tuple[str, str]:
    """Raises ``WebserviceException`` where they are not there."""
    secret = objects.get(plain(objects, "Secret", _name(service)))
    data = mapping((secret or {}).get("data"))
    found = (_text(data.get(PRIMARY)), _text(data.get(SECONDARY)))
    if not all(found):
        raise WebserviceException(
            f"The service '{service}' has no keys: Secret '{_name(service)}' is not there. Keys "
            "are made where auth_enabled is True."
        )
    return found


def set_keys(objects: Objects, service: str, primary: str, secondary: str | None) -> None:
    """Once the operator has made the Secret. Raises ``WebserviceException``."""
    for key in filter(None, (primary, secondary)):
        _check(key)
    deadline = time.monotonic() + SECRET_TIMEOUT_S
    while objects.get(plain(objects, "Secret", _name(service))) is None:
        if time.monotonic() >= deadline:
            raise WebserviceException(
                f"Secret '{_name(service)}' was not made in {SECRET_TIMEOUT_S:.0f} seconds: the "
                "keys are not set. Set them with service.regen_key."
            )
        time.sleep(POLL_S)
    keys = {PRIMARY: primary, **({SECONDARY: secondary} if secondary else {})}
    _write(objects, service, keys)


def replace_key(objects: Objects, service: str, key: str, value: str | None) -> str:
    """``key``: Primary or Secondary, in whichever case. Return the new one, once it is valid.

    Raises ``WebserviceException``.
    """
    if not key:
        raise InvalidConfigurationError(
            "Error, must specify which key with be regenerated: Primary, Secondary"
        )
    which = key.capitalize()
    if which not in ("Primary", "Secondary"):
        raise InvalidConfigurationError(f"Error, invalid value provided for key: {key}.")
    new = value or secrets.token_urlsafe(KEY_BYTES)
    _check(new)
    objects.replace_key(service, new, primary=which == "Primary")
    return new


def _write(objects: Objects, service: str, keys: dict[str, str]) -> None:
    data = {name: base64.b64encode(key.encode()).decode() for name, key in keys.items()}
    objects.merge(plain(objects, "Secret", _name(service)), {"data": data})


def _name(service: str) -> str:
    return f"{service}-fairlead-keys"


def _check(key: str) -> None:
    if not (
        key.isascii() and key.isprintable() and key.strip() == key and len(key) <= MAX_KEY_CHARS
    ):
        raise InvalidConfigurationError(
            "A key has printable ASCII characters alone, and no blank at either end: it stands in "
            "a header."
        )


def _text(content: object) -> str:
    try:
        return base64.b64decode(str(content or ""), validate=True).decode("ascii").strip()
    except (ValueError, binascii.Error):
        return ""
