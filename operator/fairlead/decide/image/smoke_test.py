"""The smoke test of an image as a task; pure.

An image that is to be tried gets no tag when it is put together. Its own container tries it, and
only what has passed is announced, and gets the tag of its version.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from fairlead.api.inferenceimage import BuildStatus
from fairlead.api.quantity import amount
from fairlead.api.reasons import Reason
from fairlead.api.smoke_test import TIMEOUT_S
from fairlead.api.webservice import Resources
from fairlead.contract import ModelLayer, SmokeRequest, Task, TaskPhase, TaskState
from fairlead.decide.image.build import at_attempt, label, repository
from fairlead.decide.image.sample import sample_file, sample_text, smoke_test
from fairlead.decide.image.tasks import BuildState, TaskOf
from fairlead.decide.platform import architecture_of
from fairlead.decide.task_progress import TaskProgress, owner_of
from fairlead.log_address import image_log
from fairlead.settings import Settings, quantities

MODELS_TIMES = 3  # what a model may take in memory, of its size in the registry
GPU = "nvidia.com/gpu"
PULL_ALLOWANCE_S = 600.0
NEVER_RAN = (Reason.IMAGE_PULL_FAILED, Reason.TASK_TIMED_OUT)
"""How a smoke test ends whose image no node had: what runs too long ends by its own word."""


def smoke_task(state: BuildState, build: BuildStatus) -> tuple[str, TaskOf]:
    """Return the id, and the task for an attempt, of the test of the image that is put together.

    With another sample, or other resources, it is another task: what failed is tried again.
    """
    test, image, digest = smoke_test(state.image.spec), state.image, build.image_digest or ""
    resources = test.resources or Resources()
    limits = _limits(resources, state.inputs.models, state.evidence.settings)
    request = SmokeRequest(
        image=f"{tried_in(state)}@{digest}",
        timeout_seconds=test.timeout_seconds or TIMEOUT_S,
        sample=sample_text(test.sample, state.inputs.files),
        sample_file=sample_file(test.sample, image.spec),
        **to_processes(state, limits),
    )
    content = _hash(request.model_dump_json(), resources.model_dump_json(), *limits.values())
    identifier = state.identifier("smoke", image.uid, content)
    task_state = state.evidence.tasks.get(identifier)

    def task(attempt: int) -> Task:
        again = task_state is not None and attempt > task_state.attempt
        mine = at_attempt(build, image, task_state, again=again)
        trial = trial_task(state, identifier, "smoke", request)(attempt, mine.id)
        requests = {"cpu": resources.cpu, "memory": resources.memory}
        return replace(trial, requests=requests, limits=limits)

    return identifier, task


def trial_task(
    state: BuildState, identifier: str, program: str, request: SmokeRequest
) -> Callable[[int, str], Task]:
    """What tasks that run the image have in common, for an attempt and what its log is of; what the
    container is given is the caller's to say."""
    image, settings = state.image, state.evidence.settings

    def task(attempt: int, build: str) -> Task:
        return Task(
            identifier,
            program,
            attempt,
            request,
            time_for(request, settings),
            build=f"{label(image)}/{build}",
            namespace=image.namespace,
            owner=owner_of(image),
            log=image_log(image.namespace, image.name, build),
            log_if_failed=True,
            access=state.access,
            architecture=architecture_of(image.spec),
        )

    return task


def tried_in(state: BuildState) -> str:
    """The repository as whoever runs the image reaches it: a node, or Docker Engine."""
    settings = state.evidence.settings
    return state.repository if settings.runner == "local" else repository(state.image, settings)


def to_processes(state: BuildState, limits: Mapping[str, str]) -> dict[str, Any]:
    """What a request says besides where tasks are processes: of a Job its pod says it."""
    if state.evidence.settings.runner != "local":
        return {}
    return {"name": state.image.name, "limits": limits}


def time_for(request: SmokeRequest, settings: Settings) -> float:
    """A Job is given the time to pull the image besides."""
    pull = PULL_ALLOWANCE_S if settings.runner == "local" else 0.0
    return float(request.timeout_seconds) + pull


def may_be_gone(progress: TaskProgress, assembly: TaskState | None) -> bool:
    """Whether an attempt ended before the image ran, and it was not put together again since.

    Registries collect what has no tag. Once for each attempt: the next waits as any other does.
    """
    state = progress.state
    if state is None or state.phase is not TaskPhase.FAILED or state.finished_at is None:
        return False
    if progress.failure is None or progress.failure.reason not in NEVER_RAN:
        return False
    made = assembly.finished_at if assembly else None
    return made is None or made < state.finished_at


def _limits(
    resources: Resources, models: tuple[ModelLayer, ...], settings: Settings
) -> dict[str, str]:
    """What the container may use. A service has no limit of its own; a test has one."""
    given = resources.limits
    limits = {"cpu": given.cpu, "memory": given.memory} if given else {}
    found = {name: value for name, value in limits.items() if value}
    usual = quantities(settings.task_limits).get("memory")
    size = MODELS_TIMES * sum(model.size for model in models)
    if "memory" not in found and usual and size:
        most = max(amount(usual) + size, amount(resources.memory))
        found["memory"] = str(int(most))
    return {**found, **({GPU: str(resources.gpu)} if resources.gpu else {})}


def _hash(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
