"""Webservice: an image, served: AksWebservice's knobs under Kubernetes' names."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from fairlead.api.fields import ImageReference, ObjectName
from fairlead.api.quantity import Quantity
from fairlead.api.status import Cell, CommonStatus
from fairlead.api.variables import WebserviceVariables
from fairlead.api.wire import StatusWire, Wire, rules

Replicas = Annotated[int, Field(ge=1, le=1000)]
Seconds = Annotated[int, Field(ge=1, le=86_400)]
MAX_SCORING_TIMEOUT_MS = 3_600_000


class ImageRef(Wire):
    name: ObjectName


class Autoscale(Wire):
    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.minReplicas <= self.maxReplicas",
                "minReplicas cannot be greater than maxReplicas",
            )
        )
    )

    enabled: bool = True
    min_replicas: Replicas = 1
    max_replicas: Replicas = 10
    target_utilization: Annotated[int, Field(ge=1, le=100)] = 70
    """Percent of the requested CPU that the average replica uses."""


class Limits(Wire):
    cpu: Quantity | None = None
    """Cores, such as 2 or 1500m. Quote a number with a decimal point: "1.5"."""
    memory: Quantity | None = None
    """Bytes, such as 512Mi or 1Gi."""


class Resources(Wire):
    """Requests, and limits where they are wanted."""

    model_config = ConfigDict(
        json_schema_extra=rules(
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
    )

    cpu: Quantity = "100m"
    """Cores that are set aside, such as 2 or 500m. Quote a number with a decimal point: "0.5"."""
    memory: Quantity = "512Mi"
    """Bytes that are set aside, such as 512Mi or 1Gi."""
    gpu: Annotated[int, Field(ge=0, le=64)] = 0
    limits: Limits | None = None


class Auth(Wire):
    enabled: bool = True


class Probes(Wire):
    initial_delay_seconds: Seconds = 310
    """How long ``init()`` may take: a start-up budget, not a wait."""
    period_seconds: Seconds = 10
    timeout_seconds: Seconds = 2
    success_threshold: Annotated[int, Field(ge=1, le=100)] = 1
    failure_threshold: Annotated[int, Field(ge=1, le=100)] = 3


class ExposeType(StrEnum):
    CLUSTER_IP = "ClusterIP"
    NODE_PORT = "NodePort"
    LOAD_BALANCER = "LoadBalancer"


class Expose(Wire):
    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(self.nodePort) || self.type == 'NodePort'",
                "nodePort needs type NodePort: set the type, or remove nodePort",
            )
        )
    )

    type: ExposeType = ExposeType.CLUSTER_IP
    node_port: Annotated[int, Field(ge=1, le=65_535)] | None = None


class WebserviceSpec(Wire):
    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.imageRef) != has(self.image)",
                "exactly one of imageRef and image must be given",
            ),
            (
                "!has(self.replicas) || !has(self.autoscale) || !self.autoscale.enabled",
                "replicas and autoscale exclude each other: remove replicas to let the service "
                "scale between minReplicas and maxReplicas, or set autoscale.enabled to false",
            ),
            (
                "has(self.replicas) || !has(self.autoscale) || self.autoscale.enabled",
                "autoscale is disabled but replicas is not given: set replicas",
            ),
        )
    )

    image_ref: ImageRef | None = None
    image: ImageReference | None = None
    autoscale: Autoscale | None = None
    replicas: Replicas | None = None
    resources: Resources | None = None
    auth: Auth | None = None
    probes: Probes | None = None
    scoring_timeout_milliseconds: Annotated[int, Field(ge=1, le=MAX_SCORING_TIMEOUT_MS)] | None = (
        None
    )
    """How long run() may take, 60 000 if not given; then its process is replaced."""
    environment_variables: WebserviceVariables | None = None
    expose: Expose | None = None

    @property
    def autoscaled(self) -> Autoscale | None:
        """The autoscaler's settings, or None where the number of replicas is fixed."""
        return None if self.replicas is not None else self.autoscale or Autoscale()


class State(StrEnum):
    """Azure ML v1's states of a service."""

    TRANSITIONING = "Transitioning"
    HEALTHY = "Healthy"
    UNHEALTHY = "Unhealthy"
    UNSCHEDULABLE = "Unschedulable"
    FAILED = "Failed"


class ReplicaCounts(StatusWire):
    desired: Annotated[int, Field(ge=0)] = 0
    ready: Annotated[int, Field(ge=0)] = 0
    updated: Annotated[int, Field(ge=0)] = 0


Reference = Annotated[str, Field(max_length=640)]  # a stored reference, and a digest


class Revision(StatusWire):
    """The image that serves, and the image that is rolled out (equal when all is well)."""

    active: Reference | None = None
    target: Reference | None = None


class WebserviceDisplay(StatusWire):
    replicas: Cell | None = None


class WebserviceStatus(CommonStatus):
    state: State | None = None
    scoring_uri: Annotated[str, Field(max_length=512)] | None = None
    swagger_uri: Annotated[str, Field(max_length=512)] | None = None
    replicas: ReplicaCounts | None = None
    revision: Revision | None = None
    display: WebserviceDisplay | None = None
