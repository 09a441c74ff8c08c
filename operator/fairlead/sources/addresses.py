"""What an address of a model may look like, checked on every hop before anything is sent. Pure.

Where it leads to once the name is resolved is ``registry/addresses.py``'s to judge.
"""

from urllib.parse import SplitResult, urljoin, urlsplit

from fairlead.api.reasons import Reason
from fairlead.redact import redacted
from fairlead.registry.addresses import (
    DEFAULT_PORTS,
    AddressRefusedError,
    NamedHosts,
    not_protected,
)
from fairlead.sources.base import SourceError

SCHEMES = ("https", "http")
MAX_ADDRESS_CHARS = 8192  # characters; where a redirect leads may be signed at length
CORRECT = "Correct spec.source.uri."
NO_SECRETS = "Take them out: an object's spec is no place for secrets."


def checked(uri: str, named: NamedHosts, via: str | None = None) -> str:
    """Return the host of an address that may be fetched from, else raise ``SourceError``.

    ``via`` is the address that led there by a redirect.
    """
    parts = split(uri, via)
    try:
        port = parts.port
    except ValueError as error:
        raise refused(uri, f"is no address ({error})", CORRECT, via) from error
    if not uri.isascii() or not uri.isprintable() or " " in uri or len(uri) > MAX_ADDRESS_CHARS:
        raise refused(uri, "is too long, or holds characters that no address may", CORRECT, via)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise refused(uri, "is not an https:// address", CORRECT, via)
    if parts.username is not None or parts.password is not None:
        raise refused(uri, "carries a user name or password", NO_SECRETS, via)
    if parts.scheme == "http" and not named.allows_plain(parts.hostname, port or 80):
        raise not_reached(uri, not_protected(parts.hostname, port or 80), via)
    return parts.hostname


def split(uri: str, via: str | None = None) -> SplitResult:
    """The parts of an address that anybody may have written. Raises ``SourceError``."""
    try:
        return urlsplit(uri)
    except ValueError as error:
        raise refused(uri, f"is no address ({error})", CORRECT, via) from error


def origin(uri: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port of an address that was checked."""
    parts = urlsplit(uri)
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)


def next_hop(uri: str, location: str) -> str:
    """Where a redirect leads. Raises ``SourceError``."""
    try:
        return urljoin(uri, location)
    except ValueError as error:
        raise refused(location, f"is no address ({error})", CORRECT, uri) from error


def not_reached(uri: str, error: AddressRefusedError, via: str | None) -> SourceError:
    """What the guard said of an address, in the user's words."""
    return refused(uri, str(error), error.remedy, via, retryable=not error.lasting)


def refused(
    uri: str, why: str, remedy: str, via: str | None = None, *, retryable: bool = False
) -> SourceError:
    what = f"{shown(via)} leads to {shown(uri)}, which" if via else shown(uri)
    reason = Reason.MODEL_SOURCE_REFUSED
    return SourceError(reason, f"{what} {why}.", remedy, retryable=retryable)


def shown(uri: str) -> str:
    """An address as it may be shown: without what makes it a key."""
    return redacted(uri)[:512]
