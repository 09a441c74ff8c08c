"""An environment file with all that it names: other lists, constraints, packages of the source.

How many files, how deep, and how much they ask for is bounded. Every finding names its own file.
"""

import posixpath
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508

from fairlead.api.reasons import Reason
from fairlead.finding import MAX_PROBLEMS_READ, Finding, Problem, combine, listed, quoted
from fairlead.inputs.environment import Environment
from fairlead.inputs.local_package import (
    LOCAL,
    files_below,
    files_of,
    found_in,
    missing,
    moved,
    within,
)
from fairlead.inputs.parse import FileKind, Parsed, ParseJob
from fairlead.inputs.pip_options import FIND_LINKS
from fairlead.inputs.reading import (
    MAX_CONSTRAINTS,
    MAX_INCLUDES,
    MAX_OPTIONS,
    MAX_REQUIREMENTS,
    Include,
)
from fairlead.inputs.source_file import guessed_file
from fairlead.requirement import Requirement

MAX_DEPTH = 5  # files in one another
_LINKS = f"{FIND_LINKS} {LOCAL}"
Whole = Generator[ParseJob, Parsed, Environment | tuple[Finding, ...]]


def whole_environment(main: Environment, file: str, files: Mapping[str, bytes]) -> Whole:
    """Return the environment with nothing left to be read, or all that is wrong with its files."""
    if not main.includes and not any(map(_of_source, (*main.requirements, *main.options))):
        return main
    joined = _Joined(file, files)
    yield from joined.add(main, (file,), constraints=False)
    joined.check_local()
    if joined.findings or joined.problems:
        told = (combine(path, problems) for path, problems in joined.problems.items())
        return (*joined.findings, *told)
    return replace(
        main,
        requirements=tuple(joined.requirements),
        constraints=tuple(joined.constraints),
        options=tuple(joined.options),
        includes=(),
    )


def local_files(environment: Environment, names: Sequence[str]) -> tuple[str, ...]:
    """The files of the source that pip installs from, in their order."""
    found = set(files_of(environment.requirements, names))
    for option in environment.options:
        if option.text.startswith(_LINKS):
            found.update(files_below(option.text.removeprefix(_LINKS), names))
    return tuple(sorted(found))


