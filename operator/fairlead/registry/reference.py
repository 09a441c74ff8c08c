"""Names of images: which registry, which repository, which tag or digest.

The grammar is Docker's (https://pkg.go.dev/github.com/distribution/reference): what has no host
lies on Docker Hub, there in ``library/`` unless it has a folder, and has the tag ``latest`` unless
it names another or a digest.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

DOCKER_HUB = "docker.io"
HUB_NAMES = {DOCKER_HUB, "index.docker.io", "registry-1.docker.io"}
_HUB_ENDPOINT = "registry-1.docker.io"

_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
)
_PATH = re.compile(
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_MAX_REFERENCE_CHARS = 512
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class InvalidReferenceError(ValueError):
    """Not the name of an image."""


@dataclass(frozen=True)
class Repository:
    """``localhost:5000/team/credit``: the registry as people name it, and the path on it."""

    registry: str
    path: str

    def __str__(self) -> str:
        return f"{self.registry}/{self.path}"


@dataclass(frozen=True)
class Reference:
    """An image in a repository; where both are given the digest decides."""

    repository: Repository
    tag: str | None = None
    digest: str | None = None

    @property
    def wanted(self) -> str:
        """What to ask the registry for."""
        return self.digest or self.tag or "latest"

    def __str__(self) -> str:
        return f"{self.repository}{'@' if self.digest else ':'}{self.wanted}"


def parse_reference(text: str) -> Reference:
    """Parse ``python:3.11-slim``, ``localhost:5000/team/x:1`` or ``registry/x@sha256:…``.

    Raises ``InvalidReferenceError``.
    """
    rest, _, digest = text.partition("@")
    name, tag = _split_tag(rest)
    if digest and not _DIGEST.fullmatch(digest):
        raise InvalidReferenceError(f"{text!r}: the digest must be sha256: and 64 hex digits")
    if tag is not None and not _TAG.fullmatch(tag):
        raise InvalidReferenceError(f"{text!r}: {tag!r} is not a tag")
    if tag is None and not digest:
        tag = "latest"
    return Reference(parse_repository(name), tag, digest or None)


def parse_repository(text: str) -> Repository:
    """Parse the name of a repository, without a tag. Raises ``InvalidReferenceError``."""
    first, slash, rest = text.partition("/")
    registry, path = (first, rest) if slash and _is_host(first) else (DOCKER_HUB, text)
    if registry in HUB_NAMES:
        registry, path = DOCKER_HUB, path if "/" in path else f"library/{path}"
    if (
        not _HOST.fullmatch(registry)
        or not _PATH.fullmatch(path)
        or len(text) > _MAX_REFERENCE_CHARS
    ):
        raise InvalidReferenceError(f"{text!r} is not the name of an image repository")
    return Repository(registry, path)


def is_tag(text: str) -> bool:
    return _TAG.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    return _DIGEST.fullmatch(text) is not None


def endpoint(registry: str, insecure_hosts: Iterable[str]) -> str:
    """Return the address of a registry's API: https, or http on the loopback and where allowed."""
    host = _HUB_ENDPOINT if registry == DOCKER_HUB else registry
    return f"{'http' if is_plain(registry, insecure_hosts) else 'https'}://{host}"


def is_plain(registry: str, insecure_hosts: Iterable[str]) -> bool:
    """Whether a registry is spoken to without TLS."""
    host = host_of(registry)
    return is_loopback(host) or not {host, registry}.isdisjoint(insecure_hosts)


def host_of(registry: str) -> str:
    """The host name of ``host``, ``host:port`` or ``[address]:port``."""
    if registry.startswith("["):
        return registry[1:].partition("]")[0]
    return registry.partition(":")[0]


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def as_pushed(image: str, registry: str, push_registry: str) -> str:
    """Return ``image`` under the name by which tasks reach our own registry.

    Users know it as the nodes do (``FAIRLEAD_REGISTRY``); tasks may have to use another name.
    """
    prefix = f"{registry}/"
    return f"{push_registry}/{image.removeprefix(prefix)}" if image.startswith(prefix) else image


def _split_tag(text: str) -> tuple[str, str | None]:
    """A colon after the last slash parts the tag; one before it belongs to a port."""
    name, colon, tag = text.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (text, None)


def _is_host(text: str) -> bool:
    """Whether the part before the first slash is a registry, and not a folder on Docker Hub."""
    return text == "localhost" or "." in text or ":" in text or text != text.lower()
