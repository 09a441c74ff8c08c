"""An administrator with helm and kubectl, on a cluster without anything of ours before."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fairlead.api.meta import API_VERSION, KINDS
from tests.cluster import Cluster, waiting
from tests.cluster.command import read

NAMESPACES = (
    *("chart-system", "chart-elsewhere", "chart-team"),
    *("team-a", "team-b", "fairlead-system", "fairlead-builds"),
)
CUSTOM_METRICS = "apiservice/v1beta2.custom.metrics.k8s.io"
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
PATIENCE = 240.0
HELM_SECONDS = 150.0


class Administrator:
    """helm and kubectl on the test cluster."""

    def __init__(self, cluster: Cluster, helm: Path, settings: Path) -> None:
        self._cluster, self._helm, self._settings = cluster, helm, settings

    def helm(self, *arguments: str | Path) -> str:
        connection = ("--kubeconfig", self._cluster.kubeconfig)
        return read([self._helm, *arguments, *connection], seconds=HELM_SECONDS)

    def install(self, verb: str, release: str, chart: Path, namespace: str, *more: str) -> str:
        place = (release, chart, "--namespace", namespace, "--values", self._settings)
        return self.helm(verb, *place, "--wait", "--timeout", "120s", *more)

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        return self._cluster.run_kubectl(*arguments, text=text)

    def apply(
        self, kind: str, name: str, spec: dict[str, Any], namespace: str = NAMESPACES[2]
    ) -> None:
        meta = {"name": name, "namespace": namespace}
        manifest = {"apiVersion": API_VERSION, "kind": kind, "metadata": meta, "spec": spec}
        self.kubectl("apply", "-f", "-", text=json.dumps(manifest))

    def reason(self, kind: str, name: str, wanted: str, namespace: str = NAMESPACES[2]) -> None:
        """Wait until ``Ready`` has this reason, for the newest generation."""

        def ready() -> str:
            seen = self._cluster.objects.get(kind, name, namespace)
            conditions = seen["status"]["conditions"]
            [one] = [each for each in conditions if each["type"] == "Ready"]
            current = seen["status"].get("observedGeneration") == seen["metadata"]["generation"]
            return str(one["reason"]) if current else "not of this generation"

        until(ready, lambda reason: reason == wanted)


def remove_all(administrator: Administrator) -> None:
    """What other tests, too, may have installed: definitions, the role, namespaces."""
    gone = ("--ignore-not-found", "--timeout=60s")
    definitions = [f"crd/{kind.crd_name}" for kind in KINDS]
    roles = [f"{kind}/fairlead-operator" for kind in ("clusterrole", "clusterrolebinding")]
    namespaces = [f"namespace/{namespace}" for namespace in NAMESPACES]
    # First what would keep namespaces from being deleted once nobody answers for it.
    administrator.kubectl("delete", *gone, CUSTOM_METRICS, *definitions, *roles, *namespaces)


def until(look: Callable[[], Any], holds: Callable[[Any], bool]) -> None:
    """Look until it holds; at the deadline fail with what was seen last."""
    waiting.until(look, holds, PATIENCE)
