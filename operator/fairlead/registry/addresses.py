"""Which addresses a task may connect to: one rule for models, registries and whatever they name.

A task runs next to the operator, or in a tenant's namespace: it must not become the way by which
the author of a manifest, or a server that a manifest names, reads what only that place can reach
(SSRF). Every connection is looked at, not only the first: redirects, token issuers, pages and
upload locations are named by the server. Only the operator's settings make an exception; what a
field of an object names never does.
"""

import ipaddress
import socket
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from fairlead.registry.reference import InvalidReferenceError, is_loopback, parse_reference
from fairlead.settings import Settings, pairs

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_PORT = 65535

# What ``ipaddress`` does not call loopback, link-local, multicast, unspecified or reserved.
_FORBIDDEN_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",  # this machine, to Linux
        "168.63.129.16/32",  # Azure: the virtual machine agent
        "100.100.100.200/32",  # Alibaba Cloud's metadata
        "192.0.0.192/32",  # Oracle Cloud's metadata
        "fec0::/10",  # site-local: the link-local of old
        "fd00:ec2::/32",  # AWS: metadata, credentials of containers, name servers
        "fd20:ce::254/128",  # Google Cloud's metadata
        "fd00:c1::a9fe:a9fe/128",  # Oracle Cloud's metadata
        "fd00:42::42/128",  # Scaleway's metadata
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # an IPv4 address in the last 32 bits
_METADATA_NAMES = frozenset(
    {
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "instance-data",
        "instance-data.ec2.internal",
        "metadata.tencentyun.com",
    }
)
_API_SERVER_NAMES = frozenset({"kubernetes", "kubernetes.default", "kubernetes.default.svc"})


class AddressRefusedError(Exception):
    """Nothing was sent there. The text completes the address: "is at 127.0.0.1, …".

    ``host`` is ``host:port``. ``remedy`` never says how to make an exception: who may make one
    knows. ``lasting``: no name server can make it right.
    """

    def __init__(self, host: str, why: str, remedy: str, *, lasting: bool) -> None:
        super().__init__(why)
        self.host = host
        self.remedy = remedy
        self.lasting = lasting


@dataclass(frozen=True)
class NamedHosts:
    """The hosts that the operator's settings name: ``(host, port)``, without a port for any.

    ``insecure`` may be spoken to without TLS too.
    """

    insecure: frozenset[tuple[str, int | None]] = frozenset()
    others: frozenset[tuple[str, int | None]] = frozenset()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        named = {settings.registry, settings.push_registry, *_images(settings.default_base_image)}
        others = {pair for registry in named for pair in _ports_of(registry)}
        others |= _index(settings.package_index)
        for mirror in pairs(settings.conda_mirrors).values():
            others |= _index(mirror)
        return cls.insecurely(settings.insecure_hosts, others)

    @classmethod
    def insecurely(
        cls, hosts: Collection[str], others: Collection[tuple[str, int | None]] = ()
    ) -> Self:
        """``hosts`` as FAIRLEAD_INSECURE_HOSTS names them: ``host`` or ``host:port``."""
        return cls(frozenset(map(_host_and_port, hosts)), frozenset(others))

    def names(self, host: str, port: int) -> bool:
        """Whether they name this host: then it may have any address."""
        return self.allows_plain(host, port) or bool(_asked(host, port) & self.others)

    def allows_plain(self, host: str, port: int) -> bool:
        """Whether they let this host be spoken to without TLS."""
        return bool(_asked(host, port) & self.insecure)


def check_protection(scheme: str, host: str, port: int, named: NamedHosts) -> None:
    """Refuse what is not protected by TLS, but on the loopback (which has to be named to be
    reached at all) and where the settings allow it. Raises ``AddressRefusedError``."""
    if scheme == "http" and not is_loopback(host) and not named.allows_plain(host, port):
        raise not_protected(host, port)


def not_protected(host: str, port: int) -> AddressRefusedError:
    remedy = "Use https. If the host is inside your network, ask whoever runs Fairlead."
    where = shown(host, port)
    return AddressRefusedError(where, "is not protected by TLS", remedy, lasting=True)


