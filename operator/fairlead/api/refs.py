"""Where objects live in the Kubernetes API."""

from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Ref:
    """Where objects live: ``plural`` as in the API's paths; no namespace for cluster-wide kinds."""

    api_version: str
    plural: str
    namespace: str
    name: str = ""

    @property
    def path(self) -> str:
        root = "/api" if "/" not in self.api_version else "/apis"
        scope = f"namespaces/{self.namespace}/" if self.namespace else ""
        path = f"{root}/{self.api_version}/{scope}{self.plural}"
        return f"{path}/{self.name}" if self.name else path


PLURALS = {
    "Model": "models",
    "InferenceImage": "inferenceimages",
    "Webservice": "webservices",
    "Deployment": "deployments",
    "Service": "services",
    "Secret": "secrets",
    "Event": "events",
    "Job": "jobs",
    "Lease": "leases",
    "ConfigMap": "configmaps",
    "HorizontalPodAutoscaler": "horizontalpodautoscalers",
    "PodDisruptionBudget": "poddisruptionbudgets",
    "Ingress": "ingresses",
    "HTTPRoute": "httproutes",
}


def ref_of(manifest: Manifest) -> Ref:
    """Where the manifest's object lives."""
    meta = manifest["metadata"]
    plural = PLURALS[manifest["kind"]]
    return Ref(manifest["apiVersion"], plural, meta["namespace"], meta.get("name", ""))
