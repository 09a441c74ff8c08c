"""The tasks of an InferenceImage: pure, from what is known to what is to be done."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fairlead.api.build_options import BuildEngine, BuildLimits, BuildOptions, BuildResources
from fairlead.api.inferenceimage import BuildStatus, EnvironmentStatus, InferenceImageStatus
from fairlead.api.objects import InferenceImage
from fairlead.api.wire import Wire
from fairlead.contract import (
    NO_ACCESS,
    Access,
    AssembleRequest,
    EnvironmentRequest,
    LogTarget,
    ResolveRequest,
    Task,
)
from fairlead.decide.access import access_key, environment_access, image_access
from fairlead.decide.image.build import at_attempt, label, pushed_to, repository, version_of
from fairlead.decide.image.engine import EngineChoice, chosen_engine
from fairlead.decide.image.inputs import Inputs
from fairlead.decide.platform import architecture_of
from fairlead.decide.task_progress import owner_of
from fairlead.evidence import ImageEvidence
from fairlead.finding import Finding
from fairlead.images.hashes import environment_hash
from fairlead.log_address import ENVIRONMENTS, LogName, environment_log, image_log

TaskOf = Callable[[int], Task]
UNRESOLVED = EnvironmentStatus(hash="0" * 64)
RESOLVE_TIMEOUT_S = 120.0  # seconds; a few questions to a registry
KEEP_BASE_TIMEOUT_S = 900.0  # seconds; and a base image, which is copied
_ENGINES: Mapping[BuildEngine | None, Literal["docker", "pod", "buildkit"]] = {
    BuildEngine.POD: "pod",
    BuildEngine.BUILDKIT: "buildkit",
}


@dataclass(frozen=True)
class BuildState:
    """How far an image has come in this look: what is known, and the status so far."""

    evidence: ImageEvidence
    inputs: Inputs
    status: InferenceImageStatus
    now: datetime
    taken: tuple[str, ...] = ()
    """Tasks whose results this look has put into the status."""

    @property
    def image(self) -> InferenceImage:
        return self.evidence.image

    @property
    def repository(self) -> str:
        """Where the image is pushed."""
        settings = self.evidence.settings
        return pushed_to(repository(self.image, settings), settings)

    @property
    def resolved(self) -> bool:
        """The registry has been asked, and status has its answer."""
        return self.status.environment is not None and self.status.base_image is not None

    @property
    def environment(self) -> EnvironmentStatus:
        """The environment that is wanted, once that is resolved."""
        return self.status.environment or UNRESOLVED

    @property
    def base_digest(self) -> str:
        return self.status.base_image.digest if self.status.base_image else ""

    @property
    def engine(self) -> EngineChoice | Finding:
        """What builds the environment, and why; or why nothing does."""
        return chosen_engine(self.image.spec, self.evidence.settings, self.inputs.run_line)

    @property
    def keeps_base(self) -> bool:
        """It is built in the namespace for builds, which has none of this one's credentials."""
        choice = self.engine
        return isinstance(choice, EngineChoice) and choice.engine is BuildEngine.BUILDKIT

    @property
    def build_options(self) -> BuildOptions:
        return self.image.spec.build or BuildOptions()

    @property
    def access(self) -> Access:
        """What lets the tasks into registries."""
        return image_access(self.image.spec)

    @property
    def environment_access(self) -> Access:
        """The same, and what the environment's packages are fetched with."""
        return environment_access(self.image.spec)

    def identifier(self, program: str, scope: str, content: str) -> str:
        """A task's id: what it works on, for whom, with what access, under which settings."""
        access = self.environment_access if program == "environment" else self.access
        key = f"{content[:16]}{access_key(access)}"
        return f"{program}-{scope}-{key}-{self.evidence.settings.fingerprint}"

    def shared(self, what: str) -> str:
        """A repository that all images of the namespace share."""
        registry = self.evidence.settings.push_registry
        return f"{registry}/{self.image.namespace}/fairlead/{what}"


def resolution_key(state: BuildState) -> str:
    """What the registry has to be asked about once: the base image by its name, and the rest."""
    asked = environment_hash(state.inputs.recipe, state.inputs.recipe.base_image)
    key = f"{asked} {state.repository}{access_key(state.access)}"
    key += f" {platform}" if (platform := state.image.spec.platform) else ""
    if source := state.status.source if state.inputs.artifact else None:
        key += f" {source.artifact} {source.fetched_at.isoformat()}"
    if state.keeps_base:
        key += " keeps its base image"
    return hashlib.sha256(key.encode()).hexdigest()


def resolve_task(state: BuildState) -> tuple[str, TaskOf]:
    """Return the task's id, and the task for an attempt."""
    identifier = state.identifier("resolve", state.image.uid, resolution_key(state))
    request = ResolveRequest(
        repository=state.repository,
        environments=state.shared("environments"),
        recipe=state.inputs.recipe,
        code=state.inputs.artifact or None,
        keep_base=state.keeps_base,
    )
    timeout_s = KEEP_BASE_TIMEOUT_S if state.keeps_base else RESOLVE_TIMEOUT_S

    def task(attempt: int) -> Task:
        return Task(
            identifier,
            "resolve",
            attempt,
            request,
            timeout_s,
            namespace=state.image.namespace,
            owner=owner_of(state.image),
            access=state.access,
            architecture=architecture_of(state.image.spec),
        )

    return identifier, task


