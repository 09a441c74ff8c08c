"""The environment as the user writes it, read into what a recipe holds, or refused as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass

from fairlead.api.reasons import Reason
from fairlead.contract import Requirement
from fairlead.finding import Finding, Problem, combine
from fairlead.inputs.conda import read_conda
from fairlead.inputs.requirements import read_requirements
from fairlead.inputs.source_file import missing_file, read_text

MAX_FILE_BYTES = 128 * 1024


@dataclass(frozen=True)
class Environment:
    """``python`` as `fairlead.inputs.python_version` has it; lines are those of the file."""

    python: str | None = None
    python_line: int | None = None
    requirements: tuple[Requirement, ...] = ()


def read_environment(
    files: Mapping[str, bytes], conda_file: str | None, requirements_file: str | None
) -> Environment | Finding:
    """Return what the one file that is named asks for, or all that is wrong with it.

    Without a file, the environment is the base image's Python and nothing else.
    """
    file = conda_file or requirements_file
    if file is None:
        return Environment()
    if file not in files:
        field = "condaFile" if conda_file else "requirementsFile"
        return missing_file(files, file, f"spec.{field}")
    text = read_text(files[file], Reason.ENVIRONMENT_FILE_INVALID, MAX_FILE_BYTES)
    if isinstance(text, Problem):
        return combine(file, [text])
    read = read_conda(text) if conda_file else read_requirements(text)
    if read.problems:
        return combine(file, read.problems)
    return Environment(read.python, read.python_line, tuple(read.requirements))
