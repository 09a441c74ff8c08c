"""A failed build: what it printed, and one row of the tables that explain it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
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
    engine: str = "docker"

    @property
    def text(self) -> str:
        return "\n".join((*self.lines, self.error))


@dataclass(frozen=True)
class Case:
    """An output in which a pattern was found, and what was to be built."""

    output: BuildOutput
    recipe: EnvironmentRecipe
    match: re.Match[str]


EXEC_FORMAT_ERROR = "exec format error"  # the kernel's words: a program for another platform
RETRIED = "It is tried again."
ENGINE_WORDS: Mapping[str, Facts] = {
    "docker": {
        "disk": "the disk of Docker Engine",
        "room": "Make room: `docker system df` tells what takes it.",
        "memory": "give Docker Engine more memory, and delete and create the InferenceImage",
    },
    "machine": {
        "disk": "the disk of this machine",
        "room": "Make room.",
        "memory": "end other programs, and try again",
    },
    "pod": {
        "disk": "the disk of the node where it is built",
        "room": "Make room on the node.",
        "memory": "raise spec.build.resources.limits.memory",
    },
    "buildkit": {
        "disk": "the disk of the node where it is built",
        "room": "Make room on the node.",
        "memory": "raise spec.build.resources.limits.memory",
    },
}
"""What a message says of the place where an engine works."""


def no_facts(_: Case) -> Facts:
    """The groups of the pattern are enough."""
    return {}


@dataclass(frozen=True)
class Row:
    """``message`` and ``remedy`` may use the groups of ``pattern`` and what ``facts`` adds.

    ``facts`` returning None: the pattern fits, and yet this is not the cause.
    """

    phases: tuple[Phase, ...]
    pattern: re.Pattern[str]
    reason: Reason
    class_: FailureClass
    message: str
    remedy: str
    retryable: bool = False
    facts: Callable[[Case], Facts | None] = no_facts


def line(pattern: str) -> re.Pattern[str]:
    """``^`` and ``$`` mean a line of the output."""
    return re.compile(pattern, re.MULTILINE)
