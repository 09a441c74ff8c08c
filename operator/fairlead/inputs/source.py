"""The source of an InferenceImage as far as its files decide: environment, steps, entry script."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from fairlead.api.reasons import Reason
from fairlead.finding import Finding, combine
from fairlead.inputs.copied_files import copied_files, missing_files
from fairlead.inputs.dockerfile_steps import first_run
from fairlead.inputs.environment import Environment
from fairlead.inputs.included import Whole, local_files, whole_environment
from fairlead.inputs.parse import FileKind, Parsed, ParseJob
from fairlead.inputs.python_version import minor_version, python_of_image
from fairlead.inputs.script import Version
from fairlead.inputs.script_uses import ScriptUses
from fairlead.inputs.source_file import deleting_files, missing_file


class NamedFiles(Protocol):
    """The files of the source that something names: the spec of an image."""

    @property
    def entry_script(self) -> str: ...
    @property
    def conda_file(self) -> str | None: ...
    @property
    def requirements_file(self) -> str | None: ...
    @property
    def docker_file(self) -> str | None: ...


@dataclass(frozen=True)
class ParsedSource:
    """``findings``: all that is wrong; while there are any, the rest is not to be relied upon."""

    environment: Environment
    steps: str
    findings: tuple[Finding, ...]
    copied: tuple[str, ...] = ()
    """The files of the source that the steps copy."""
    uses: ScriptUses = field(default_factory=ScriptUses)
    local: tuple[str, ...] = ()
    """The files of the source that pip installs from."""
    run_line: int | None = None
    """The line of the first RUN among the steps."""


Files = Mapping[str, bytes]
OneFile = Generator[ParseJob, Parsed, Parsed]


def read_source(
    files: Files, spec: NamedFiles, base_image: str
) -> Generator[ParseJob, Parsed, ParsedSource]:
    """Yield each file that is to be read, be sent what was read, and return what came of them all.

    Where, and how, a file is read is up to whoever drives this.
    """
    environment = yield from _environment(files, spec)
    steps = yield from _steps(files, spec.docker_file)
    steps = _with_what_they_copy(steps, files, spec.docker_file)
    asked = environment.python if isinstance(environment, Environment) else None
    python = minor_version(asked) or python_of_image(base_image)
    script = yield from _script(files, spec.entry_script, python)
    wrong = () if isinstance(environment, Environment) else environment
    environment = environment if isinstance(environment, Environment) else Environment()
    found = (script.finding, *wrong, steps.finding, deleting_files(files.keys()))
    return ParsedSource(
        environment=environment,
        steps=steps.steps,
        findings=tuple(finding for finding in found if finding),
        copied=tuple(copied_files(steps.steps, files.keys())),
        uses=script.uses,
        local=local_files(environment, [*files]),
        run_line=first_run(steps.steps),
    )


def _environment(files: Files, spec: NamedFiles) -> Whole:
    """The file, and whatever it names."""
    file = spec.conda_file or spec.requirements_file
    main = yield from _main_file(files, spec)
    if main.finding is not None:
        return (main.finding,)
    return (yield from whole_environment(main.environment or Environment(), file or "", files))


def _main_file(files: Files, spec: NamedFiles) -> OneFile:
    """Without a file, the environment is the base image's Python and nothing else."""
    kind = FileKind.CONDA if spec.conda_file else FileKind.REQUIREMENTS
    field = "condaFile" if spec.conda_file else "requirementsFile"
    file = spec.conda_file or spec.requirements_file
    if file is None:
        return Parsed(environment=Environment())
    if file not in files:
        return Parsed(finding=missing_file(files, file, f"spec.{field}"))
    return (yield ParseJob(kind, file, files[file]))


def _steps(files: Files, file: str | None) -> OneFile:
    if file is None:
        return Parsed()
    if file not in files:
        return Parsed(finding=missing_file(files, file, "spec.dockerFile"))
    return (yield ParseJob(FileKind.STEPS, file, files[file]))


def _with_what_they_copy(steps: Parsed, files: Files, file: str | None) -> Parsed:
    """The steps, or which of the files that they copy are not in the source."""
    missing = missing_files(steps.steps, files.keys())
    return Parsed(finding=combine(file or "", missing)) if missing else steps


def _script(files: Files, file: str, python: Version | None) -> OneFile:
    if file not in files:
        reason = Reason.ENTRY_SCRIPT_NOT_FOUND
        return Parsed(finding=missing_file(files, file, "spec.entryScript", reason))
    return (yield ParseJob(FileKind.SCRIPT, file, files[file], python))
