"""The Secret that a Model names for its source, as the kubelet mounts it: a file for each key."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.sources.base import SourceError

MAX_KEY_BYTES = 64 * 1024


@dataclass(frozen=True)
class SecretKeys:
    """The values of the keys that a kind of source knows; empty for no Secret."""

    values: Mapping[str, str]

    @classmethod
    def read(cls, folder: Path | None, known: tuple[str, ...], kind: str) -> "SecretKeys":
        """Read the ``known`` keys, and no others. Raises ``SourceError``."""
        if folder is None:
            return cls({})
        found = {name: value for name in known if (value := _value(folder / name, name))}
        if not found:
            raise invalid(
                f"has none of the keys that {kind} sources know: {', '.join(known)}",
                "Put the credentials under these keys, or leave spec.credentialsSecretRef out.",
            )
        return cls(found)

    def get(self, *names: str) -> str:
        """The value of the first of these keys that is there, else nothing."""
        return next((self.values[name] for name in names if name in self.values), "")


def invalid(why: str, remedy: str) -> SourceError:
    """The error for a Secret that cannot be used so."""
    return SourceError(
        Reason.CREDENTIALS_INVALID,
        f"The Secret of spec.credentialsSecretRef {why}.",
        remedy,
        FailureClass.AUTH,
        retryable=True,
    )


def endpoint(address: str, key: str) -> str:
    """The address of a server that the Secret names under a key. Raises ``SourceError``."""
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("https", "http") and parts.hostname and not parts.query
    except ValueError:
        good = False
    if not good or not address.isascii():
        raise invalid(f"names no https:// address under {key}", "Correct it.")
    return address.rstrip("/")


def _value(path: Path, name: str) -> str:
    """The value without blanks around it: a line end is easily put into a Secret."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_KEY_BYTES + 1)
        value = content.decode("utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise invalid(f"has a key {name} that cannot be read", "Correct the key.") from error
    if len(content) > MAX_KEY_BYTES:
        raise invalid(f"has a key {name} of more than {MAX_KEY_BYTES} bytes", "Correct the key.")
    return value
