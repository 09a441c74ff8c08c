"""An environment as an image of this machine's Docker Engine, by the engine of the operator.

No registry is needed: the image stays with Docker Engine. The base image is the one that is there,
or is pulled.
"""

import io
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import docker
from docker.errors import ImageNotFound

from fairlead.api.reasons import Reason
from fairlead.contract import WORK_FOLDER
from fairlead.diagnosis.build.base_python import BasePython, front_of, usable_python, wants_conda
from fairlead.diagnosis.build.output import BuildOutput, Phase
from fairlead.engines.base import (
    BaseUnfitError,
    BuildFailedError,
    BuildPlan,
    EngineUnreachableError,
)
from fairlead.engines.docker import DockerEngine, image_name
from fairlead.engines.docker_stream import follow
from fairlead.finding import Finding
from fairlead.images.environment_labels import PYTHON_LABEL
from fairlead.images.hashes import environment_hash
from fairlead.local.build_failure import build_failed, task_failed
from fairlead.local.containers import ENVIRONMENTS
from fairlead.local.engine import client, unreachable
from fairlead.local.errors import LocalError, refusal
from fairlead.local.host import Log
from fairlead.local.preparation import Prepared
from fairlead.registry.client import Registry
from fairlead.registry.reference import Reference, parse_reference, parse_repository
from fairlead.settings import Settings
from fairlead.tasks.conda_environment import linked_environment
from fairlead.tasks.failures import TaskFailedError
from fairlead.tasks.program import TaskContext
from fairlead.tasks.task_log import TaskLog


@dataclass(frozen=True)
class ContainerEnvironment:
    """``image`` is what Docker Engine calls it."""

    hash: str
    image: str
    python: str


def make_environment(prepared: Prepared, settings: Settings, log: Log) -> ContainerEnvironment:
    """Build it, or find it. Raises ``LocalError``."""
    with client() as engine:
        plan = _plan(engine, prepared, settings, log)
        there = _there(engine, plan)
    if there is None:
        _built(plan, settings, log)
        with client() as engine:
            there = _there(engine, plan)
    if there is None:
        raise RuntimeError(f"{image_name(plan)} was built, and is not there")
    return there


def _there(engine: docker.DockerClient, plan: BuildPlan) -> ContainerEnvironment | None:
    try:
        found = engine.images.get(image_name(plan))
    except ImageNotFound:
        return None
    return ContainerEnvironment(plan.hash, image_name(plan), found.labels.get(PYTHON_LABEL, ""))


def _plan(
    engine: docker.DockerClient, prepared: Prepared, settings: Settings, log: Log
) -> BuildPlan:
    recipe, files = prepared.recipe, prepared.wanted.files
    base = parse_reference(recipe.base_image)
    digest = _digest(engine, base, prepared, log)
    return BuildPlan(
        recipe=recipe,
        base=base.repository,
        base_digest=digest,
        environments=parse_repository(ENVIRONMENTS),
        hash=environment_hash(recipe, digest),
        package_index=settings.package_index,
        insecure_hosts=settings.insecure_hosts,
        ca_bundle=settings.ca_bundle,
        docker_config=settings.docker_config,
        files={path: files[path] for path in recipe.copied},
        local={path: files[path] for path in recipe.local},
    )


def _digest(engine: docker.DockerClient, base: Reference, prepared: Prepared, log: Log) -> str:
    """Of the base image that is there, or of the one that is pulled."""
    if base.digest:
        return base.digest
    name = prepared.recipe.base_image
    try:
        found = engine.images.get(name)
    except ImageNotFound:
        log.phase("base image")
        pulled = engine.api.pull(str(base.repository), tag=base.tag, stream=True, decode=True)
        ending = follow(pulled, log.write)
        if ending.error:
            output = BuildOutput(Phase.PULL, ending.lines, ending.error)
            raise build_failed(output, prepared.recipe) from None
        found = engine.images.get(str(base))
    digests = [str(one).partition("@")[2] for one in found.attrs.get("RepoDigests") or ()]
    if digests:
        return digests[0]
    raise refusal(
        Reason.BASE_IMAGE_NOT_FOUND,
        f"The base image {name} was built on this machine, and no registry has it.",
        "Push it to a registry, and name it as that does.",
    )


def _built(plan: BuildPlan, settings: Settings, log: Log) -> None:
    engine = DockerEngine()
    try:
        with TemporaryDirectory(prefix="fairlead-") as work:
            base = engine.prepare(plan, log)
            whole, python = _with_python(plan, base, Path(work), settings, log)
            engine.make(whole, python, log)
    except EngineUnreachableError as error:
        raise unreachable(str(error)) from error
    except BuildFailedError as error:
        raise build_failed(error.output, plan.recipe) from error
    except BaseUnfitError as error:
        name = plan.recipe.base_image
        message = f"Nothing can be put on the base image {name}: {error}."
        remedy = "Ask for another base image."
        raise refusal(Reason.ENVIRONMENT_UNFIT, message, remedy) from error
    except TaskFailedError as error:
        raise task_failed(error.failure, plan.recipe) from error


def _with_python(
    plan: BuildPlan, base: BasePython | None, work: Path, settings: Settings, log: Log
) -> tuple[BuildPlan, BasePython]:
    """The Python that pip runs on: the base image's, or one of conda's channels."""
    if not wants_conda(plan.recipe, base):
        python = usable_python(plan.recipe, base)
        if isinstance(python, Finding):
            raise LocalError(python)
        return plan, python
    (work / WORK_FOLDER).mkdir()
    with Registry(settings) as registry:
        task = TaskContext(work, settings, registry, TaskLog(_Lines(log)))
        made = linked_environment(plan.recipe, base, task)
    python = BasePython(made.python, makes_environments=True, front=front_of(base))
    return replace(plan, linked=made.archive, explicit=made.packages), python


class _Lines(io.StringIO):
    """A task's log, told to another."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def write(self, text: str) -> int:
        self._log.write(text.rstrip("\n"))
        return len(text)
