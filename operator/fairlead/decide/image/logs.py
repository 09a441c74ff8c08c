"""Where the log of a build is: its address, and the artifact that keeps it.

While an environment is built that is the environment's own log, which all images share that wait
for it; from then on it is the image's.
"""

from dataclasses import dataclass

from fairlead.api.inferenceimage import BuildStatus, HistoryEntry
from fairlead.api.objects import InferenceImage
from fairlead.decide.image.build import label, repository
from fairlead.decide.task_progress import TaskProgress
from fairlead.evidence import ImageEvidence
from fairlead.log_address import LogName, environment_log, image_log


@dataclass(frozen=True)
class BuildLog:
    """``uri``: where it is read; ``artifact``: where it lies in a registry, as nodes name it;
    ``failure_uri``: where to look for why the build failed."""

    uri: str
    artifact: str
    failure_uri: str


def image_build_log(evidence: ImageEvidence, build: BuildStatus) -> BuildLog:
    """The log of an image's own build."""
    image = evidence.image
    name, uri = image_log(image.namespace, image.name, build.id), log_uri(evidence, build.id)
    return BuildLog(uri, f"{repository(image, evidence.settings)}:{name.tag}", uri)


def log_uri(evidence: ImageEvidence, build: str) -> str:
    """Where the log of a build of the image is read, or of what stands in a build's place."""
    image = evidence.image
    name = image_log(image.namespace, image.name, build)
    return _keyed(evidence, name) or _local(evidence, f"{label(image)}/{build}")


def logged_history(
    evidence: ImageEvidence, history: tuple[HistoryEntry, ...]
) -> tuple[HistoryEntry, ...]:
    """The versions, each with where the log of its build is now, if its attempt is known.

    Without keys none is told but that of the newest build: all that the ``local`` runner serves.
    """
    image = evidence.image

    def logged(entry: HistoryEntry) -> HistoryEntry:
        if entry.attempt is None:
            return entry
        name = image_log(image.namespace, image.name, f"{entry.version}-{entry.attempt}")
        return entry.model_copy(update={"log_uri": _keyed(evidence, name) or None})

    return tuple(map(logged, history))


def environment_build_log(
    evidence: ImageEvidence, build: BuildStatus, hash_: str, progress: TaskProgress
) -> BuildLog:
    """The log of the environment that the build waits for.

    Without keys nothing but the log of the image that began it is served.
    """
    image = evidence.image
    name = environment_log(image.namespace, hash_, _attempt(progress))
    place = f"{evidence.settings.registry}/{image.namespace}/fairlead/environments:{name.tag}"
    uri = _keyed(evidence, name)
    if uri:
        return BuildLog(uri, place, uri)
    mine = f"{label(image)}/{build.id}"
    writer = _writer(image, progress) or mine
    return BuildLog(_local(evidence, mine), place, _local(evidence, writer))


def _attempt(progress: TaskProgress) -> int:
    """The one that is at work; of one that waits to be tried again, the one that failed."""
    if progress.task:
        return progress.task.attempt
    return progress.state.attempt if progress.state else 1


def _writer(image: InferenceImage, progress: TaskProgress) -> str:
    """The build that the task works for, if it is one of this namespace."""
    writer = progress.state.build if progress.state else ""
    return writer if writer.startswith(f"{image.namespace}/") else ""


def _keyed(evidence: ImageEvidence, name: LogName) -> str:
    """The address with the log's key; empty where there are no keys."""
    keys = evidence.log_keys
    return keys.address(evidence.settings.keyed_log_base, name) if keys else ""


def _local(evidence: ImageEvidence, build: str) -> str:
    """The address at the log server of the ``local`` runner."""
    owner, _, identifier = build.rpartition("/")
    base = f"http://{evidence.settings.log_address}"
    return f"{base}/inferenceimages/{owner}/builds/{identifier}/log"
