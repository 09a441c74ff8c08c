"""Webservice: an image, served: AksWebservice's knobs under Kubernetes' names."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from fairlead.api.capacity import Capacity
from fairlead.api.debug import ServiceDebug
from fairlead.api.expose import Expose as Expose
from fairlead.api.expose import ExposeType as ExposeType
from fairlead.api.expose import HeldHost
from fairlead.api.fields import (
    Description,
    ImageReference,
    Labels,
    ObjectName,
    ServiceAccountName,
)
from fairlead.api.pods import (
    Affinity,
    NodeSelector,
    PodAnnotations,
    PodLabels,
    PriorityClassName,
    Tolerations,
    TopologySpreads,
    Volumes,
)
from fairlead.api.quantity import Quantity
from fairlead.api.rollout import DEADLINE_RULE, Revision, RolloutOptions
from fairlead.api.secret_ref import SecretRef
from fairlead.api.status import Cell, CommonStatus
from fairlead.api.variables import QUEUE_WAIT, SLOTS, WORKER_COUNT, WebserviceVariables
from fairlead.api.wire import StatusWire, Wire, rules

Replicas = Annotated[int, Field(ge=1, le=1000)]
Seconds = Annotated[int, Field(ge=1, le=86_400)]
MAX_SCORING_TIMEOUT_MS = 3_600_000
MAX_QUEUE_WAIT_MS = 3_600_000


class ImageRef(Wire):
    """An InferenceImage: its newest good image is served, and a new one is rolled out."""

    name: ObjectName
    """Name of an InferenceImage in the same namespace."""


class ScalingMetric(StrEnum):
    CONCURRENCY = "Concurrency"
    CPU = "CPU"


class Autoscale(Wire):
    """Replicas follow the load, by a HorizontalPodAutoscaler. This is the default, with the
    defaults of its fields, where replicas is not given."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.minReplicas <= self.maxReplicas",
                "minReplicas cannot be greater than maxReplicas",
            ),
            (
                "!self.fastLane || !has(self.metric) || self.metric != 'CPU'",
                "fastLane goes by requests: leave it out with metric CPU",
            ),
        )
    )

    enabled: bool = True
    """False: the number of replicas is fixed, and replicas must be given."""
    min_replicas: Replicas = 1
    """Fewest replicas, also when nothing is asked."""
    max_replicas: Replicas = 10
    """Most replicas, however much is asked."""
    target_utilization: Annotated[int, Field(ge=1, le=100)] = 70
    """Percent of its slots that the average replica has in use, or with metric CPU of the requested
    CPU."""
    metric: ScalingMetric | None = None
    """Concurrency: requests that run or wait, or were refused; needs Fairlead's metrics API. CPU:
    its use. Default: Concurrency where the metrics API is there, else CPU."""
    fast_lane: bool = False
    """Meet a load that needs twice the replicas within seconds, before the autoscaler looks: for a
    minute there are as many as it needs, up to maxReplicas. Needs Fairlead's metrics API."""


class Limits(Wire):
    """What a replica may use at the most."""

    cpu: Quantity | None = None
    """Cores, such as 2 or 1500m. Quote a number with a decimal point: "1.5"."""
    memory: Quantity | None = None
    """Bytes, such as 512Mi or 1Gi."""


LIMITS_RULES = (
    (
        "!has(self.limits) || !has(self.limits.cpu) || "
        "quantity(string(self.limits.cpu)).compareTo(quantity(string(self.cpu))) >= 0",
        "limits.cpu must be greater than or equal to cpu",
    ),
    (
        "!has(self.limits) || !has(self.limits.memory) || quantity("
        "string(self.limits.memory)).compareTo(quantity(string(self.memory))) >= 0",
        "limits.memory must be greater than or equal to memory",
    ),
)


class Resources(Wire):
    """Requests, and limits where they are wanted."""

    model_config = ConfigDict(json_schema_extra=rules(*LIMITS_RULES))

    cpu: Quantity = "100m"
    """Cores that are set aside, such as 2 or 500m. Quote a number with a decimal point: "0.5"."""
    memory: Quantity = "512Mi"
    """Bytes that are set aside, such as 512Mi or 1Gi."""
    gpu: Annotated[int, Field(ge=0, le=64)] = 0
    """GPUs of each replica, as nvidia.com/gpu; 0 for none."""
    limits: Limits | None = None
    """What a replica may use at the most; what is not given has no limit."""


class Concurrency(Wire):
    """How many requests a replica runs at a time, and how long others wait."""

    max_concurrent_requests: Annotated[int, Field(ge=1, le=1000)] = 1
    """Requests that a replica runs at the same time, each in a process of its own."""
    max_queue_wait_milliseconds: Annotated[int, Field(ge=1, le=MAX_QUEUE_WAIT_MS)] = 500
    """Longest time that a request waits until a replica is free; then 503."""


class FrontResources(Wire):
    """Requests of each front, and limits where they are wanted."""

    model_config = ConfigDict(json_schema_extra=rules(*LIMITS_RULES))

    cpu: Quantity = "20m"
    """Cores that are set aside."""
    memory: Quantity = "32Mi"
    """Bytes that are set aside. A front takes what its connections take: see docs/front.md."""
    limits: Limits | None = None
    """What a front may use at the most; of memory 128Mi if not given."""


