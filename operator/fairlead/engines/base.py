"""What every engine does: take a plan, make the image of its environment, and say how it went."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import certifi

from fairlead.contract import EnvironmentRecipe
from fairlead.diagnosis.build.base_python import BasePython
from fairlead.diagnosis.build.output import BuildOutput
from fairlead.engines.index_proxy import IndexAccess
from fairlead.registry.reference import Repository


class Log(Protocol):
    """Where an engine tells what it does, as it does it."""

    def phase(self, name: str) -> None: ...
    def write(self, text: str) -> None: ...


@dataclass(frozen=True)
class BuildPlan:
    """Everything that decides a build. ``base`` is on the registry that the engine reaches, and the
    image is pushed as ``<environments>:<hash>``."""

    recipe: EnvironmentRecipe
    base: Repository
    base_digest: str
    environments: Repository
    hash: str
    package_index: str
    insecure_hosts: tuple[str, ...]
    ca_bundle: Path | None
    docker_config: Path | None = None
    """Credentials for what the engine itself pulls and pushes; no build sees them."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Those of the source that the steps copy."""
    local: Mapping[str, bytes] = field(default_factory=dict)
    """Those that pip installs from."""
    linked: Path | None = None
    """A tar of the environment as it was linked, at its final path: pip installs into it."""
    explicit: tuple[str, ...] = ()
    """What is in it: the address and the checksum of each package."""
    indexes: IndexAccess | None = None
    """How the indexes are reached that want credentials; no build sees those."""


def certificates(plan: BuildPlan) -> bytes:
    """All that pip should trust: with a bundle of its own it trusts nothing else."""
    if plan.ca_bundle is None:
        return b""
    return b"\n".join((plan.ca_bundle.read_bytes(), Path(certifi.where()).read_bytes()))


class EngineUnreachableError(Exception):
    """The engine does not answer; the text says which and what to do."""


class BuildFailedError(Exception):
    """The engine worked, and the build did not."""

    def __init__(self, output: BuildOutput) -> None:
        super().__init__(output.error)
        self.output = output


class BaseUnfitError(Exception):
    """No layer can be put on the base image; the text says why."""


NEITHER = "it has no python3, and no glibc, which conda's packages need"


class StepRefusedError(Exception):
    """A line of ``Dockerfile.steps`` that the engine cannot carry out; the text says why."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class Engine(Protocol):
    """Each method raises ``EngineUnreachableError``, ``BuildFailedError``, ``StepRefusedError``,
    ``BaseUnfitError`` or ``EnvironmentUnfitError``, and leaves nothing running when it ends,
    whatever ends it."""

    def prepare(self, plan: BuildPlan, log: Log) -> BasePython | None:
        """Fetch the base image, run the steps on it, and return its Python; None if it has none."""
        ...

    def build(
        self, plan: BuildPlan, python: BasePython, log: Log, before_push: Callable[[], None]
    ) -> str:
        """Install the packages, push the image, and return its digest.

        Whoever finds the image may use it: what belongs beside it is stored ``before_push``.
        """
        ...

    def close(self) -> None:
        """The build is over, or was not needed."""
        ...
