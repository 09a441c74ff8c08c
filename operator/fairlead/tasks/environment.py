"""Build an environment image and push it, unless the registry has it already."""

import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.connection import trust
from fairlead.contract import (
    FILES_FOLDER,
    EnvironmentRecipe,
    EnvironmentRequest,
    EnvironmentResult,
    TaskFailure,
)
from fairlead.diagnosis.build.base_python import BasePython, front_of, usable_python, wants_conda
from fairlead.diagnosis.build.explain import explain, tail
from fairlead.engines.base import (
    BaseUnfitError,
    BuildFailedError,
    BuildPlan,
    Engine,
    EngineUnreachableError,
    StepRefusedError,
)
from fairlead.engines.buildkit import BuildkitEngine
from fairlead.engines.buildkit_client import BuildkitClient
from fairlead.engines.docker import DockerEngine
from fairlead.engines.index_proxy import IndexAccess
from fairlead.engines.installed_log import InstalledLog
from fairlead.engines.pod import PodEngine
from fairlead.finding import Finding
from fairlead.images.code_artifact import files_of
from fairlead.images.environment_image import find_environment
from fairlead.images.environment_lock import Lock, has_lock, store_lock
from fairlead.images.environment_tree import EnvironmentUnfitError
from fairlead.images.pip_files import has_credentials
from fairlead.inputs.recipe import located
from fairlead.job_request import BUILDER_SOCKET, HANDED_FOLDER
from fairlead.registry.addresses import NamedHosts
from fairlead.registry.reference import Repository, as_pushed, parse_reference, parse_repository
from fairlead.settings import Settings
from fairlead.tasks.conda_environment import linked_environment
from fairlead.tasks.failures import TaskFailedError, failure
from fairlead.tasks.package_credentials import PackageCredentials
from fairlead.tasks.package_places import refuse_places
from fairlead.tasks.program import TaskContext, run
from fairlead.tasks.stored_source import stored_source, told_as_lost

ENGINES: Mapping[str, Callable[[TaskContext], Engine]] = {
    "docker": lambda _: DockerEngine(),
    "pod": lambda task: PodEngine(task.registry),
    "buildkit": lambda task: _buildkit(task),
}


def _buildkit(task: TaskContext) -> Engine:
    home = task.work / "home"
    home.mkdir()
    client = BuildkitClient(Path(HANDED_FOLDER) / "buildctl", BUILDER_SOCKET, home)
    return BuildkitEngine(task.registry, task.work, client)


def environment(request: EnvironmentRequest, task: TaskContext) -> EnvironmentResult:
    """Return the environment's digest and Python. Raises ``TaskFailedError``."""
    with closing(ENGINES[request.engine](task)) as engine:
        task.log.phase("registry")
        place = parse_repository(request.environments)
        known = find_environment(task.registry, place, request.hash)
        if known:
            task.log.write(f"The registry has it already: {known.digest}.")
            locked = has_lock(task.registry, place, request.hash)
            return _result(task, known.digest, known.python, built=False, locked=locked or None)
        if request.engine == "buildkit":  # the namespace for builds has credentials of its own
            task.registry.check_push(place)
        if not request.code:
            named = (*request.recipe.copied, *request.recipe.local)
            return _built(request, task, engine, _read(named, task))
        return _built_of_code(request, task, engine)


def _built_of_code(
    request: EnvironmentRequest, task: TaskContext, engine: Engine
) -> EnvironmentResult:
    """Of a source that was fetched: what decides is in the registry, with the lines of its file."""
    artifact = request.code or ""
    code = stored_source(artifact, task)
    recipe = code.recipe(request.recipe.base_image)
    with told_as_lost(artifact):
        files = files_of(task.registry, code, {*recipe.copied, *recipe.local}, task.work)
    try:
        return _built(request.model_copy(update={"recipe": recipe}), task, engine, files)
    except TaskFailedError as error:
        raise TaskFailedError(located(error.failure, recipe)) from error


def _built(
    request: EnvironmentRequest, task: TaskContext, engine: Engine, source: Mapping[str, bytes]
) -> EnvironmentResult:
    """``source``: the files of it that the recipe names."""
    refuse_places(request.recipe, task.settings)
    recipe = request.recipe
    files = {path: source[path] for path in recipe.copied}
    local = {path: source[path] for path in recipe.local}
    plan = replace(_plan(request, task.settings), files=files, local=local)
    try:
        base = engine.prepare(plan, task.log)
        plan, python = _with_python(plan, base, task)
        said = InstalledLog(task.log)
        digest = engine.build(plan, python, said, partial(_keep_lock, task, plan, python, said))
    except EngineUnreachableError as error:
        raise TaskFailedError(_unreachable(error, request.engine)) from error
    except StepRefusedError as error:
        raise TaskFailedError(_refused(error, request)) from error
    except BaseUnfitError as error:
        raise TaskFailedError(_base_unfit(error, request)) from error
    except EnvironmentUnfitError as error:
        raise TaskFailedError(_unfit(error)) from error
    except BuildFailedError as error:
        finding = explain(error.output, request.recipe)
        raise TaskFailedError(failure(finding, tail(error.output))) from error
    return _result(task, digest, python.version, built=True, locked=True)


