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
from fairlead.desired.service import service


class Builder(Protocol):
    """Makes one child for a Webservice, its image, and the Secrets that nodes pull that with."""

    def __call__(
        self, webservice: Webservice, image: str, pull_secrets: Sequence[str] = (), /
    ) -> Manifest | None: ...


@dataclass(frozen=True)
class ChildKind:
    """``build`` returns the wanted manifest for a Webservice and its image, None where none is."""

    api_version: str
    kind: str
    plural: str
    build: Builder

    def ref(self, webservice: Webservice) -> Ref:
        """Where this child of ``webservice`` lives."""
        return Ref(self.api_version, self.plural, webservice.namespace, webservice.name)


DEPLOYMENT = ChildKind("apps/v1", "Deployment", "deployments", deployment)
SERVICE = ChildKind("v1", "Service", "services", lambda webservice, *_: service(webservice))
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
    lambda webservice, *_: autoscaler(webservice),
)
CHILD_KINDS = (DEPLOYMENT, SERVICE, DISRUPTION_BUDGET, AUTOSCALER)
