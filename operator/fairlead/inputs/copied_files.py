"""The files of the source that ``Dockerfile.steps`` copies. Pure."""

from collections.abc import Collection, Iterator

from fairlead.api.reasons import Reason
from fairlead.finding import Problem
from fairlead.inputs.copy_instruction import Copy, CopyError, read_copy
from fairlead.inputs.dockerfile_steps import Instruction, instructions


def copies(steps: str) -> Iterator[tuple[Instruction, Copy]]:
    """The copies of steps that have been checked."""
    for instruction in instructions(steps):
        if instruction.keyword == "COPY":
            yield instruction, read_copy(instruction.arguments)


def copied_files(steps: str, names: Collection[str]) -> list[str]:
    """Every file of the source that is copied. Raises ``CopyError``."""
    pairs = (copy.files(names) for _, copy in copies(steps))
    return sorted({path for files in pairs for path, _ in files})


def missing_files(steps: str, names: Collection[str]) -> list[Problem]:
    """What the steps copy, and the source does not have."""
    problems = list[Problem]()
    for instruction, copy in copies(steps):
        try:
            copy.files(names)
        except CopyError as error:
            remedy = "Add it to the source, or correct the path."
            reason = Reason.DOCKERFILE_STEPS_INVALID
            problems.append(Problem(reason, instruction.line, str(error), remedy))
    return problems
