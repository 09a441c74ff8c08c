"""Images in the registry as tasks look for them: environments by hash, versions by tag."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fairlead.images.environment_labels import FRONT_LABEL, LIBC_LABEL, PYTHON_LABEL
from fairlead.registry.client import Registry
from fairlead.registry.errors import NotInRegistryError
from fairlead.registry.reference import Repository


@dataclass(frozen=True)
class EnvironmentImage:
    """``python``: ``3.11.2``."""

    digest: str
    python: str


@dataclass(frozen=True)
class Pythons:
    """The Python of an environment, ``3.6.15``, and one of its base image that the server can run
    on, ``3.11.2`` at ``path``, where it says of one. ``musl``: it has no glibc."""

    environment: str
    server: str | None = None
    path: str = ""
    musl: bool = False


def pythons_of(environment: str, labels: Mapping[str, str]) -> Pythons:
    """``labels`` are those of the environment's image."""
    found, musl = _FRONT.fullmatch(labels.get(FRONT_LABEL, "")), labels.get(LIBC_LABEL) == "musl"
    if found is None:
        return Pythons(environment, musl=musl)
    return Pythons(environment, found[1], found[2], musl)


def find_environment(
    registry: Registry, environments: Repository, hash_: str
) -> EnvironmentImage | None:
    """Return the environment with that hash; None where it is not there, or not one of ours.

    Raises ``RegistryError``.
    """
    try:
        manifest, described = registry.manifest(environments, hash_)
    except NotInRegistryError:
        return None
    python = registry.config(environments, manifest).config.labels.get(PYTHON_LABEL, "")
    return EnvironmentImage(described.digest, python) if _PYTHON.fullmatch(python) else None


_FRONT = re.compile(r"([0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}) (/[A-Za-z0-9._/-]{1,200})")
_PYTHON = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}")
# Far below the highest version that status can hold: whoever pushes such a tag by hand leaves room.
_NUMBER = re.compile(r"[1-9][0-9]{0,7}")
_LOG = re.compile(r"log-([1-9][0-9]{0,7})-([1-9][0-9]{0,7})")


def version_of(tag: str) -> int | None:
    """The version that a tag is; None for any other tag."""
    return int(tag) if _NUMBER.fullmatch(tag) else None


def version_of_log(tag: str) -> int | None:
    """The version whose build a log tag speaks of; None for any other tag."""
    build = build_of_log(tag)
    return build[0] if build else None


def build_of_log(tag: str) -> tuple[int, int] | None:
    """The version and the attempt of the build that a log tag speaks of; None for any other tag."""
    found = _LOG.fullmatch(tag)
    return (int(found[1]), int(found[2])) if found else None