def environment_task(state: BuildState, build: BuildStatus) -> tuple[str, TaskOf]:
    """Shared by all images of the namespace that need the same: its id is the environment's.

    Who gives it other resources wants another task: what ran out of memory is tried again.
    """
    environment, resources = state.environment, state.build_options.resources
    content = (
        environment.hash if resources is None else _with_resources(environment.hash, resources)
    )
    identifier = state.identifier("environment", state.image.namespace, content)

    def request(mine: BuildStatus, log: LogName) -> Wire:
        return EnvironmentRequest(
            recipe=state.inputs.recipe,
            base_digest=state.base_digest,
            hash=environment.hash,
            environments=state.shared("environments"),
            log=_log(state, mine),
            shared_log=LogTarget(
                repository=state.shared("environments"),
                tag=log.tag,
                owner=f"{state.image.namespace}/{ENVIRONMENTS}",
            ),
            engine=_ENGINES.get(build.engine, "docker"),
            base_kept=build.engine is BuildEngine.BUILDKIT and state.keeps_base,
            conda_file=_may_bring_python(state, build),
            code=state.inputs.artifact or None,
        )

    return identifier, _of_build(state, build, identifier, "environment", request)


def _may_bring_python(state: BuildState, build: BuildStatus) -> bool | None:
    """It matters to the pod engine alone, whose Job says what the base image's container runs."""
    by_pod = build.engine is BuildEngine.POD and state.image.spec.conda_file is not None
    return True if by_pod else None


def assemble_task(state: BuildState, build: BuildStatus, *, tag: bool) -> tuple[str, TaskOf]:
    """Put models, code and the runtime on the environment; with a ``tag``, or to be tried first."""
    environment, spec = state.environment, state.image.spec
    environments, _, digest = (environment.image or "").partition("@")
    python = environment.python or ""
    content = build.hash if tag else _untagged(build)
    identifier = state.identifier("assemble", state.image.uid, content)

    def request(mine: BuildStatus, _: LogName) -> Wire:
        return AssembleRequest(
            repository=state.repository,
            version=version_of(mine),
            hash=mine.hash,
            environments=environments,
            environment_digest=digest,
            runtimes=state.shared("runtimes"),
            python=python,
            models=state.inputs.models,
            entry_script=spec.entry_script,
            environment_variables=dict(state.inputs.variables),
            log=_log(state, mine),
            code=state.inputs.artifact or None,
            tag=tag,
            debugger=spec.has_debugger,
        )

    return identifier, _of_build(state, build, identifier, "assemble", request, tag=tag)


def _untagged(build: BuildStatus) -> str:
    """The result stays until the image has been tried: it must not pass for another version's."""
    return hashlib.sha256(f"{build.hash} {version_of(build)} untagged".encode()).hexdigest()


def _of_build(
    state: BuildState,
    build: BuildStatus,
    identifier: str,
    program: str,
    request: Callable[[BuildStatus, LogName], Wire],
    *,
    tag: bool = True,
) -> TaskOf:
    """A task that works for a build, and writes its log; a new attempt has an id of its own.

    Where the image is tried afterwards the log of that goes on where this one ends.
    """
    task_state = state.evidence.tasks.get(identifier)
    options, settings = state.build_options, state.evidence.settings
    apart = program == "environment" and build.engine is BuildEngine.BUILDKIT
    files, config_map = _handed(state, program, apart=apart)
    access = state.environment_access if program == "environment" else state.access
    requests, limits = _quantities(options.resources) if program == "environment" else ({}, {})
    elsewhere = program == "assemble" and not _is_ours(state)

    def task(attempt: int) -> Task:
        again = task_state is not None and attempt > task_state.attempt
        mine = at_attempt(build, state.image, task_state, again=again)
        log = image_log(state.image.namespace, state.image.name, mine.id)
        if program == "environment":
            log = environment_log(state.image.namespace, state.environment.hash, attempt)
        return Task(
            id=identifier,
            program=program,
            attempt=attempt,
            request=request(mine, log),
            timeout=float(options.timeout_seconds or settings.build_timeout_seconds),
            files=files,
            build=f"{label(state.image)}/{mine.id}",
            namespace=state.image.namespace,
            owner=owner_of(state.image),
            log=log,
            log_elsewhere=elsewhere,
            log_if_failed=elsewhere and not tag,
            config_map=config_map,
            apart=settings.buildkit_namespace if apart else "",
            access=NO_ACCESS if apart else access,
            requests=requests,
            limits=limits,
            architecture=architecture_of(state.image.spec),
        )

    return task


def _handed(state: BuildState, program: str, *, apart: bool) -> tuple[Mapping[str, bytes], str]:
    """The files that a task needs, and the ConfigMap that it finds them in: where it is in another
    namespace there is none, and they travel with its request."""
    needed = {**state.inputs.recipe.copied, **state.inputs.recipe.local}
    if apart:
        return {path: state.inputs.files[path] for path in needed}, ""
    if program != "assemble" and not needed:
        return {}, ""
    config_map = state.image.spec.source.config_map
    return state.inputs.files, config_map.name if config_map else ""


def _is_ours(state: BuildState) -> bool:
    """The image goes to the operator's own registry, where it reads logs, too."""
    return state.repository.startswith(f"{state.evidence.settings.push_registry}/")


def _with_resources(hash_: str, resources: BuildResources) -> str:
    return hashlib.sha256(f"{hash_} {resources.model_dump_json()}".encode()).hexdigest()


def _quantities(resources: BuildResources | None) -> tuple[dict[str, str], dict[str, str]]:
    """What is asked for, and what may be used, by Kubernetes' names."""
    if resources is None:
        return {}, {}
    return _named(resources), _named(resources.limits or BuildLimits())


def _named(given: BuildResources | BuildLimits) -> dict[str, str]:
    named = {
        "cpu": given.cpu,
        "memory": given.memory,
        "ephemeral-storage": given.ephemeral_storage,
    }
    return {name: value for name, value in named.items() if value}


def _log(state: BuildState, build: BuildStatus) -> LogTarget:
    return LogTarget(repository=state.repository, tag=f"log-{build.id}", owner=label(state.image))