def connectable(host: str, port: int, named: NamedHosts) -> list[str]:
    """Resolve a host, once, and return its addresses: whoever connects uses these, not the name.

    A name that stands for a forbidden address among others is refused whole. Raises
    ``AddressRefusedError``, or ``OSError`` where the name has no address.
    """
    if not named.names(host, port):
        _check_name(host, port)
    addresses = _resolved(host, port)
    bad = next((address for address in addresses if is_forbidden(address)), None)
    if bad is not None and not named.names(host, port):
        raise _refused(
            host,
            port,
            f"is at {bad}, an address that only the operator's own machine, its network link or "
            "its cloud uses",
            lasting=is_address(host),
        )
    return addresses


def check_beyond_proxy(host: str, port: int, named: NamedHosts) -> None:
    """Refuse a host that a proxy is to be asked for, as far as it can be told from here.

    The proxy resolves the name: one that we cannot resolve is left to it. Raises
    ``AddressRefusedError``.
    """
    try:
        connectable(host, port, named)
    except OSError:
        return


def is_forbidden(address: str) -> bool:
    """Whether an IP address is one that only this machine, its link or its cloud can reach."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return any(_is_forbidden(meant) for meant in _meanings(ip))


def is_address(host: str) -> bool:
    """Whether a host is an IP address, in any of the forms that the system reads, or localhost."""
    try:
        socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return is_loopback(host)
    return True


def _is_forbidden(ip: IP) -> bool:
    return (
        ip.is_loopback
        or ip.is_link_local
        or ip.is_multicast
        or ip.is_unspecified
        or ip.is_reserved
        or any(ip in network for network in _FORBIDDEN_NETWORKS)
    )


def _meanings(ip: IP) -> Iterator[IP]:
    """An address, and the IPv4 addresses that it leads to where it is one of IPv6."""
    if not isinstance(ip, ipaddress.IPv6Address):
        yield ip
    elif ip.ipv4_mapped is not None:
        yield ip.ipv4_mapped
    elif ip in _NAT64:
        yield ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    else:
        yield ip
        yield from filter(None, (ip.sixtofour, *(ip.teredo or ())))


def _check_name(host: str, port: int) -> None:
    name = _canonical(host)
    if name in _METADATA_NAMES:
        raise _refused(host, port, "is a name of the cloud's metadata service", lasting=True)
    if name in _API_SERVER_NAMES or name.startswith("kubernetes.default.svc."):
        raise _refused(host, port, "is the cluster's own API server", lasting=True)


def _refused(host: str, port: int, why: str, *, lasting: bool) -> AddressRefusedError:
    remedy = (
        "Use a host that others can reach too: what an object names never leads to such a place."
    )
    return AddressRefusedError(shown(host, port), why, remedy, lasting=lasting)


def _resolved(host: str, port: int) -> list[str]:
    if not 0 < port <= MAX_PORT:
        raise OSError(f"{port} is no port")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # an empty label, or one of more than 63 characters
        raise OSError("not the name of a host") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _canonical(host: str) -> str:
    return host.lower().rstrip(".").strip("[]")


def _asked(host: str, port: int) -> set[tuple[str, int | None]]:
    return {(_canonical(host), port), (_canonical(host), None)}


def shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _host_and_port(text: str) -> tuple[str, int | None]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or (":" in host and not host.startswith("[")):
        return _canonical(text), None
    return _canonical(host), int(port)


def _ports_of(registry: str) -> Iterator[tuple[str, int | None]]:
    """A registry as the settings name it; without a port it is on that of https or of http."""
    host, port = _host_and_port(registry.partition("/")[0])
    for one in DEFAULT_PORTS.values() if port is None else (port,):
        yield host, one


def _images(reference: str) -> set[str]:
    try:
        return {parse_reference(reference).repository.registry}
    except InvalidReferenceError:
        return set()


def _index(address: str) -> set[tuple[str, int | None]]:
    try:
        parts = urlsplit(address)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:  # pip will say so
        return set()
    return {(_canonical(parts.hostname), port)} if parts.hostname and port else set()