class Front(Wire):
    """One queue before all replicas: an HAProxy of the service's own, behind its Service."""

    enabled: bool = True
    """False: requests go to the replicas directly, each of which has a queue of its own."""
    replicas: Annotated[int, Field(ge=1, le=2)] = 1
    """One has one queue; two outlive the loss of one, and share out less evenly."""
    resources: FrontResources | None = None
    """What each front is given."""


class Auth(Wire):
    """Whether a key is asked for."""

    enabled: bool = True
    """True: a request needs `Authorization: Bearer` with one of the two keys in Secret
    <name>-fairlead-keys."""


class Probes(Wire):
    """How Kubernetes finds out whether a replica has started and is well."""

    initial_delay_seconds: Seconds = 310
    """How long ``init()`` may take: a start-up budget, not a wait."""
    period_seconds: Seconds = 10
    """Time between two probes."""
    timeout_seconds: Seconds = 2
    """How long a probe waits for its answer."""
    success_threshold: Annotated[int, Field(ge=1, le=100)] = 1
    """How many probes in a row must succeed until a replica is ready again."""
    failure_threshold: Annotated[int, Field(ge=1, le=100)] = 3
    """How many probes in a row must fail until a replica is taken out, or restarted."""


CONCURRENCY_VARIABLES = (SLOTS, WORKER_COUNT, QUEUE_WAIT)
NAMES_CONCURRENCY = " || ".join(
    f"'{name}' in self.environmentVariables" for name in CONCURRENCY_VARIABLES
)


class ComputeType(StrEnum):
    AKS = "AKS"
    ACI = "ACI"


class WebserviceSpec(Wire):
    """An image, served: replicas, resources, keys, autoscaling, a scoring URI."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.imageRef) != has(self.image)",
                "exactly one of imageRef and image must be given",
            ),
            (
                "!has(self.pullSecretRef) || has(self.image)",
                "pullSecretRef needs image: for imageRef the InferenceImage's own pullSecretRef is "
                "used",
            ),
            (
                "!has(self.replicas) || !has(self.autoscale) || !self.autoscale.enabled",
                "replicas and autoscale exclude each other: remove replicas to let the service "
                "scale between minReplicas and maxReplicas, or set autoscale.enabled to false",
            ),
            (
                "has(self.replicas) || !has(self.autoscale) || self.autoscale.enabled || "
                "(has(self.computeType) && self.computeType == 'ACI')",
                "autoscale is disabled but replicas is not given: set replicas",
            ),
            (
                "!has(self.computeType) || self.computeType != 'ACI' || ("
                "(!has(self.replicas) || self.replicas == 1) && "
                "(!has(self.autoscale) || !self.autoscale.enabled))",
                "computeType ACI is one replica: remove replicas and autoscale, or computeType",
            ),
            (
                "!has(self.concurrency) || !has(self.environmentVariables) || "
                f"!({NAMES_CONCURRENCY})",
                "concurrency excludes the variables that say the same: remove "
                f"{', '.join(CONCURRENCY_VARIABLES)} from environmentVariables",
            ),
            DEADLINE_RULE,
        )
    )

    image_ref: ImageRef | None = None
    """The InferenceImage to serve. Exactly one of imageRef and image."""
    image: ImageReference | None = None
    """An image to serve that has the scoring runtime in it, by name. Exactly one of imageRef and
    image."""
    pull_secret_ref: SecretRef | None = None
    """Credentials that nodes pull image with: a Secret of type kubernetes.io/dockerconfigjson. With
    image only; what imageRef names is pulled with the InferenceImage's own."""
    autoscale: Autoscale | None = None
    """Replicas follow the load. Excludes replicas, unless enabled is false."""
    replicas: Replicas | None = None
    """A fixed number of replicas. Excludes autoscale, unless its enabled is false."""
    compute_type: ComputeType | None = None
    """AKS, the default, or ACI: what Azure Container Instances meant in Azure ML v1, which is one
    replica, no key where auth does not ask for one, and on AKS a virtual node where Fairlead's
    setting names these."""
    resources: Resources | None = None
    """What each replica is given: requests, and limits where they are wanted."""
    auth: Auth | None = None
    """Whether a key is asked for; by default it is."""
    probes: Probes | None = None
    """How Kubernetes finds out whether a replica has started and is well."""
    concurrency: Concurrency | None = None
    """How many requests a replica runs at a time, 1 if not given, and how long others wait."""
    front: Front | None = None
    """One queue before all replicas. Given, it is there unless enabled is false; not given, as the
    operator's settings say when the service is first deployed."""
    scoring_timeout_milliseconds: Annotated[int, Field(ge=1, le=MAX_SCORING_TIMEOUT_MS)] | None = (
        None
    )
    """How long run() may take, 60 000 if not given; then its process is replaced."""
    environment_variables: WebserviceVariables | None = None
    """Variables of the service's containers, over those of the image. docs/variables.md lists those
    with a meaning."""
    rollout: RolloutOptions | None = None
    """How long a new revision may take to get ready, and whether the one before comes back then."""
    expose: Expose | None = None
    """How the service is reached from outside of the cluster; by default it is not."""
    node_selector: NodeSelector | None = None
    """Labels that a node must have for the pods to run on it."""
    tolerations: Tolerations | None = None
    """Taints of nodes that the pods put up with."""
    affinity: Affinity | None = None
    """Nodes and other pods that the pods are put on, near to, or apart from."""
    topology_spread_constraints: TopologySpreads | None = None
    """How replicas are spread over nodes or zones."""
    priority_class_name: PriorityClassName | None = None
    """The pods' PriorityClass: which are put off, or pushed out, where there is no room."""
    service_account_name: ServiceAccountName | None = None
    """Whom the pods act as where a cloud's identity goes by ServiceAccounts; no token of the
    cluster's own is mounted. Default: the namespace's default."""
    pod_labels: PodLabels | None = None
    """Labels of the pods, besides Fairlead's."""
    pod_annotations: PodAnnotations | None = None
    """Annotations of the pods."""
    volumes: Volumes | None = None
    """What else the script finds in folders."""
    writable_source: bool | None = None
    """True: the script may write into its own folder, as Azure ML v1 let it; what it writes ends
    with the pod. By default it may write to /tmp alone. An image that was built by a version of
    Fairlead without this field needs a change, of any file or variable, to be built anew."""
    debug: ServiceDebug | None = None
    """Debug mode, never in production: one replica, without a front, at which a breakpoint fails no
    probe; a debugger attaches at port 5678 of the pod's loopback interface, which `fairlead debug`
    and `kubectl port-forward` reach."""
    tags: Labels | None = None
    """For people, as in Azure ML v1."""
    description: Description | None = None
    """For people, as in Azure ML v1."""

    @property
    def debugged(self) -> ServiceDebug | None:
        """The settings of debug mode, or None where it is off."""
        return self.debug if self.debug is not None and self.debug.enabled else None

    @property
    def autoscaled(self) -> Autoscale | None:
        """The autoscaler's settings, or None where the number of replicas is fixed."""
        return None if self.fixed_replicas is not None else self.autoscale or Autoscale()

    @property
    def fixed_replicas(self) -> int | None:
        """The number of replicas, or None where an autoscaler has it."""
        if self.debugged is not None:
            return 1
        alone = 1 if self.compute_type is ComputeType.ACI else None
        return self.replicas if self.replicas is not None else alone

    @property
    def authenticated(self) -> bool:
        """Whether a request needs a key. Of itself, v1's ACI asked for none."""
        return self.auth.enabled if self.auth else self.compute_type is not ComputeType.ACI

    @property
    def may_be_fronted(self) -> bool:
        """Whether there may be a front, given or by default."""
        return (self.front is None or self.front.enabled) and self.debugged is None

    @property
    def fronted(self) -> Front | None:
        """The front's settings, or None where requests go to the replicas directly."""
        given = self.front is not None and self.front.enabled and self.debugged is None
        return self.front if given else None


