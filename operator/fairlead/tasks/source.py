"""Fetch the source of an image, read what decides about its build, and store it.

The operator gets neither the files nor what they say, but a digest and what is to be told: who
builds takes both from the registry. So nothing of a stranger's host ever reaches the operator.
"""

import json
import re
import sys
import time

from fairlead.api.code_source import MAX_ORIGIN_CHARS, MAX_TOLD, AskedFor, FetchedCode
from fairlead.contract import SourceRequest, SourceResult, TaskFailure
from fairlead.finding import Finding, shown
from fairlead.images.code_artifact import CodeConfig, store_code
from fairlead.images.code_content import Code, code_of, unpacked
from fairlead.images.hashes import fetched_code_hash
from fairlead.inputs.ignored import IGNORE_FILES
from fairlead.inputs.missing_uses import missing_imports, models_looked_up
from fairlead.inputs.pins import unpinned
from fairlead.inputs.recipe import RecipeSettings, installed_packages, recipe_of
from fairlead.inputs.script_uses import Use
from fairlead.inputs.source import ParsedSource
from fairlead.redact import one_line
from fairlead.registry.reference import parse_repository
from fairlead.requirement import Requirement
from fairlead.sources.addresses import shown as shown_address
from fairlead.sources.base import Limits, SourceError
from fairlead.sources.kinds import Address, open_address, open_repository
from fairlead.tasks.code_failure import as_code
from fairlead.tasks.failures import TaskFailedError
from fairlead.tasks.program import TaskContext, run
from fairlead.tasks.source_parser import SourceParser

FETCH_TIME_SHARE = 0.8  # for fetching; the rest is for storing, and for saying what took so long
MAX_FILE_CHARS = 200  # of the path of a file, as it is told; a path in a list may be longer
MAX_RESULT_BYTES = 1600  # of what is told: a termination message has 2 048
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
TOLD = ("imports", "models", "left_out", "unpinned")


def source(request: SourceRequest, task: TaskContext) -> SourceResult:
    """Return the artifact that holds the source, and what is to be known of it."""
    repository = parse_repository(request.repository)
    task.log.phase("registry")
    task.registry.check_push(repository)
    task.log.phase("fetch")
    try:
        code, origin = _fetched(request, task)
    except SourceError as error:
        raise as_code(error) from error
    task.log.write(f"It is {origin}: {len(code.digests)} files, {code.size:,} bytes.")
    task.log.phase("read")
    with SourceParser() as parser:
        kept = _without_ignored(code, request, parser)
        if isinstance(kept, Finding):
            raise TaskFailedError(_unfit((kept,), origin, request))
        parsed = parser.source(kept.files, request, request.base_image)
    if parsed.findings:
        raise TaskFailedError(_unfit(parsed.findings, origin, request))
    config, found = _read(request, kept, parsed, origin)
    ignored = len(code.digests) - len(kept.digests)
    found = found.model_copy(update={"ignored": ignored})
    task.log.write(f"Its ignore file leaves out {ignored} of them.")
    task.log.phase("store")
    digest = store_code(task.registry, repository, list(kept.entries()), config, origin)
    task.log.write(f"Stored as {repository}@{digest}.")
    return SourceResult(digest=digest, code=fitted(found))


def _fetched(request: SourceRequest, task: TaskContext) -> tuple[Code, str]:
    """The files, and where they came from. Raises ``SourceError``."""
    limits = _limits(task)
    folder = task.work / "fetched"
    folder.mkdir()
    git, uri = request.source.git, request.source.uri or ""
    address = shown_address(git.url if git else uri)
    task.log.write(f"Fetching {address}.")
    secret = request.source.credentials_secret_ref is not None
    if git:
        place = open_repository(git, secret=secret, settings=task.settings)
    else:
        place = open_address(Address(uri, "source", secret, request.identity), task.settings)
    digests = place.fetch(folder, limits)
    if not git:
        folder, digests = unpacked(folder, digests, task.work / "unpacked", limits)
    origin = one_line(place.origin) or address
    return code_of(folder, digests, request.entry_script), origin[:MAX_ORIGIN_CHARS]


