"""Which addresses a model may come from. Pure.

A task runs next to the operator, or in a tenant's namespace: it must not become the way by which
the author of a manifest reads what only that place can reach (SSRF). So the scheme is checked on
every hop, and the address that was really connected to: a name may stand for another address the
next time it is asked for.
"""

import ipaddress
from collections.abc import Collection
from urllib.parse import urljoin, urlsplit

from fairlead.api.reasons import Reason
from fairlead.redact import redacted
from fairlead.sources.base import SourceError

SCHEMES = ("https", "http")
MAX_ADDRESS_CHARS = 8192  # characters; where a redirect leads may be signed at length
CORRECT = "Correct spec.source.uri."
NO_SECRETS = "Take them out: an object's spec is no place for secrets."
# Where clouds answer their machines' questions although the address is not link-local: Azure's
# virtual machine agent, Alibaba, AWS by IPv6.
METADATA = frozenset(
    ipaddress.ip_address(address)
    for address in ("168.63.129.16", "100.100.100.200", "fd00:ec2::254")
)
_INSIDE_IPV4 = (ipaddress.ip_network("64:ff9b::/96"),)  # NAT64: an IPv4 address in its last 32 bits


def checked(uri: str, insecure_hosts: Collection[str], via: str | None = None) -> str:
    """Return the host of an address that may be fetched from, else raise ``SourceError``.

    ``via`` is the address that led there by a redirect.
    """
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as error:
        raise refused(uri, f"is no address ({error})", CORRECT, via) from error
    if not uri.isascii() or not uri.isprintable() or " " in uri or len(uri) > MAX_ADDRESS_CHARS:
        raise refused(uri, "is too long, or holds characters that no address may", CORRECT, via)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise refused(uri, "is not an https:// address", CORRECT, via)
    if parts.username is not None or parts.password is not None:
        raise refused(uri, "carries a user name or password", NO_SECRETS, via)
    if parts.scheme == "http" and not allowed(parts.hostname, port or 80, insecure_hosts):
        remedy = f"Use https, or add {parts.hostname} to FAIRLEAD_INSECURE_HOSTS of the operator."
        raise refused(uri, "is not protected by TLS", remedy, via)
    return parts.hostname


def allowed(host: str, port: int, insecure_hosts: Collection[str]) -> bool:
    """Whether the settings allow a host to be spoken to without TLS and on any address."""
    named = f"[{host}]" if ":" in host else host
    return not {host, named, f"{named}:{port}"}.isdisjoint(insecure_hosts)


def is_forbidden(address: str) -> bool:
    """Whether an IP address is one that only this machine, its link or its cloud can reach."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        ip = _inner(ip)
    return (
        ip.is_loopback
        or ip.is_link_local
        or ip.is_multicast
        or ip.is_unspecified
        or ip.is_reserved
        or ip in METADATA
    )


def next_hop(uri: str, location: str) -> str:
    """Where a redirect leads. Raises ``SourceError``."""
    try:
        return urljoin(uri, location)
    except ValueError as error:
        raise refused(location, f"is no address ({error})", CORRECT, uri) from error


def refused(uri: str, why: str, remedy: str, via: str | None = None) -> SourceError:
    what = f"{shown(via)} leads to {shown(uri)}, which" if via else shown(uri)
    return SourceError(Reason.MODEL_SOURCE_REFUSED, f"{what} {why}.", remedy)


def shown(uri: str) -> str:
    """An address as it may be shown: without what makes it a key."""
    return redacted(uri)[:512]


def _inner(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if any(ip in network for network in _INSIDE_IPV4):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
