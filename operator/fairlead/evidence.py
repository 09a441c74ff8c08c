"""What was observed, as dataclasses: everything that a decision or a diagnosis may look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fairlead.api.meta import APPLIED
from fairlead.api.objects import InferenceImage, Model, Webservice
from fairlead.api.refs import Manifest
from fairlead.contract import TaskState
from fairlead.inputs.source import ParsedSource
from fairlead.log_address import LogKeys
from fairlead.pod_evidence import PodEvidence
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
    longest_startup_s: float = 0.0
    """Until a start-up that takes too long has ended at the latest, its grace period included."""
    liveness_window_s: float = 0.0
    """How long the liveness probe fails before the kubelet ends the container."""
    keys_secret: str = ""
    """Name of the Secret with the service's keys; empty where it has none."""
    pull_secrets: Sequence[str] = ()
    """Names of the Secrets that nodes pull the image with."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the API server made of our own apply of the manifest with the fingerprint ``applied``:
    where admission changes what we set, this is as good as we can have it."""

    applied: str
    owned_hash: str
    altered: Sequence[str] = ()
    """The fields that admission has changed, in a few words each."""


@dataclass(frozen=True, slots=True)
class PutBack:
    """What others had changed of what we set, when it was put right."""

    at: datetime
    altered: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ChildEvidence:
    """What decisions read of one live child: see ``observe/projection.py``, which makes it."""

    manifest: Manifest
    """``apiVersion``, ``kind``, ``metadata`` with name, namespace and uid, and of the rest the
    fields that decisions read; each has the type that the API promises, or is not there."""
    owned_hash: str
    """Of the fields that our field manager owns: see ``desired/owned_fields.py``."""
    resource_version: str
    managed: bool = False
    """Our field manager applied it: the fingerprint that it carries is ours."""
    owns_replicas: bool = False
    """``spec.replicas`` is among them."""
    accepted: Accepted | None = None
    """What came of our own apply, as far as this process has made it."""
    put_backs: Sequence[PutBack] = ()
    """The latest few, the oldest first."""

    @property
    def metadata(self) -> Manifest:
        metadata: Manifest = self.manifest["metadata"]
        return metadata

    @property
    def spec(self) -> Manifest:
        spec: Manifest = self.manifest.get("spec", {})
        return spec

    @property
    def status(self) -> Manifest:
        status: Manifest = self.manifest.get("status", {})
        return status

    def condition(self, type_: str) -> Manifest:
        """The condition of that type; empty where there is none."""
        conditions: list[Manifest] = self.status.get("conditions", [])
        return next((condition for condition in conditions if condition.get("type") == type_), {})

    @property
    def applied(self) -> str | None:
        """The fingerprint of the manifest that was applied last."""
        annotations: Manifest = self.metadata.get("annotations", {})
        return annotations.get(APPLIED)

    @property
    def controller(self) -> Manifest | None:
        """The owner that controls it, if one does."""
        owners: list[Manifest] = self.metadata.get("ownerReferences", [])
        return next((owner for owner in owners if owner.get("controller")), None)


@dataclass(frozen=True)
class ModelEvidence:
    """Everything a decision about a Model may look at. ``files``: None where they are missing.

    ``digests``: the sha256 of each file.
    """

    model: Model
    files: Mapping[str, bytes] | None
    digests: Mapping[str, str]
    tasks: Mapping[str, TaskState]
    settings: Settings
    new_tasks: Mapping[str, int] = field(default_factory=dict)
    """The place in line that a new task of each program would get; 0 would begin at once."""
    log_keys: LogKeys | None = None
    """The keys of logs; None where logs are served without."""


@dataclass(frozen=True)
class ImageEvidence:
    """Everything a decision about an InferenceImage may look at.

    ``models`` and ``files`` hold None for what does not exist. ``digests``: the sha256 of each
    file; ``parsed``: what the files say, None where there are none.
    """

    image: InferenceImage
    models: Mapping[str, Model | None]
    files: Mapping[str, bytes] | None
    digests: Mapping[str, str]
    parsed: ParsedSource | None
    tasks: Mapping[str, TaskState]
    settings: Settings
    new_tasks: Mapping[str, int] = field(default_factory=dict)
    """The place in line that a new task of each program would get; 0 would begin at once."""
    log_keys: LogKeys | None = None
    """The keys of logs; None where logs are served without."""


@dataclass(frozen=True)
class ScalingSettings:
    """What autoscalers of this cluster can go by. ``installed``: Fairlead's metrics API;
    ``taken_by`` is who serves ``custom.metrics.k8s.io`` in its place; ``tolerance``: autoscalers
    have that field."""

    installed: bool = False
    taken_by: str = ""
    tolerance: bool = False
    floor: int = 0
    """The fewest replicas that one Webservice may have while it is met by a spike; 0: none."""


NO_METRICS_API = ScalingSettings()


@dataclass(frozen=True, order=True)
class Claim:
    """A Webservice that may have a host, and wants it; the least of several comes first.

    ``contends`` is False once it has it; ``since`` then says since when, else when the Webservice
    was made.
    """

    contends: bool
    since: datetime
    namespace: str
    name: str
    host: str = field(compare=False)
    path: str = field(compare=False)
    service: str = field(default="", compare=False)
    """What controllers of Ingresses call its Service; empty where it wants no Ingress."""


@dataclass(frozen=True)
class ExposureEvidence:
    """``claims``: all on the host that the Webservice wants, its own among them.
    ``routes_missing``: the cluster knows no HTTPRoutes. ``leads_elsewhere``: an Ingress or
    HTTPRoute of ours in another namespace is still there for that host. ``namesakes``: all whose
    Service controllers call the same, its own among them. ``namesake_left``: an Ingress of ours in
    another namespace is still there for such a one."""

    claims: Sequence[Claim] = ()
    routes_missing: bool = False
    leads_elsewhere: bool = False
    namesakes: Sequence[Claim] = ()
    namesake_left: bool = False


@dataclass(frozen=True)
class Answering:
    """Of the pods that the metrics API asks (fronts, else replicas), those that have not answered
    it for a while. Of half of them or more there are no numbers."""

    asked: int = 0
    silent: int = 0


@dataclass(frozen=True)
class MeasuredLoad:
    """What the metrics API says of the requests of a Webservice in the last minute; the peak is the
    highest rate of a minute in the last day. Share is 0 to 1; ``run_seconds_p95`` is None where
    nothing ran."""

    requests_per_second: float = 0.0
    peak_requests_per_second: float = 0.0
    utilization_percent: float = 0.0
    queued: float = 0.0
    refused_per_minute: float = 0.0
    refused_share: float = 0.0
    run_seconds_p95: float | None = None


@dataclass(frozen=True)
class WebserviceEvidence:
    """Everything a decision about a Webservice may look at.

    ``children`` holds what exists under the names of its children, by ``ChildKind.key``, whoever
    made it.
    ``image`` is None where the InferenceImage does not exist (or none is referred to);
    ``fresh_keys`` are random, used only if the Secret has to be made.
    """

    webservice: Webservice
    image: InferenceImage | None
    children: Mapping[str, ChildEvidence]
    pods: Sequence[PodEvidence]
    """Those that serve."""
    fresh_keys: tuple[str, str]
    settings: Settings
    front_pods: Sequence[PodEvidence] = ()
    scaling: ScalingSettings = NO_METRICS_API
    load: MeasuredLoad | None = None
    """None where nothing is known."""
    answering: Answering = Answering()
    exposure: ExposureEvidence = ExposureEvidence()