@dataclass
class _Joined:
    """What has been read so far. ``problems`` by file."""

    file: str
    files: Mapping[str, bytes]
    requirements: list[Requirement] = field(default_factory=list)
    constraints: list[Requirement] = field(default_factory=list)
    options: list[Requirement] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    problems: dict[str, list[Problem]] = field(default_factory=dict)
    read: set[tuple[str, bool]] = field(default_factory=set)

    @property
    def _folder(self) -> str:
        return posixpath.dirname(self.file)

    def add(
        self, found: Environment, way: tuple[str, ...], *, constraints: bool
    ) -> Generator[ParseJob, Parsed, None]:
        """Take what a file says; ``way``: the files that lead to it, itself the last."""
        self._take_options(found.options, way[-1])
        done = 0
        for include in found.includes:
            self._take(found.requirements[done : include.before], way[-1], constraints=constraints)
            done = include.before
            yield from self._include(include, way, constraints=constraints)
        self._take(found.requirements[done:], way[-1], constraints=constraints)

    def check_local(self) -> None:
        """Whether what lies in the source is there, and can be installed."""
        for requirement in self.requirements:
            if problem := missing(requirement, self.files.keys()):
                self._wrong(requirement.file or self.file, problem)
        for option in self.options:
            path = option.text.removeprefix(_LINKS)
            if option.text.startswith(_LINKS) and not [*files_below(path, self.files)]:
                words = f"the source has no folder {quoted(path or '.')}"
                problem = _problem(option.line, words, "Correct the path, or add the folder.")
                self._wrong(option.file or self.file, problem)

    def _include(
        self, include: Include, way: tuple[str, ...], *, constraints: bool
    ) -> Generator[ParseJob, Parsed, None]:
        path = within(posixpath.dirname(way[-1]), include.path)
        problem = self._unreadable(include, path, way, constraints=constraints)
        if problem is not None:
            self._wrong(way[-1], problem)
            return
        constraints = constraints or include.constraints
        if path is None or (path, constraints) in self.read or self._full():
            return
        self.read.add((path, constraints))
        kind = FileKind.CONSTRAINTS if constraints else FileKind.REQUIREMENTS
        parsed = yield ParseJob(kind, path, self.files[path])
        if parsed.finding is not None:
            self.findings.append(parsed.finding)
        elif parsed.environment is not None:
            yield from self.add(parsed.environment, (*way, path), constraints=constraints)

    def _unreadable(
        self, include: Include, path: str | None, way: tuple[str, ...], *, constraints: bool
    ) -> Problem | None:
        """Why the file that a line names is not read."""
        line, named = include.line, quoted(include.path)
        if path is None:
            return _problem(line, f"{named} is outside of the source", "Name a file of the source.")
        if path not in self.files:
            has = listed(sorted(self.files))
            guess = (
                f"{guessed_file(self.files, path)} Add the file to the source, or correct the path."
            )
            return _problem(line, f"the source has no {named}; it has {has}", guess.strip())
        if path in way:
            return _problem(line, f"{named} leads to itself", "Remove one of the two lines.")
        if len(way) >= MAX_DEPTH or len(self.read) >= MAX_INCLUDES:
            words = f"there are more than {MAX_INCLUDES} files, or {MAX_DEPTH} in one another"
            return _problem(line, words, "Join some of them.")
        if constraints and not include.constraints:
            words = "a list of constraints (-c) names another list of requirements (-r)"
            return _problem(line, words, "Name that in the file with the requirements.")
        return None

    def _take(self, found: Sequence[Requirement], file: str, *, constraints: bool) -> None:
        taken, most = self.requirements, MAX_REQUIREMENTS
        if constraints:
            taken, most = self.constraints, MAX_CONSTRAINTS
        for requirement in found:
            one = self._placed(requirement, file, constraints=constraints)
            if isinstance(one, Problem):
                self._wrong(file, one)
            elif len(taken) >= most:
                words = f"all files together ask for more than {most} packages"
                self._wrong(file, _problem(one.line, words, "Name only what the script imports."))
                return
            else:
                taken.append(one)

    def _placed(
        self, requirement: Requirement, file: str, *, constraints: bool
    ) -> Requirement | Problem:
        if constraints and (problem := _no_constraint(requirement)):
            return problem
        placed = self._of_file(requirement, file)
        if not requirement.text.startswith(LOCAL):
            return placed
        return moved(placed, (self._folder, posixpath.dirname(file)), self.files)  # as pip has it

    def _take_options(self, options: Sequence[Requirement], file: str) -> None:
        for option in options:
            text = self._seen_from_source(option.text, file)
            if text is None:
                words = f"{quoted(option.text)} is outside of the source"
                self._wrong(file, _problem(option.line, words, "Name a folder of the source."))
            elif len(self.options) >= MAX_OPTIONS:
                words = f"all files together have more than {MAX_OPTIONS} options"
                self._wrong(file, _problem(option.line, words, "Keep those that are needed."))
                return
            else:
                self.options.append(replace(self._of_file(option, file), text=text))

    def _of_file(self, asked: Requirement, file: str) -> Requirement:
        """With the file's name, where it is not the environment's own."""
        return asked if file == self.file else replace(asked, file=file)

    def _seen_from_source(self, option: str, file: str) -> str | None:
        """As pip has it: a folder beside the list that names it goes first. (Of packages those
        beside the environment file do.)"""
        if not option.startswith(_LINKS):
            return option
        folders = (posixpath.dirname(file), self._folder)
        path = found_in(folders, option.removeprefix(_LINKS), self.files)
        return None if path is None else f"{_LINKS}{path}"

    def _wrong(self, file: str, problem: Problem) -> None:
        if not self._full():
            self.problems.setdefault(file, []).append(problem)

    def _full(self) -> bool:
        return sum(map(len, self.problems.values())) >= MAX_PROBLEMS_READ


def _of_source(requirement: Requirement) -> bool:
    return requirement.text.startswith((LOCAL, _LINKS))


def _no_constraint(requirement: Requirement) -> Problem | None:
    """pip takes a name with versions there, and nothing else."""
    try:
        parsed = Pep508(requirement.text.partition(" --hash=")[0])
    except InvalidRequirement:
        parsed = None
    if parsed is not None and not parsed.extras and parsed.url is None:
        return None
    words = f"{quoted(requirement.text)} is no constraint"
    remedy = "Write names with versions there, without extras, paths and addresses."
    return _problem(requirement.line, words, remedy)


def _problem(line: int, message: str, remedy: str) -> Problem:
    return Problem(Reason.ENVIRONMENT_FILE_INVALID, line, message, remedy)
