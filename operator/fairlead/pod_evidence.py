"""One pod as it was observed: its containers, how they ended, and what its events say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from fairlead.api.refs import Manifest
from fairlead.inputs.startup_record import StartupRecord, read_record

MAX_EVENT_CHARS = 4096
NEVER = datetime.min.replace(tzinfo=UTC)


class Role(StrEnum):
    """What a container is for. All but the scoring container were added by somebody else."""

    SCORING = "scoring"
    INIT = "init"
    """It has to end before the others start."""
    SIDECAR = "sidecar"


@dataclass(frozen=True)
class PodEvent:
    """One event of a pod; ``container`` is empty where it is about the pod as a whole."""

    reason: str
    message: str
    warning: bool = True
    container: str = ""
    at: datetime = NEVER
    """When it was seen last."""
    count: int = 1


@dataclass(frozen=True)
class ContainerEvidence:
    """One container of a pod; ``status`` is the kubelet's, empty before it has said anything."""

    name: str
    role: Role
    status: Manifest

    @property
    def ready(self) -> bool:
        """It serves or, of an init container, has done its work."""
        return self.status.get("ready") is True

    @property
    def started(self) -> bool | None:
        """Whether the present instance has passed its start-up probe; None: not known."""
        started = self.status.get("started")
        return started if isinstance(started, bool) else None

    @property
    def restarts(self) -> int:
        count = self.status.get("restartCount")
        return count if isinstance(count, int) else 0

    @property
    def running(self) -> bool:
        return isinstance(_map(self.status.get("state")).get("running"), dict)

    @property
    def waiting_reason(self) -> str:
        """The kubelet's reason why the container does not run; empty where it does."""
        return _text(self._waiting.get("reason"))

    @property
    def waiting_message(self) -> str:
        return _text(self._waiting.get("message"))

    @property
    def _waiting(self) -> Manifest:
        return _map(_map(self.status.get("state")).get("waiting"))

    @property
    def ended(self) -> Manifest:
        """How the newest instance that ended did end; empty if none did."""
        now = _map(_map(self.status.get("state")).get("terminated"))
        return now or _map(_map(self.status.get("lastState")).get("terminated"))

    @property
    def failed(self) -> bool:
        """An instance ended although it should not have, and none serves now."""
        done = self.role is Role.INIT and self.exit_code == 0
        return bool(self.ended) and not self.ready and not done

    @property
    def end_reason(self) -> str:
        """The kubelet's reason of the end: ``OOMKilled``, ``Error``, ``Completed`` …"""
        return _text(self.ended.get("reason"))

    @property
    def exit_code(self) -> int | None:
        code = self.ended.get("exitCode")
        return code if isinstance(code, int) else None

    @property
    def started_at(self) -> datetime | None:
        """When the instance that ended was started."""
        return _time(self.ended.get("startedAt"))

    @property
    def finished_at(self) -> datetime | None:
        return _time(self.ended.get("finishedAt"))

    @property
    def lived_s(self) -> float | None:
        """Seconds between the start and the end of the instance that ended; None: not known."""
        if self.started_at is None or self.finished_at is None:
            return None
        return max(0.0, (self.finished_at - self.started_at).total_seconds())

    @property
    def termination_message(self) -> str:
        """The start-up record, or else the end of the log of an instance that failed."""
        return _text(self.ended.get("message"))

    @property
    def record(self) -> StartupRecord | None:
        return read_record(self.termination_message)


