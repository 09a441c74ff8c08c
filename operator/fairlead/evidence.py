"""What was observed, as dataclasses: everything that a decision or a diagnosis may look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fairlead.api.objects import InferenceImage, Model, Webservice
from fairlead.api.refs import Manifest
from fairlead.contract import TaskState
from fairlead.inputs.startup_record import StartupRecord, read_record
from fairlead.settings import Settings


@dataclass(frozen=True)
class PodContext:
    """What the checks need to know of the Webservice, to speak in its user's words."""

    webservice: str
    inference_image: str | None
    image: str
    memory_limit: str | None
    startup_budget: int
    """Seconds that ``init()`` may take."""


@dataclass(frozen=True)
class PodEvidence:
    """One pod, its scoring container, and the end of that container's log."""

    pod: Manifest
    container: str
    log: str | None = None

    @property
    def name(self) -> str:
        return str(self.pod["metadata"]["name"])

    @property
    def leaving(self) -> bool:
        return "deletionTimestamp" in self.pod["metadata"]

    @property
    def ready(self) -> bool:
        return bool(self._status.get("ready"))

    @property
    def restarts(self) -> int:
        return int(self._status.get("restartCount", 0))

    @property
    def running(self) -> bool:
        return bool(self._status.get("state", {}).get("running"))

    @property
    def waiting(self) -> Manifest:
        return dict(self._status.get("state", {}).get("waiting") or {})

    @property
    def ended(self) -> Manifest:
        """How the newest instance that ended did end; empty if none did."""
        now = self._status.get("state", {}).get("terminated")
        return dict(now or self._status.get("lastState", {}).get("terminated") or {})

    @property
    def exit_code(self) -> int | None:
        return self.ended.get("exitCode")

    @property
    def lived(self) -> float:
        """Seconds between the start and the end of the instance that ended."""
        times = (self.ended.get("startedAt"), self.ended.get("finishedAt"))
        if not all(times):
            return 0.0
        started, finished = (datetime.fromisoformat(str(at)) for at in times)
        return (finished - started).total_seconds()

    @property
    def record(self) -> StartupRecord | None:
        return read_record(str(self.ended.get("message") or ""))

    @property
    def conditions(self) -> Mapping[str, Manifest]:
        conditions = self.pod.get("status", {}).get("conditions") or []
        return {condition["type"]: condition for condition in conditions}

    @property
    def crashed(self) -> bool:
        """The container ended at least once, and does not serve now."""
        return bool(self.ended) and not self.ready

    @property
    def _status(self) -> Manifest:
        statuses = self.pod.get("status", {}).get("containerStatuses") or []
        return next((dict(s) for s in statuses if s["name"] == self.container), {})


@dataclass(frozen=True)
class ModelEvidence:
    """Everything a decision about a Model may look at. ``files``: None where they are missing."""

    model: Model
    files: Mapping[str, bytes] | None
    tasks: Mapping[str, TaskState]
    settings: Settings


@dataclass(frozen=True)
class ImageEvidence:
    """Everything a decision about an InferenceImage may look at.

    ``models`` and ``files`` hold None for what does not exist.
    """

    image: InferenceImage
    models: Mapping[str, Model | None]
    files: Mapping[str, bytes] | None
    tasks: Mapping[str, TaskState]
    settings: Settings


@dataclass(frozen=True)
class WebserviceEvidence:
    """Everything a decision about a Webservice may look at.

    ``children`` holds what exists under the Webservice's name, by kind, whoever made it.
    ``image`` is None where the InferenceImage does not exist (or none is referred to);
    ``fresh_keys`` are random, used only if the Secret has to be made.
    """

    webservice: Webservice
    image: InferenceImage | None
    children: Mapping[str, Manifest]
    pods: Sequence[PodEvidence]
    fresh_keys: tuple[str, str]
    settings: Settings
