"""A version that somebody else pushed first: the next one is taken, a bounded number of times.

Two InferenceImages, or two clusters, may push to one repository. Each learns from the registry
which versions there are, and both may then choose the same one: who comes second finds it taken.
"""

from dataclasses import replace
from datetime import datetime

from fairlead.api.inferenceimage import BuildPhase, BuildStatus, InferenceImageStatus
from fairlead.api.reasons import Reason
from fairlead.contract import TaskState
from fairlead.decide.image.build import last_version, version_of
from fairlead.decide.task_progress import TaskProgress

MAX_VERSIONS_TAKEN = 20  # in a row; after that nothing is tried until the inputs change


def at_work(build: BuildStatus, state: TaskState | None, owner: str) -> BuildStatus:
    """``build`` under the version that its ``assemble`` task works on.

    The task is newer than the status where a status could not be written. ``owner`` is
    ``<namespace>/<name>``.
    """
    number = _version_at_work(state, owner)
    if number is None or number <= version_of(build):
        return build
    return build.model_copy(update={"id": f"{number}-1"})


def is_at_work(build: BuildStatus, state: TaskState | None, owner: str) -> bool:
    """Whether the task is one of ``build``, or of a later version."""
    number = _version_at_work(state, owner)
    return number is not None and number >= version_of(build)


def is_taken(build: BuildStatus, state: TaskState | None, owner: str) -> bool:
    """Whether the latest attempt found the version of ``build`` pushed by somebody else."""
    failure = state.failure if state else None
    if failure is None or failure.reason is not Reason.VERSION_TAKEN:
        return False
    return _version_at_work(state, owner) == version_of(build)


def given_up(build: BuildStatus) -> bool:
    return (build.versions_taken or 0) >= MAX_VERSIONS_TAKEN


def give_up(progress: TaskProgress) -> TaskProgress:
    """The same failure, as one that no further attempt follows."""
    if progress.failure is None:
        return progress
    told = {
        "message": f"{progress.failure.message} It is the last of {MAX_VERSIONS_TAKEN + 1} "
        "versions in a row that were all taken; no other is tried.",
        "remedy": "Find out who else pushes to the repository, and set another spec.repository. "
        "The build is tried again when its inputs change.",
        "retryable": False,
    }
    failure = progress.failure.model_copy(update=told)
    return replace(progress, task=None, failure=failure, retry_at=None)


def next_build(status: InferenceImageStatus, build: BuildStatus, now: datetime) -> BuildStatus:
    """The build of the same inputs under the next version."""
    number = max(last_version(status), version_of(build)) + 1
    return BuildStatus(
        id=f"{number}-1",
        hash=build.hash,
        phase=BuildPhase.ASSEMBLING,
        started_at=now,
        durations=build.durations,
        versions_taken=(build.versions_taken or 0) + 1,
    )


def _version_at_work(state: TaskState | None, owner: str) -> int | None:
    place, _, identifier = (state.build if state else "").rpartition("/")
    number = identifier.partition("-")[0]
    return int(number) if place == owner and number.isdecimal() else None