@dataclass(frozen=True)
class PodEvidence:
    """One pod, the end of the log of the container that failed, and its events where they count.

    ``pod`` is the manifest or its projection (``observe/pod_projection.py``); ``container`` names
    the scoring container. Total: what is not of the type that the API promises is not there.
    """

    pod: Manifest
    container: str
    log: str | None = None
    events: Sequence[PodEvent] = ()

    @property
    def name(self) -> str:
        return _text(self.metadata.get("name"))

    @property
    def metadata(self) -> Manifest:
        return _map(self.pod.get("metadata"))

    @property
    def labels(self) -> Manifest:
        return _map(self.metadata.get("labels"))

    @property
    def created_at(self) -> datetime | None:
        return _time(self.metadata.get("creationTimestamp"))

    @property
    def ended_at(self) -> datetime:
        """About when a pod that has finished did so."""
        times = [self.created_at, self.changed_at("Ready")]
        times += [container.finished_at for container in self.containers]
        return max((at for at in times if at), default=NEVER)

    @property
    def leaving(self) -> bool:
        return "deletionTimestamp" in self.metadata

    @property
    def finished(self) -> bool:
        """The pod as a whole has ended: none of its containers is started again."""
        return self.phase in ("Failed", "Succeeded")

    @property
    def phase(self) -> str:
        return _text(self._status.get("phase"))

    @property
    def reason(self) -> str:
        """The kubelet's reason why the pod as a whole is where it is; mostly empty."""
        return _text(self._status.get("reason"))

    @property
    def message(self) -> str:
        return _text(self._status.get("message"))

    @property
    def node(self) -> str:
        """The node that the pod was placed on; empty before."""
        return _text(_map(self.pod.get("spec")).get("nodeName"))

    @property
    def host_ip(self) -> str:
        return _text(self._status.get("hostIP"))

    @property
    def gates(self) -> list[str]:
        """The scheduling gates that hold the pod back."""
        return [_text(gate.get("name")) for gate in self._spec_list("schedulingGates")]

    @property
    def containers(self) -> list[ContainerEvidence]:
        """All containers: the scoring container first, then those that must end before it."""
        by_role = sorted(self._containers(), key=lambda one: list(Role).index(one.role))
        scoring = ContainerEvidence(self.container, Role.SCORING, {})
        known = by_role and by_role[0].role is Role.SCORING
        return by_role if known else [scoring, *by_role]

    @property
    def scoring(self) -> ContainerEvidence:
        return self.containers[0]

    def find(self, name: str | None) -> ContainerEvidence:
        """The container of that name; the scoring container where there is none."""
        return next((one for one in self.containers if one.name == name), self.scoring)

    @property
    def failed(self) -> ContainerEvidence | None:
        """The first container that ended although it should not have."""
        return next((one for one in self.containers if one.failed), None)

    @property
    def crashed(self) -> bool:
        return self.failed is not None

    @property
    def ready(self) -> bool:
        """The pod serves; where its condition does not say, the scoring container's word counts."""
        status = self.condition("Ready").get("status")
        return status == "True" if status else self.scoring.ready

    @property
    def restarts(self) -> int:
        return max(one.restarts for one in self.containers)

    @property
    def begun(self) -> bool:
        """One of its containers has been started: sandbox and volumes are there."""
        return any(one.running or one.ended for one in self.containers)

    def condition(self, type_: str) -> Manifest:
        """The condition of that type; empty where there is none."""
        conditions = _maps(self._status.get("conditions"))
        return next((one for one in conditions if one.get("type") == type_), {})

    def changed_at(self, type_: str) -> datetime | None:
        """When the condition of that type changed its status last."""
        return _time(self.condition(type_).get("lastTransitionTime"))

    def served(self, container: ContainerEvidence) -> bool | None:
        """Whether the pod was ready during the life of the instance that ended; None: not known.

        ``Ready`` changes within an instance's life, or at its end, only where it was ready then.
        """
        changed = self.changed_at("Ready")
        if changed is None or container.started_at is None:
            return None
        return changed > container.started_at

    @property
    def _status(self) -> Manifest:
        return _map(self.pod.get("status"))

    def _spec_list(self, name: str) -> list[Manifest]:
        return _maps(_map(self.pod.get("spec")).get(name))

    def _containers(self) -> Iterator[ContainerEvidence]:
        restarting = {
            _text(one.get("name"))
            for one in self._spec_list("initContainers")
            if one.get("restartPolicy") == "Always"
        }
        for status in _maps(self._status.get("containerStatuses")):
            name = _text(status.get("name"))
            role = Role.SCORING if name == self.container else Role.SIDECAR
            yield ContainerEvidence(name, role, status)
        for status in _maps(self._status.get("initContainerStatuses")):
            name = _text(status.get("name"))
            role = Role.SIDECAR if name in restarting else Role.INIT
            yield ContainerEvidence(name, role, status)


def most_tried(pod: PodEvidence) -> tuple[int, str]:
    """A key to sort by: of several pods that fail alike, the one that has failed most is shown."""
    return pod.restarts, pod.name


def read_event(manifest: Manifest) -> PodEvent:
    """Return an event of the API (``v1``); total, whatever it holds."""
    series = _map(manifest.get("series"))
    times = (
        series.get("lastObservedTime"),
        manifest.get("lastTimestamp"),
        manifest.get("eventTime"),
        manifest.get("firstTimestamp"),
    )
    count = series.get("count") or manifest.get("count")
    path = _text(_map(manifest.get("involvedObject")).get("fieldPath"))
    return PodEvent(
        reason=_text(manifest.get("reason"))[:MAX_EVENT_CHARS],
        message=_text(manifest.get("message"))[:MAX_EVENT_CHARS],
        warning=manifest.get("type") != "Normal",
        container=path.partition("{")[2].rstrip("}"),
        at=next((at for at in map(_time, times) if at), NEVER),
        count=count if isinstance(count, int) else 1,
    )


def _map(value: object) -> Manifest:
    return value if isinstance(value, dict) else {}


def _maps(value: object) -> list[Manifest]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _time(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at and at.tzinfo else None