class State(StrEnum):
    """Azure ML v1's states of a service."""

    TRANSITIONING = "Transitioning"
    HEALTHY = "Healthy"
    UNHEALTHY = "Unhealthy"
    UNSCHEDULABLE = "Unschedulable"
    FAILED = "Failed"


class ReplicaCounts(StatusWire):
    """How many replicas there are."""

    desired: Annotated[int, Field(ge=0)] = 0
    """How many are wanted now: as given, or as the autoscaler says."""
    ready: Annotated[int, Field(ge=0)] = 0
    """How many answer, of whichever revision."""
    updated: Annotated[int, Field(ge=0)] = 0
    """How many are of the newest revision."""


class WebserviceDisplay(StatusWire):
    """Short texts for the columns of `kubectl get`."""

    replicas: Cell | None = None
    """Ready and desired replicas."""
    utilization: Cell | None = None
    """Requests that run or wait, in percent of all slots."""
    queued: Cell | None = None
    """Requests that wait."""
    refused: Cell | None = None
    """Requests that got 503 for want of a replica, in a minute."""


class WebserviceStatus(CommonStatus):
    """What Fairlead found and did."""

    state: State | None = None
    scoring_uri: Annotated[str, Field(max_length=512)] | None = None
    """Where requests are sent: from outside as soon as that works, from inside of the cluster till
    then."""
    swagger_uri: Annotated[str, Field(max_length=512)] | None = None
    """Where the service describes itself."""
    exposure: HeldHost | None = None
    """The host and path under which it may be reached, while it has them."""
    replicas: ReplicaCounts | None = None
    """How many replicas there are."""
    selector: Annotated[str, Field(max_length=256)] | None = None
    """The labels of the pods that serve, as `kubectl get pods --selector` takes them."""
    revision: Revision | None = None
    """The image that serves, and the image that is wanted."""
    capacity: Capacity | None = None
    """What requests did, and how many replicas they need. With Fairlead's metrics API."""
    display: WebserviceDisplay | None = None
