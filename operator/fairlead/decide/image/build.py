"""An InferenceImage's builds: which version, which attempt, where its log is."""

from datetime import datetime

from fairlead.api.inferenceimage import BuildPhase, BuildStatus, InferenceImageStatus
from fairlead.api.objects import InferenceImage
from fairlead.contract import TaskPhase, TaskState
from fairlead.settings import Settings

ENDED_WITHOUT_RESULT = (TaskPhase.FAILED, TaskPhase.INTERRUPTED)


def repository(image: InferenceImage, settings: Settings) -> str:
    """Where the image lies, as the nodes name it."""
    return image.spec.repository or f"{settings.registry}/{image.namespace}/{image.name}"


def pushed_to(reference: str, settings: Settings) -> str:
    """The same place as the tasks reach it: our own registry may have two names."""
    host, _, path = reference.partition("/")
    return f"{settings.push_registry}/{path}" if host == settings.registry else reference


def build_for(status: InferenceImageStatus, wanted: str, now: datetime) -> BuildStatus:
    """The build that makes ``wanted`` (a hash of all inputs): the one at work, or the next version.

    Every new set of inputs is the next integer, also when its build fails, as in Azure ML v1.
    """
    if status.build and status.build.hash == wanted:
        return status.build
    number = last_version(status) + 1
    return BuildStatus(id=f"{number}-1", hash=wanted, phase=BuildPhase.ENVIRONMENT, started_at=now)


def last_version(status: InferenceImageStatus) -> int:
    """The highest version that was ever used, failed builds included; 0 where there is none."""
    built = version_of(status.build) if status.build else 0
    recorded = status.resolved.last_version if status.resolved else 0
    return max(built, recorded, status.version or 0)


def version_of(build: BuildStatus) -> int:
    return int(build.id.partition("-")[0])


def attempt_of(build: BuildStatus) -> int:
    return int(build.id.partition("-")[2])


def at_attempt(
    build: BuildStatus, image: InferenceImage, state: TaskState | None, *, again: bool
) -> BuildStatus:
    """``build`` with the id of the attempt that ``state`` belongs to; ``again``: of the next one.

    The task carries the id of the build it works for, so that a status that could not be written
    costs no number. Where the runner knows of no attempt, one that has failed is not the first.
    """
    version, number = version_of(build), int(build.id.rpartition("-")[2])
    mine = state is not None and state.build.startswith(f"{label(image)}/{version}-")
    if state is not None and mine:
        number = int(state.build.rpartition("-")[2]) + again
    elif state is None and build.phase is BuildPhase.FAILED:
        number += 1
    return build.model_copy(update={"id": f"{version}-{number}"})


def label(image: InferenceImage) -> str:
    return f"{image.namespace}/{image.name}"
