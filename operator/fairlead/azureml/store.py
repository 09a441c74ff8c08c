"""Where a workspace keeps what is registered: a namespace of a cluster, or this machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

Versions = Mapping[str, Mapping[str, Any]]
"""An environment's contents, by version."""


@dataclass(frozen=True)
class Registration:
    """What a model is registered with: ``path``, a file or a folder of this machine, or ``uri``."""

    name: str
    path: Path | None = None
    uri: str | None = None
    framework: str | None = None
    framework_version: str | None = None
    description: str | None = None
    tags: Mapping[str, str] | None = None
    properties: Mapping[str, str] | None = None


@dataclass(frozen=True)
class ModelRecord:
    """One version. ``resource`` is the object's name in a cluster; ``path`` is where the one file
    or folder lies on this machine, where it does."""

    name: str
    version: int
    resource: str
    created_at: datetime | None = None
    path: Path | None = None
    framework: str | None = None
    framework_version: str | None = None
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)


class Store(Protocol):
    """All of it raises ``WebserviceException``."""

    def register(self, wanted: Registration) -> ModelRecord:
        """Make the next version; the same content makes none."""
        ...

    def models(self) -> Sequence[ModelRecord]:
        """Every version, those of a name in their order."""
        ...

    def fetch(self, record: ModelRecord, folder: Path, *, replace: bool) -> Path:
        """Put the model's one file or folder into ``folder``, and return where it is; over what is
        there already only with ``replace``."""
        ...

    def describe(
        self, record: ModelRecord, tags: Mapping[str, str], properties: Mapping[str, str], text: str
    ) -> None:
        """Change what is said of the model, which changes no version; ``text`` describes it."""
        ...

    def forget(self, record: ModelRecord, *, whole: bool) -> None:
        """Remove the version; all of the model with ``whole``, where it has no versions apart."""
        ...

    def environments(self) -> Mapping[str, Versions]: ...

    def keep_environment(self, name: str, version: str, content: Mapping[str, Any]) -> None: ...
