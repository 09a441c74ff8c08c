"""``Dockerfile.steps`` without RUN, applied to a base image's configuration. Pure.

What Docker Engine does with such steps changes a few words of the configuration and makes a few
folders; nothing has to run for it. ``USER`` and ``SHELL`` say who runs later steps, and how: where
there is none, they change nothing, for the image has a user of its own.
"""

import posixpath
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from fairlead.inputs.copy_instruction import Copy, deletes, read_copy
from fairlead.inputs.dockerfile_steps import Instruction, instructions
from fairlead.inputs.steps_words import WordError, expanded, pairs, split

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class StepError(Exception):
    """A step that cannot be applied."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line, self.message = line, message


@dataclass
class Applied:
    """What the base image's configuration is after the steps."""

    variables: dict[str, str]
    labels: dict[str, str]
    working_folder: str = "/"
    folders: list[str] = field(default_factory=list)
    """Absolute paths that must be there."""
    copies: list[tuple[Copy, str]] = field(default_factory=list)
    """What is copied, and where to: an absolute path."""
    arguments: dict[str, str] = field(default_factory=dict)
    """Of ARG: known while the image is built, and not in it."""

    @property
    def known(self) -> Mapping[str, str]:
        """Every variable that a step can read: what ENV has set wins over ARG."""
        return {**self.arguments, **self.variables}


def placed(state: Applied, files: Collection[str], folders: Collection[str]) -> dict[str, str]:
    """Return where COPY puts which of the source's files, by absolute path.

    ``folders``: what of the targets is a folder in the base image.
    """
    found, there = dict[str, str](), {*folders, *state.folders}
    for copy, target in state.copies:
        inside = copy.into_folder(files) or target in there
        for name, below in copy.files(files):
            path = posixpath.join(target, below) if inside else target
            found[path] = name
    return found


def applied(
    steps: str, variables: Mapping[str, str], labels: Mapping[str, str], working_folder: str
) -> Applied:
    """Return the configuration after ``steps``. Raises ``StepError``."""
    state = Applied({"PATH": DEFAULT_PATH, **variables}, dict(labels), working_folder or "/")
    for instruction in instructions(steps):
        try:
            APPLIES[instruction.keyword](state, instruction)
        except KeyError as error:
            what = f"{instruction.keyword} needs an engine that runs steps"
            raise StepError(instruction.line, what) from error
        except WordError as error:
            raise StepError(instruction.line, str(error)) from error
    return state


def _env(state: Applied, instruction: Instruction) -> None:
    state.variables |= _expanded_pairs(state, instruction)


def _label(state: Applied, instruction: Instruction) -> None:
    state.labels |= _expanded_pairs(state, instruction)


def _arg(state: Applied, instruction: Instruction) -> None:
    for word in split(instruction.arguments):
        name, given, default = word.partition("=")
        if given:
            state.arguments[name] = expanded(default, state.known)


def _workdir(state: Applied, instruction: Instruction) -> None:
    path = expanded(instruction.arguments, state.known)
    state.working_folder = posixpath.normpath(posixpath.join("/", state.working_folder, path))
    if deletes(state.working_folder):
        raise WordError(f"{state.working_folder} would delete files of the base image")
    state.folders.append(state.working_folder)


def _copy(state: Applied, instruction: Instruction) -> None:
    copy = read_copy(instruction.arguments)
    copy = replace(copy, target=expanded(copy.target, state.known))
    target = posixpath.normpath(posixpath.join("/", state.working_folder, copy.target))
    if deletes(target):
        raise WordError(f"{target} would delete a file of the base image")
    state.copies.append((copy, target))


def _nothing(state: Applied, instruction: Instruction) -> None:
    """It says how later steps run."""


def _expanded_pairs(state: Applied, instruction: Instruction) -> dict[str, str]:
    known = state.known  # as it was before this instruction
    found = pairs(instruction.arguments)
    return {expanded(name, known): expanded(value, known) for name, value in found}


APPLIES: Mapping[str, Callable[[Applied, Instruction], None]] = {
    "ENV": _env,
    "LABEL": _label,
    "ARG": _arg,
    "WORKDIR": _workdir,
    "COPY": _copy,
    "USER": _nothing,
    "SHELL": _nothing,
}
