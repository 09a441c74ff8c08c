"""The tags of images that have passed their smoke test; pure.

Such an image is announced by its digest, and serves, while a task gives it the tag of its version.
Whatever becomes of the spec meanwhile, each gets its tag: history remembers which have none yet.
"""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from fairlead.api.inferenceimage import BuildStatus, HistoryEntry, InferenceImageStatus
from fairlead.api.reasons import Reason
from fairlead.contract import PublishRequest, Task, TaskFailure
from fairlead.decide.access import access_key, image_access
from fairlead.decide.image.build import label, pushed_to, repository
from fairlead.decide.image.taken import given_up, next_build
from fairlead.decide.task_progress import TaskProgress, owner_of, task_progress
from fairlead.evidence import ImageEvidence

TIMEOUT_S = 120.0  # seconds; a few questions to a registry
TAGGED = {"untagged": None, "repository": None}


@dataclass(frozen=True)
class Tags:
    """``status`` with what is known of the tags now, and what is to be done for the others."""

    status: InferenceImageStatus
    tasks: tuple[Task, ...] = ()
    taken: tuple[str, ...] = ()
    requeue_after: float = math.inf
    """Seconds until the next try."""


def put_tags(evidence: ImageEvidence, status: InferenceImageStatus, now: datetime) -> Tags:
    """Give every image in the history its tag that has none.

    One whose version somebody else has pushed, or that the registry does not have any more, is
    forgotten: where it is wanted it is built again. Whatever else fails is tried again.
    """
    progress = {
        entry.version: tag_progress(evidence, entry, now)
        for entry in status.history
        if entry.untagged
    }
    done = {version: one for version, one in progress.items() if one.result is not None}
    lost = [entry for entry in status.history if _is_lost(progress.get(entry.version), status)]
    kept = [
        entry.model_copy(update=TAGGED) if entry.version in done else entry
        for entry in status.history
        if entry not in lost
    ]
    build = status.build
    for entry in lost:
        build = _again(status, build, entry, progress[entry.version].failure, now)
    gone = {entry.version for entry in lost}
    rest = [one for version, one in progress.items() if version not in gone and version not in done]
    lasting = {"history": tuple(kept), "build": build}
    if gone:
        lasting["resolved"] = None  # ask again what is there
    over = (one for version, one in progress.items() if version in gone or version in done)
    return Tags(
        status.model_copy(update=lasting) if progress else status,
        tuple(one.task for one in rest if one.task),
        tuple(one.identifier for one in over),  # the same image may want its tag once more
        _soonest(rest, now),
    )


def tag_progress(evidence: ImageEvidence, entry: HistoryEntry, now: datetime) -> TaskProgress:
    """How it stands with the tag of one image."""
    image, settings, access = evidence.image, evidence.settings, image_access(evidence.image.spec)
    request = PublishRequest(
        repository=entry.repository or pushed_to(repository(image, settings), settings),
        version=entry.version,
        digest=entry.digest,
    )
    content = hashlib.sha256(request.model_dump_json().encode()).hexdigest()[:16]
    identifier = f"publish-{image.uid}-{content}{access_key(access)}-{settings.fingerprint}"

    def task(attempt: int) -> Task:
        return Task(
            identifier,
            "publish",
            attempt,
            request,
            TIMEOUT_S,
            build=f"{label(image)}/{entry.version}-1",
            namespace=image.namespace,
            owner=owner_of(image),
            access=access,
        )

    found = task_progress(identifier, task, evidence.tasks, image.created_at, now)
    return found.with_position(evidence.new_tasks)


def _is_lost(progress: TaskProgress | None, status: InferenceImageStatus) -> bool:
    failure = progress.failure if progress else None
    if failure is None:
        return False
    tried = status.build is None or not given_up(status.build)
    taken = failure.reason is Reason.VERSION_TAKEN and tried
    return taken or failure.gone


def _again(
    status: InferenceImageStatus,
    build: BuildStatus | None,
    entry: HistoryEntry,
    failure: TaskFailure | None,
    now: datetime,
) -> BuildStatus | None:
    """The build of the image, which begins anew: under the next version, where its own is taken."""
    if build is None or build.hash != entry.hash:
        return build
    if failure is not None and failure.reason is Reason.VERSION_TAKEN:
        return next_build(status, build, now)
    return build.model_copy(update={"image_digest": None, "smoke_test": None})


def _soonest(progress: Iterable[TaskProgress], now: datetime) -> float:
    return min((one.requeue_after(now, math.inf) for one in progress), default=math.inf)