def _keep_lock(task: TaskContext, plan: BuildPlan, python: BasePython, said: InstalledLog) -> None:
    base = f"{_origin(plan.recipe, task.settings)}@{plan.base_digest}"
    lock = Lock(base, python.version, plan.explicit, said.installed)
    store_lock(task.registry, plan.environments, plan.hash, lock)


def _with_python(
    plan: BuildPlan, base: BasePython | None, task: TaskContext
) -> tuple[BuildPlan, BasePython]:
    """The Python that pip runs on: the base image's, or one of conda's channels, linked here."""
    if wants_conda(plan.recipe, base):
        made = linked_environment(plan.recipe, base, task)
        python = BasePython(made.python, makes_environments=True, front=front_of(base))
        return replace(plan, linked=made.archive, explicit=made.packages), python
    python_or_finding = usable_python(plan.recipe, base)
    if isinstance(python_or_finding, Finding):
        raise TaskFailedError(failure(python_or_finding))
    return plan, python_or_finding


def _plan(request: EnvironmentRequest, settings: Settings) -> BuildPlan:
    if has_credentials(settings.package_index):
        raise TaskFailedError(failure(_CREDENTIALS))
    environments = parse_repository(request.environments)
    named = NamedHosts.of(settings)
    credentials = PackageCredentials.read(named)
    return BuildPlan(
        recipe=request.recipe,
        base=environments if request.base_kept else _origin(request.recipe, settings),
        base_digest=request.base_digest,
        environments=environments,
        hash=request.hash,
        package_index=settings.package_index,
        insecure_hosts=settings.insecure_hosts,
        ca_bundle=settings.ca_bundle,
        docker_config=settings.docker_config,
        indexes=IndexAccess(partial(trust, settings.ca_bundle), named, credentials.headers),
    )


def _origin(recipe: EnvironmentRecipe, settings: Settings) -> Repository:
    """Where the base image is, as tasks reach it."""
    base = as_pushed(recipe.base_image, settings.registry, settings.push_registry)
    return parse_reference(base).repository


def _read(paths: Iterable[str], task: TaskContext) -> dict[str, bytes]:
    """Files of the source."""
    folder = task.folder / FILES_FOLDER
    return {path: (folder / path).read_bytes() for path in paths}


def _result(
    task: TaskContext, digest: str, python: str, *, built: bool, locked: bool | None
) -> EnvironmentResult:
    return EnvironmentResult(
        digest=digest, python=python, seconds=task.log.seconds, built=built, locked=locked
    )


def _unreachable(error: EngineUnreachableError, engine: str) -> TaskFailure:
    return TaskFailure(
        reason=Reason.ENGINE_UNREACHABLE,
        class_=FailureClass.INFRASTRUCTURE,
        message=str(error),
        remedy=UNREACHABLE[engine],
        retryable=True,
    )


def _refused(error: StepRefusedError, request: EnvironmentRequest) -> TaskFailure:
    location = f"{request.recipe.steps_file or 'Dockerfile.steps'}:{error.line}"
    return TaskFailure(
        reason=Reason.DOCKERFILE_STEPS_INVALID,
        class_=FailureClass.USER,
        message=f"{location}: {error}.",
        remedy="Correct the instruction.",
        location=location,
    )


def _base_unfit(error: BaseUnfitError, request: EnvironmentRequest) -> TaskFailure:
    return TaskFailure(
        reason=Reason.ENVIRONMENT_UNFIT,
        class_=FailureClass.USER,
        message=f"Nothing can be put on the base image {request.recipe.base_image}: {error}.",
        remedy="Ask for another base image, or push this one anew with a current tool.",
    )


def _unfit(error: EnvironmentUnfitError) -> TaskFailure:
    return TaskFailure(
        reason=Reason.ENVIRONMENT_UNFIT,
        class_=FailureClass.USER,
        message=f"What was installed cannot be made an image. {error}",
        remedy="Ask for fewer or smaller packages, or for another version of the one that leaves "
        "such files behind.",
    )


UNREACHABLE: Mapping[str, str] = {
    "docker": "Start Docker Engine where the operator runs, let its user use the socket (group "
    "docker), or set DOCKER_HOST. It is tried again.",
    "pod": "See the events of the task's pod. It is tried again.",
    "buildkit": "See the task's pod, in the namespace for builds. It is tried again.",
}
_CREDENTIALS = Finding(
    Reason.PACKAGE_INDEX_REFUSED,
    FailureClass.INFRASTRUCTURE,
    "The address of the package index (FAIRLEAD_PACKAGE_INDEX) holds credentials, and foreign code "
    "that runs while packages are installed could read them; Docker's classic builder would keep "
    "them in a layer.",
    "Whoever runs Fairlead: give its address without them, and have them in a Secret that each "
    "InferenceImage names in spec.build.packageSecretRef (docs/conda.md, Private channels and "
    "indexes); or give an index that builds may read without. It is tried again.",
    retryable=True,
)


if __name__ == "__main__":
    sys.exit(run(EnvironmentRequest, environment))
