"""One table of a Webservice's children, read by what observes, plans and watches them.

The role of the operator is compared with it by a test.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from fairlead.api.objects import Webservice
from fairlead.api.refs import Manifest, Ref
from fairlead.desired.autoscaler import autoscaler
from fairlead.desired.deployment import deployment
from fairlead.desired.disruption_budget import disruption_budget
from fairlead.desired.exposure import GATEWAY_GROUP, NOTHING, Granted, http_route, ingress
from fairlead.desired.front import (
    ANYONE_SUFFIX,
    FRONT_SUFFIX,
    NO_SETTINGS,
    PODS_SUFFIX,
    FrontSettings,
    anyone_service,
    front_deployment,
    front_disruption_budget,
    pods_service,
)
from fairlead.desired.service import service
from fairlead.evidence import NO_METRICS_API, ScalingSettings


class Builder(Protocol):
    """Makes one child for a Webservice, its image, and the Secrets that nodes pull that with;
    ``front`` is what is known of its front, ``scaling`` of what autoscalers can go by, ``granted``
    what it may have of the cluster's way in."""

    def __call__(
        self,
        webservice: Webservice,
        image: str,
        pull_secrets: Sequence[str] = (),
        front: FrontSettings = NO_SETTINGS,
        scaling: ScalingSettings = NO_METRICS_API,
        granted: Granted = NOTHING,
        /,
    ) -> Manifest | None: ...


@dataclass(frozen=True)
class ChildKind:
    """``build`` returns the wanted manifest for a Webservice and its image, None where none is.

    A child is named like its Webservice, with ``suffix`` behind it.
    """

    api_version: str
    kind: str
    plural: str
    build: Builder
    suffix: str = ""

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


def _deployment(
    webservice: Webservice,
    image: str,
    pull_secrets: Sequence[str] = (),
    front: FrontSettings = NO_SETTINGS,
    *_: object,
) -> Manifest:
    return deployment(webservice, image, pull_secrets, front.handover_s)


def _service(
    webservice: Webservice,
    _: str,
    __: Sequence[str] = (),
    front: FrontSettings = NO_SETTINGS,
    *___: object,
) -> Manifest:
    through = webservice.spec.fronted is not None and front.serves
    return service(webservice, through_front=through)


def _front_deployment(
    webservice: Webservice,
    _: str,
    __: Sequence[str] = (),
    front: FrontSettings = NO_SETTINGS,
    *___: object,
) -> Manifest | None:
    return front_deployment(webservice, front)


def _autoscaler(
    webservice: Webservice,
    _: str,
    __: Sequence[str] = (),
    ___: FrontSettings = NO_SETTINGS,
    scaling: ScalingSettings = NO_METRICS_API,
    *____: object,
) -> Manifest | None:
    return autoscaler(webservice, scaling)


def _ingress(
    webservice: Webservice,
    _: str,
    __: Sequence[str] = (),
    ___: FrontSettings = NO_SETTINGS,
    ____: ScalingSettings = NO_METRICS_API,
    granted: Granted = NOTHING,
) -> Manifest | None:
    return ingress(webservice, granted)


def _http_route(
    webservice: Webservice,
    _: str,
    __: Sequence[str] = (),
    ___: FrontSettings = NO_SETTINGS,
    ____: ScalingSettings = NO_METRICS_API,
    granted: Granted = NOTHING,
) -> Manifest | None:
    return http_route(webservice, granted)


DEPLOYMENT = ChildKind("apps/v1", "Deployment", "deployments", _deployment)
SERVICE = ChildKind("v1", "Service", "services", _service)
DISRUPTION_BUDGET = ChildKind(
    "policy/v1",
    "PodDisruptionBudget",
    "poddisruptionbudgets",
    lambda webservice, *_: disruption_budget(webservice),
)
AUTOSCALER = ChildKind(
    "autoscaling/v2",
    "HorizontalPodAutoscaler",
    "horizontalpodautoscalers",
    _autoscaler,
)
PODS_SERVICE = ChildKind(
    "v1", "Service", "services", lambda webservice, *_: pods_service(webservice), PODS_SUFFIX
)
ANYONE_SERVICE = ChildKind(
    "v1", "Service", "services", lambda webservice, *_: anyone_service(webservice), ANYONE_SUFFIX
)
FRONT_DEPLOYMENT = ChildKind(
    "apps/v1", "Deployment", "deployments", _front_deployment, FRONT_SUFFIX
)
FRONT_DISRUPTION_BUDGET = ChildKind(
    "policy/v1",
    "PodDisruptionBudget",
    "poddisruptionbudgets",
    lambda webservice, *_: front_disruption_budget(webservice),
    FRONT_SUFFIX,
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
)
WATCHED_KINDS = (DEPLOYMENT, SERVICE, DISRUPTION_BUDGET, AUTOSCALER)
"""One of each kind of the API: all children of a kind are watched together."""
INGRESS = ChildKind("networking.k8s.io/v1", "Ingress", "ingresses", _ingress)
HTTP_ROUTE = ChildKind(f"{GATEWAY_GROUP}/v1", "HTTPRoute", "httproutes", _http_route)
EXPOSURE_KINDS = (INGRESS, HTTP_ROUTE)
"""Watched and made only where the settings grant them: the operator has no right to others."""
ALL_KINDS = (*CHILD_KINDS, *EXPOSURE_KINDS)
