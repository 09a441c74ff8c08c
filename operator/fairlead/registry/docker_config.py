"""Docker config files: which credentials they hold for which registry. Pure.

The rules are Kubernetes' own (https://kubernetes.io/docs/concepts/containers/images/#config-json),
for the same Secrets are read by the kubelet: an entry may have a scheme, a port, a path, and ``*``
in the parts of its host; the most specific one counts.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic_core import from_json

from fairlead.redact import one_line
from fairlead.registry.reference import DOCKER_HUB, HUB_NAMES, Repository

MAX_ENTRY_CHARS = 512
API_VERSIONS = ("v1", "v2")  # the path of https://index.docker.io/v1/ names no repository
DEFAULT_PORT = "443"
NO_HELPERS = "It names a credential helper, and none is run here."


class DockerConfigError(ValueError):
    """No config that can be read; the text says why, and repeats nothing that may be secret."""


@dataclass(frozen=True)
class Credential:
    """What to log in to a registry with; ``source`` and ``entry`` say where it stands."""

    source: str = ""
    entry: str = ""
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    @property
    def words(self) -> str:
        """How people know it."""
        return f"{self.source} (its entry {self.entry})"

    @property
    def basic(self) -> str | None:
        """The header of HTTP's Basic scheme; None without a user name."""
        if not self.username:
            return None
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"


def credentials_for(content: bytes, source: str, repository: Repository) -> list[Credential]:
    """The credentials that a config file holds for a repository, the most specific first.

    Raises ``DockerConfigError``. Entries for other registries are not looked at.
    """
    found = {
        entry: value for entry, value in _entries(content).items() if len(entry) <= MAX_ENTRY_CHARS
    }
    fitting = [entry for entry in found if _fits(entry, repository)]
    fitting.sort(key=_specificity, reverse=True)
    return [_credential(entry, found[entry], source) for entry in fitting]


def _entries(content: bytes) -> Mapping[str, object]:
    try:
        config = from_json(content)
    except ValueError as error:
        raise DockerConfigError("It is not JSON.") from error
    if not isinstance(config, dict):
        raise DockerConfigError("It is no JSON object with 'auths'.")
    auths = config.get("auths")
    if isinstance(auths, dict) and auths:
        return auths
    if config.get("credsStore") or config.get("credHelpers"):
        raise DockerConfigError(NO_HELPERS)
    if auths is None and config:
        raise DockerConfigError("It has no 'auths': it is no Docker config.")
    return {}


def _credential(entry: str, value: object, source: str) -> Credential:
    shown = one_line(entry)
    if not isinstance(value, dict):
        raise DockerConfigError(f"Its entry {shown} is no object.")
    texts = {name: str(given) for name, given in value.items() if isinstance(given, str)}
    username, password = texts.get("username", ""), texts.get("password", "")
    if texts.get("auth"):
        username, password = _decoded(texts["auth"], shown)
    credential = Credential(
        source=source,
        entry=shown,
        username=username,
        password=password,
        identity_token=texts.get("identitytoken", ""),
        registry_token=texts.get("registrytoken", ""),
    )
    if not (username or credential.identity_token or credential.registry_token):
        raise DockerConfigError(
            f"Its entry {shown} holds neither 'auth' nor 'username' nor a token."
        )
    return credential


def _decoded(auth: str, entry: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(auth.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    username, colon, password = text.partition(":")
    if not colon or not username:
        raise DockerConfigError(
            f"The 'auth' of its entry {entry} is not the base64 of a user name, a colon and a word."
        )
    return username, password.rstrip("\0")


def _fits(entry: str, repository: Repository) -> bool:
    host, port, path = _parts(entry)
    wanted_host, wanted_port, _ = _parts(repository.registry)
    return (
        _host_fits(host, wanted_host)
        and port == wanted_port
        and (not path or f"{repository.path}/".startswith(f"{path}/"))
    )


def _host_fits(host: str, wanted: str) -> bool:
    parts, others = host.split("."), wanted.split(".")
    return len(parts) == len(others) and all(map(_part_fits, parts, others))


def _part_fits(part: str, wanted: str) -> bool:
    before, star, after = part.partition("*")
    if not star:
        return part == wanted
    rest = wanted.removeprefix(before)
    return wanted.startswith(before) and rest.endswith(after) and "*" not in after


def _parts(entry: str) -> tuple[str, str, str]:
    """Host, port and path of an entry; one name for Docker Hub, whatever it is called."""
    rest = entry.strip().partition("://")[2] or entry.strip()
    place, _, path = rest.partition("/")
    host, port = _host_and_port(place.lower())
    first, _, others = path.strip("/").partition("/")
    path = others if first in API_VERSIONS else path.strip("/")
    host = DOCKER_HUB if host in HUB_NAMES else host
    return host, "" if port == DEFAULT_PORT else port, path


def _host_and_port(place: str) -> tuple[str, str]:
    if place.startswith("["):
        host, _, port = place[1:].partition("]")
        return host, port.removeprefix(":")
    host, _, port = place.partition(":")
    return host, port


def _specificity(entry: str) -> tuple[int, bool, int]:
    host, _, path = _parts(entry)
    return len(path), "*" not in host, len(host)
