"""What a person does and sees: apply, get, describe, curl; and waiting with a deadline."""

import json
import re
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from fairlead.api.meta import API_VERSION
from fairlead.api.refs import Manifest
from tests.cluster import Cluster, ClusterError
from tests.cluster.versions import SCORING_PORT
from tests.cluster.waiting import until
from tests.e2e.installed_operator import InstalledOperator
from tests.plain_http import CLIENT

Seen = TypeVar("Seen")
PATIENCE = 420.0  # seconds; the longest that anything here may take beside other scenes
SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"


class Operator(Protocol):
    """Installed by the chart, or a process beside the cluster."""

    def whole_log(self) -> str: ...
    def build_log(self, uri: str) -> str: ...
    def may(self, verb: str, resource: str) -> bool: ...


AnyOperator = TypeVar("AnyOperator", bound=Operator)
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


class SceneUnder(Generic[AnyOperator]):
    def __init__(self, cluster: Cluster, operator: AnyOperator, namespace: str) -> None:
        self.cluster, self.operator, self.namespace = cluster, operator, namespace

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        return self.cluster.run_kubectl(f"--namespace={self.namespace}", *arguments, text=text)

    def apply(self, kind: str, spec: Manifest, name: str = "diabetes") -> None:
        head = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}}
        self.kubectl("apply", "-f", "-", text=json.dumps({**head, "spec": spec}))

    def refused(self, kind: str, spec: Manifest, name: str = "diabetes") -> str:
        """What the API server says against an object."""
        with pytest.raises(ClusterError) as refusal:
            self.apply(kind, spec, name)
        return "\n".join(refusal.value.tail)

    def config_map(self, name: str, **files: str) -> None:
        """Keys are file names with ``__`` for the dot."""
        data = {key.replace("__", "."): content for key, content in files.items()}
        head = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        self.kubectl("apply", "-f", "-", text=yaml.safe_dump({**head, "data": data}))

    def image(
        self, files: dict[str, str] | None = None, name: str = "diabetes", **spec: Any
    ) -> None:
        """Not tried before it has its tag, unless ``spec`` says so: a script that does not start
        would never come to a service."""
        source = {"inline": {"files": files or {"score.py": SCRIPT}}}
        usual = {"source": source, "entryScript": "score.py", "smokeTest": {"enabled": False}}
        self.apply("InferenceImage", {**usual, **spec}, name)

    def service(self, name: str = "diabetes", **spec: Any) -> None:
        """A small service; None takes a field away."""
        resources = {"cpu": "50m", "memory": "64Mi", "limits": {"memory": "256Mi"}}
        whole = {"replicas": 1, "auth": {"enabled": False}, "resources": resources, **spec}
        image = {} if "image" in spec else {"imageRef": {"name": name}}
        given = {key: value for key, value in {**image, **whole}.items() if value is not None}
        self.apply("Webservice", given, name)

    def let_in_restricted_pods_alone(self) -> None:
        """By Pod Security, in this scene's namespace."""
        self.kubectl("label", "namespace", self.namespace, RESTRICTED)

    def get(self, kind: str, name: str = "diabetes") -> Manifest:
        return self.cluster.objects.get(kind, name, self.namespace)

    def items(self, kind: str, *, labels: str = "", fields: str = "") -> list[Manifest]:
        return self.cluster.objects.items(kind, self.namespace, labels=labels, fields=fields)

    def pods(self) -> list[Manifest]:
        """Those that serve; tasks have others."""
        return self.items("pods", labels="app.kubernetes.io/component=scoring")

    def columns(self, kind: str, name: str = "diabetes") -> dict[str, str]:
        """One line of ``kubectl get``, cell by cell."""
        header, line = self.kubectl("get", kind, name).splitlines()
        starts = [word.start() for word in re.finditer(r"\S+", header)]
        ends = [*starts[1:], None]
        cells = [line[start:end].strip() for start, end in zip(starts, ends, strict=True)]
        return dict(zip(header.split(), cells, strict=True))

    def until(
        self, look: Callable[[], Seen], holds: Callable[[Seen], object], patience: float = PATIENCE
    ) -> Seen:
        """Look until it holds; at the deadline fail with what was seen last."""
        return until(look, holds, patience)

    def reason(
        self, kind: str, reason: str, name: str = "diabetes", patience: float = PATIENCE
    ) -> Manifest:
        """Wait until ``Ready`` has this reason (for the newest generation); return the status."""

        def says(seen: Manifest) -> bool:
            status = seen.get("status", {})
            current = status.get("observedGeneration") == seen["metadata"]["generation"]
            return bool(current and condition(status, "Ready")["reason"] == reason)

        found = self.until(lambda: self.get(kind, name), says, patience)
        return dict(found["status"])

    def events(self, kind: str, name: str = "diabetes") -> list[str]:
        """``Warning PackageNotFound: message``, in no order."""
        about = f"involvedObject.kind={kind},involvedObject.name={name}"
        seen = self.items("events", fields=about)
        return [f"{event['type']} {event['reason']}: {event['message']}" for event in seen]

    def told(self, kind: str, words: str, name: str = "diabetes") -> list[str]:
        """The events that have these words in them; some are waited for: a status is told of after
        it is written, and the events of one moment in no order."""

        def fitting() -> list[str]:
            return [event for event in self.events(kind, name) if words in event]

        return self.until(fitting, bool)

    def address(self, name: str = "diabetes") -> str:
        """Where the machine reaches a NodePort service of this scene, once it does.

        A pod may be ready a moment before every node knows the way to it.
        """
        uri = self.reachable(str(self.get("webservice", name)["status"]["scoringUri"]))
        self.until(lambda: opens(uri), bool)
        return uri

    def reachable(self, uri: str) -> str:
        """The same, at a node's own address where kind does not map the port to this machine."""
        port = urlsplit(uri).port
        return uri if port == SCORING_PORT else uri.replace("localhost", self.cluster.node, 1)


Scene = SceneUnder[InstalledOperator]


def condition(status: Manifest, type_: str) -> Manifest:
    """The condition of that type; empty where there is none."""
    return next((c for c in status.get("conditions", []) if c["type"] == type_), {"reason": None})


def opens(address: str) -> bool:
    """Whether anybody answers there, whatever the answer."""
    try:
        CLIENT.options(address, timeout=5)
    except httpx.TransportError:
        return False
    return True


def score(address: str, body: object, **headers: str) -> httpx.Response:
    """Send one request, as curl would."""
    return CLIENT.post(address, json=body, headers=headers, timeout=30)
