"""One table of a Webservice's children, read by what observes, plans and watches them.

The role of the operator is compared with it by a test.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fairlead.api.objects import Webservice
from fairlead.api.refs import Manifest, Ref
from fairlead.desired.autoscaler import autoscaler
from fairlead.desired.deployment import deployment
from fairlead.desired.disruption_budget import disruption_budget
from fairlead.desired.exposure import GATEWAY_GROUP, NOTHING, Granted, http_route, ingress
from fairlead.desired.front import (
    ANYONE_SUFFIX,
    FEW_SUFFIX,
    FRONT_SUFFIX,
    NO_SETTINGS,
    PODS_SUFFIX,
    FrontSettings,
    anyone_service,
    few_service,
    front_deployment,
    front_disruption_budget,
    pods_service,
)
from fairlead.desired.service import service
from fairlead.evidence import NO_METRICS_API, ScalingSettings


@dataclass(frozen=True)
class Known:
    """What children depend on besides their Webservice: its image, the Secrets that nodes pull that
    with, and what the settings and the cluster allow. The defaults are those of a cluster of which
    nothing is known."""

    image: str = ""
    pull_secrets: Sequence[str] = ()
    front: FrontSettings = NO_SETTINGS
    scaling: ScalingSettings = NO_METRICS_API
    granted: Granted = NOTHING
    """What the Webservice may have of the cluster's way in."""
    unplaced: bool = False
    """No node takes a replica of those that are wanted."""


Builder = Callable[[Webservice, Known], Manifest | None]


@dataclass(frozen=True)
class ChildKind:
    """``wanted`` returns the manifest that a Webservice should have, None where it is none.

    A child is named like its Webservice, with ``suffix`` behind it. One that is ``optional`` may be
    refused, and of its name may be what is somebody else's: then it is done without.
    """

    api_version: str
    kind: str
    plural: str
    wanted: Builder
    suffix: str = ""
    optional: bool = False

    @property
    def key(self) -> str:
        """Stands for the child among those of one Webservice."""
        return f"{self.kind}{self.suffix}"

    def name(self, webservice: str) -> str:
        """Its name, for a Webservice of that name."""
        return f"{webservice}{self.suffix}"

    def ref(self, webservice: Webservice) -> Ref:
        """Where this child of ``webservice`` lives."""
        return Ref(self.api_version, self.plural, webservice.namespace, self.name(webservice.name))


def _deployment(webservice: Webservice, known: Known) -> Manifest:
    return deployment(webservice, known.image, known.pull_secrets, known.front.handover_s)


def _service(webservice: Webservice, known: Known) -> Manifest:
    through = webservice.spec.fronted is not None and known.front.serves
    return service(webservice, through_front=through)


DEPLOYMENT = ChildKind("apps/v1", "Deployment", "deployments", _deployment)
SERVICE = ChildKind("v1", "Service", "services", _service)
DISRUPTION_BUDGET = ChildKind(
    "policy/v1",
    "PodDisruptionBudget",
    "poddisruptionbudgets",
    lambda webservice, _: disruption_budget(webservice),
)
AUTOSCALER = ChildKind(
    "autoscaling/v2",
    "HorizontalPodAutoscaler",
    "horizontalpodautoscalers",
    lambda webservice, known: autoscaler(webservice, known.scaling),
)
PODS_SERVICE = ChildKind(
    "v1", "Service", "services", lambda webservice, _: pods_service(webservice), PODS_SUFFIX
)
ANYONE_SERVICE = ChildKind(
    "v1", "Service", "services", lambda webservice, _: anyone_service(webservice), ANYONE_SUFFIX
)
FRONT_DEPLOYMENT = ChildKind(
    "apps/v1",
    "Deployment",
    "deployments",
    lambda webservice, known: front_deployment(webservice, known.front),
    FRONT_SUFFIX,
)
FRONT_DISRUPTION_BUDGET = ChildKind(
    "policy/v1",
    "PodDisruptionBudget",
    "poddisruptionbudgets",
    lambda webservice, _: front_disruption_budget(webservice),
    FRONT_SUFFIX,
)
FEW_SERVICE = ChildKind(
    "v1",
    "Service",
    "services",
    lambda webservice, known: few_service(webservice, unplaced=known.unplaced),
    FEW_SUFFIX,
    optional=True,
)
CHILD_KINDS = (
    DEPLOYMENT,
    SERVICE,
    DISRUPTION_BUDGET,
    AUTOSCALER,
    PODS_SERVICE,
    ANYONE_SERVICE,
    FRONT_DEPLOYMENT,
    FRONT_DISRUPTION_BUDGET,
    FEW_SERVICE,
)
WATCHED_KINDS = (DEPLOYMENT, SERVICE, DISRUPTION_BUDGET, AUTOSCALER)
"""One of each kind of the API: all children of a kind are watched together."""
INGRESS = ChildKind(
    "networking.k8s.io/v1",
    "Ingress",
    "ingresses",
    lambda webservice, known: ingress(webservice, known.granted),
)
HTTP_ROUTE = ChildKind(
    f"{GATEWAY_GROUP}/v1",
    "HTTPRoute",
    "httproutes",
    lambda webservice, known: http_route(webservice, known.granted),
)
EXPOSURE_KINDS = (INGRESS, HTTP_ROUTE)
"""Watched and made only where the settings grant them: the operator has no right to others."""
ALL_KINDS = (*CHILD_KINDS, *EXPOSURE_KINDS)
