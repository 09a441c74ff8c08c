"""Build an environment image and push it, unless the registry has it already."""

import sys

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.contract import EnvironmentRequest, EnvironmentResult, TaskFailure
from fairlead.diagnosis.build.base_python import usable_python
from fairlead.diagnosis.build.explain import explain, tail
from fairlead.engines.base import (
    BuildFailedError,
    BuildPlan,
    Engine,
    EngineUnreachableError,
)
from fairlead.engines.docker import DockerEngine
from fairlead.finding import Finding
from fairlead.images.environment_image import find_environment
from fairlead.images.recipe import has_credentials
from fairlead.registry.reference import as_pushed, parse_reference, parse_repository
from fairlead.settings import Settings
from fairlead.tasks.failures import TaskFailedError
from fairlead.tasks.program import TaskContext, run

ENGINES: dict[str, type[Engine]] = {"docker": DockerEngine}


def environment(request: EnvironmentRequest, task: TaskContext) -> EnvironmentResult:
    """Return the environment's digest and Python. Raises ``TaskFailedError``."""
    task.log.phase("registry")
    known = find_environment(task.registry, parse_repository(request.environments), request.hash)
    if known:
        task.log.write(f"The registry has it already: {known.digest}.")
        return _result(task, known.digest, known.python, built=False)
    plan = _plan(request, task.settings)
    engine = ENGINES[request.engine]()
    try:
        python = usable_python(plan.recipe, engine.prepare(plan, task.log))
        if isinstance(python, Finding):
            raise TaskFailedError(_failure(python))
        digest = engine.build(plan, python, task.log)
    except EngineUnreachableError as error:
        raise TaskFailedError(_unreachable(error)) from error
    except BuildFailedError as error:
        finding = explain(error.output, request.recipe)
        raise TaskFailedError(_failure(finding, tail(error.output))) from error
    return _result(task, digest, python.version, built=True)


def _plan(request: EnvironmentRequest, settings: Settings) -> BuildPlan:
    if has_credentials(settings.package_index):
        raise TaskFailedError(_failure(_CREDENTIALS))
    base = as_pushed(request.recipe.base_image, settings.registry, settings.push_registry)
    return BuildPlan(
        recipe=request.recipe,
        base=parse_reference(base).repository,
        base_digest=request.base_digest,
        environments=parse_repository(request.environments),
        hash=request.hash,
        package_index=settings.package_index,
        insecure_hosts=settings.insecure_hosts,
        ca_bundle=settings.ca_bundle,
    )


def _result(task: TaskContext, digest: str, python: str, *, built: bool) -> EnvironmentResult:
    return EnvironmentResult(digest=digest, python=python, seconds=task.log.seconds, built=built)


def _failure(finding: Finding, log_tail: str | None = None) -> TaskFailure:
    return TaskFailure(
        reason=finding.reason,
        class_=finding.class_,
        message=finding.message,
        remedy=finding.remedy,
        location=finding.location,
        requirement=finding.requirement,
        log_tail=log_tail,
        retryable=finding.retryable,
    )


def _unreachable(error: EngineUnreachableError) -> TaskFailure:
    return TaskFailure(
        reason=Reason.ENGINE_UNREACHABLE,
        class_=FailureClass.INFRASTRUCTURE,
        message=str(error),
        remedy="Start Docker Engine where the operator runs, let its user use the socket (group "
        "docker), or set DOCKER_HOST. It is tried again.",
        retryable=True,
    )


_CREDENTIALS = Finding(
    Reason.PACKAGE_INDEX_REFUSED,
    FailureClass.INFRASTRUCTURE,
    "The address of the package index (FAIRLEAD_PACKAGE_INDEX) holds credentials, and the classic "
    "builder would keep them in a layer.",
    "Whoever runs Fairlead: give an index that builds may read without credentials, such as a "
    "mirror inside the network. It is tried again.",
    retryable=True,
)


if __name__ == "__main__":
    sys.exit(run(EnvironmentRequest, environment))
