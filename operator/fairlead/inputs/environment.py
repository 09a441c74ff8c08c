"""The environment as the user writes it, read into what a recipe holds, or refused as a whole."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fairlead.api.reasons import Reason
from fairlead.finding import Finding, Problem, combine
from fairlead.inputs.reading import Include, Reading
from fairlead.inputs.source_file import read_text
from fairlead.requirement import CondaRecipe, Requirement

MAX_FILE_BYTES = 128 * 1024


@dataclass(frozen=True)
class Environment:
    """``python`` as `fairlead.inputs.python_version` has it; lines are those of the file."""

    python: str | None = None
    python_line: int | None = None
    requirements: tuple[Requirement, ...] = ()
    conda: CondaRecipe | None = None
    """Of a conda file; among its channels ``defaults`` stands for those of the settings."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """That the file sets in the environment."""
    options: tuple[Requirement, ...] = ()
    """pip's, each as ``--name`` or ``--name value``."""
    constraints: tuple[Requirement, ...] = ()
    """Versions that hold where something is installed: of the files that ``-c`` names."""
    includes: tuple[Include, ...] = ()
    """Other files that are still to be read."""


def read_environment(
    content: bytes, file: str, read: Callable[[str], Reading]
) -> Environment | Finding:
    """Return what the file asks for, or all that is wrong with it.

    ``read`` is `read_conda`, `read_requirements` or `read_constraints`.
    """
    text = read_text(content, Reason.ENVIRONMENT_FILE_INVALID, MAX_FILE_BYTES)
    if isinstance(text, Problem):
        return combine(file, [text])
    found = read(text)
    if found.problems:
        return combine(file, found.problems)
    return Environment(
        found.python,
        found.python_line,
        tuple(found.requirements),
        found.conda,
        found.variables,
        options=tuple(found.options),
        includes=tuple(found.includes),
    )
