"""An environment image in the registry, as the tasks that need one look for it."""

import json
from dataclasses import dataclass

from fairlead.images.recipe import PYTHON_LABEL
from fairlead.registry.reference import Repository
from fairlead.registry.client import Registry
from fairlead.registry.errors import NotInRegistryError


@dataclass(frozen=True)
class EnvironmentImage:
    """``python``: ``3.11.2``."""

    digest: str
    python: str


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
    config = json.loads(registry.blob(environments, manifest.config.digest))
    python = ((config.get("config") or {}).get("Labels") or {}).get(PYTHON_LABEL)
    return EnvironmentImage(described.digest, python) if python else None
