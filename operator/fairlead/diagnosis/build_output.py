"""What a build leaves to be explained: how far it came, what it printed, how it ended."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fairlead.contract import EnvironmentRecipe

Facts = Mapping[str, str]


class Phase(StrEnum):
    PULL = "pull"  # the base image
    STEPS = "steps"  # Dockerfile.steps
    PACKAGES = "packages"  # pip
    PUSH = "push"  # the environment image


@dataclass(frozen=True)
class BuildOutput:
    """A build that failed in ``phase``. ``error`` is the engine's own last word."""

    phase: Phase
    lines: Sequence[str] = ()
    error: str = ""

    @property
    def text(self) -> str:
        return "\n".join((*self.lines, self.error))


@dataclass(frozen=True)
class Case:
    """An output in which a pattern was found, and what was to be built."""

    output: BuildOutput
    recipe: EnvironmentRecipe
    match: re.Match[str]