def _without_ignored(code: Code, request: SourceRequest, parser: SourceParser) -> Code | Finding:
    """The source without what its ignore file leaves out; what the spec names stays in it.

    What is in a commit is there although it may be in .gitignore: git itself says that of files
    that are not committed.
    """
    files = IGNORE_FILES[:1] if request.source.git else IGNORE_FILES
    file = next((name for name in files if name in code.digests), None)
    if file is None:
        return code
    ignored = parser.ignored(code.digests, file, code.files[file])
    if isinstance(ignored, Finding):
        return ignored
    named = (request.conda_file, request.requirements_file, request.docker_file)
    return code.without(ignored - {request.entry_script, *named})


def _limits(task: TaskContext) -> Limits:
    settings = task.settings
    deadline = time.monotonic() + FETCH_TIME_SHARE * settings.code_timeout_seconds
    return Limits(settings.code_max_bytes, settings.code_max_files, deadline)


def _is_pinned(request: SourceRequest) -> bool:
    """Whether the same address can never have another content."""
    git = request.source.git
    if git:
        return bool(git.ref and COMMIT.fullmatch(git.ref))
    return "@sha256:" in str(request.source.uri)


def _unfit(found: tuple[Finding, ...], origin: str, request: SourceRequest) -> TaskFailure:
    """All that is wrong with the files, said at once."""
    first, retryable = found[0], not _is_pinned(request)
    remedies = dict.fromkeys(finding.remedy for finding in found if finding.remedy)
    again = "It is fetched again by itself." if retryable else "Then give its new address."
    return TaskFailure(
        reason=first.reason,
        class_=first.class_,
        message=f"{' Also: '.join(finding.message for finding in found)} (The source is {origin}.)",
        remedy=f"{' '.join(remedies)} {again}",
        location=first.location,
        retryable=retryable,
    )


def _read(
    request: SourceRequest, code: Code, parsed: ParsedSource, origin: str
) -> tuple[CodeConfig, FetchedCode]:
    """What is stored with the files, and what is told of them."""
    packages = installed_packages(parsed, provided=request.provides_azureml)
    settings = RecipeSettings(
        request.base_image, request.channels, request.cuda, request.provides_azureml
    )
    programs = code.programs
    recipe = recipe_of(request, parsed, packages.requirements, code.digests, settings, programs)
    variables = dict(parsed.environment.variables)
    found = FetchedCode(
        hash=fetched_code_hash(code.digests, programs, request.entry_script, variables),
        origin=origin,
        files=len(code.digests),
        size_bytes=code.size,
        requirements=len(packages.requirements),
        run_line=parsed.run_line,
        imports=_uses(missing_imports(parsed, packages.requirements, code.files)),
        models=_uses(models_looked_up(parsed.uses, code.files)),
        left_out=_requirements(packages.left_out),
        unpinned=unpinned(recipe)[:MAX_TOLD],
    )
    return CodeConfig(recipe=recipe, variables=variables), found


def _uses(uses: list[Use]) -> tuple[AskedFor, ...]:
    return tuple(AskedFor(name=shown(use.name, 90), line=use.line) for use in uses[:MAX_TOLD])


def _requirements(requirements: tuple[Requirement, ...]) -> tuple[AskedFor, ...]:
    named = requirements[:MAX_TOLD]
    return tuple(
        AskedFor(
            name=shown(one.text, 60),
            line=one.line,
            file=shown(one.file, MAX_FILE_CHARS) or None,
        )
        for one in named
    )


def fitted(found: FetchedCode) -> FetchedCode:
    """The same with as many names as a termination message has room for."""
    while len(json.dumps(found.to_wire(), ensure_ascii=False).encode()) > MAX_RESULT_BYTES:
        longest = max(TOLD, key=lambda name: len(getattr(found, name)))
        if not getattr(found, longest):
            return found.model_copy(update={"origin": found.origin[:100]})
        found = found.model_copy(update={longest: getattr(found, longest)[:-1]})
    return found


if __name__ == "__main__":
    sys.exit(run(SourceRequest, source))
