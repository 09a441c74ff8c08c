"""One file of a user's, read on its own: what a process of its own is given, and gives back.

Nothing of the text is trusted to end the reading quickly, or at all: whoever reads it in a process
that others depend on does so in another one (`fairlead.parsing`). Such a process lives as long as a
few files take, so that what reads a kind of file is imported when there is one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from fairlead.api.failure_class import FailureClass
from fairlead.api.reasons import Reason
from fairlead.finding import Finding
from fairlead.inputs.environment import Environment, read_environment
from fairlead.inputs.script_uses import ScriptUses


class FileKind(StrEnum):
    SCRIPT = "script"
    CONDA = "conda"
    REQUIREMENTS = "requirements"
    CONSTRAINTS = "constraints"
    STEPS = "steps"
    IGNORED = "ignored"


@dataclass(frozen=True)
class ParseJob:
    """``python``: the version that a script will run on, where that is known."""

    kind: FileKind
    file: str
    content: bytes
    python: tuple[int, int] | None = None


@dataclass(frozen=True)
class Parsed:
    """What was read: ``environment``, ``steps`` or ``uses`` of such a file, or the one finding."""

    environment: Environment | None = None
    steps: str = ""
    uses: ScriptUses = field(default_factory=ScriptUses)
    ignored: tuple[str, ...] = ()
    """The names that such a file leaves out."""
    finding: Finding | None = None


Found = Environment | ScriptUses | Finding | str | tuple[str, ...]
Reader = Callable[[ParseJob], Found]


def parse(job: ParseJob) -> Parsed:
    """Read the file. Takes as long, and as much memory, as it takes."""
    return _parsed(reader_of(job.kind)(job))


def reader_of(kind: FileKind) -> Reader:
    """What reads files of a kind: imported here, which takes longer than to read most files."""
    match kind:
        case FileKind.SCRIPT:
            from fairlead.inputs.script import read_script

            return lambda job: read_script(job.content, job.file, job.python)
        case FileKind.IGNORED:
            from fairlead.inputs.ignored import read_ignored

            return lambda job: read_ignored(job.content, job.file)
        case FileKind.STEPS:
            from fairlead.inputs.dockerfile_steps import read_steps

            return lambda job: read_steps(job.content, job.file)
        case FileKind.CONDA:
            from fairlead.inputs.conda import read_conda

            return lambda job: read_environment(job.content, job.file, read_conda)
        case FileKind.REQUIREMENTS:
            from fairlead.inputs.requirements import read_requirements

            return lambda job: read_environment(job.content, job.file, read_requirements)
        case FileKind.CONSTRAINTS:
            from fairlead.inputs.requirements import read_constraints

            return lambda job: read_environment(job.content, job.file, read_constraints)


def _parsed(found: Found) -> Parsed:
    match found:
        case Environment():
            return Parsed(environment=found)
        case ScriptUses():
            return Parsed(uses=found)
        case str():
            return Parsed(steps=found)
        case tuple():
            return Parsed(ignored=found)
        case Finding():
            return Parsed(finding=found)


_REASONS = {
    FileKind.SCRIPT: Reason.ENTRY_SCRIPT_INVALID,
    FileKind.CONDA: Reason.ENVIRONMENT_FILE_INVALID,
    FileKind.REQUIREMENTS: Reason.ENVIRONMENT_FILE_INVALID,
    FileKind.CONSTRAINTS: Reason.ENVIRONMENT_FILE_INVALID,
    FileKind.STEPS: Reason.DOCKERFILE_STEPS_INVALID,
    FileKind.IGNORED: Reason.IGNORE_FILE_INVALID,
}


def unreadable(job: ParseJob, why: str) -> Parsed:
    """What is told of a file whose reading had to be ended, or ended the process that read it."""
    finding = Finding(
        reason=_REASONS[job.kind],
        class_=FailureClass.USER,
        message=f"{job.file} could not be read: {why}.",
        remedy="Make the file shorter and less deeply nested; report it if it is an ordinary one.",
        location=job.file,
    )
    return Parsed(finding=finding)
