"""What an environment is asked to hold, with the lines that ask for it.

Readers of users' files find it, and requests of tasks carry it. Dataclasses, so that a process that
only reads a file imports no pydantic.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

_ON_THE_WIRE = {"extra": "forbid"}  # as `fairlead.api.wire` has it


@dataclass(frozen=True)
class Requirement:
    """One PEP 508 requirement (hashes may follow), or one of pip's options, and its line in the
    user's file. A path of the source begins with ``./``."""

    __pydantic_config__: ClassVar[Mapping[str, str]] = _ON_THE_WIRE

    text: str
    line: int
    file: str = ""
    """Where it stands in another file than the environment's own: that one's path."""


@dataclass(frozen=True)
class CondaRecipe:
    """What of an environment comes from conda's channels, with the lines of the user's file."""

    __pydantic_config__: ClassVar[Mapping[str, str]] = _ON_THE_WIRE

    channels: tuple[Requirement, ...]
    """Names or addresses, the first counts most; line 0: the settings name it."""
    packages: tuple[Requirement, ...] = ()
    """Match specs, Python and pip among them."""
    cuda: str = ""
    """The version of the CUDA driver to solve for; empty: none."""
