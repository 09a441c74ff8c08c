"""What the demo's objects go through: create, build, roll out, fail, update, delete.

Each step is what a user applies, and how it is known that the operator is done with it. The same
story is told with stand-in tasks and with real ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fairlead.api.meta import API_VERSION
from fairlead.api.refs import Manifest
from tests.faults.view import NamespaceView

NAME = "diabetes"
GOOD = "def init():\n    pass\n\n\ndef run(data):\n    return {number}\n"
BAD = "def init():\n    raise ValueError('bad weights')\n\n\ndef run(data):\n    return data\n"
NO_SUCH_PACKAGE = "fairlead-no-such-package==1.0\n"
OURS = ("Model", "InferenceImage", "Webservice")
CHILDREN = ("Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler", "Secret")
FIXED: Manifest = {"replicas": 1}
SCALED: Manifest = {"autoscale": {"minReplicas": 1, "maxReplicas": 2}}


@dataclass(frozen=True)
class Step:
    """``settled``: everything that follows from the step has happened."""

    name: str
    apply: Sequence[Manifest]
    settled: Callable[[NamespaceView], bool]
    delete: Sequence[str] = ()
    """Kinds of the objects that are deleted."""


def create() -> Step:
    return Step(
        "create",
        (_weights("one"), _model(), _image(GOOD.format(number=1)), _service(FIXED)),
        lambda view: (
            _ready(view, "Model", "Stored") and _image_version(view) == 1 and _serving(view)
        ),
    )


def story() -> list[Step]:
    return [
        create(),
        Step(
            "build fails",
            (_image(GOOD.format(number=2), NO_SUCH_PACKAGE),),
            lambda view: _ready(view, "InferenceImage", "PackageNotFound") and _serving(view),
        ),
        Step(
            "rollout fails",
            (_image(BAD),),
            lambda view: (
                _ready(view, "InferenceImage", "Built")
                and _ready(view, "Webservice", "UserScriptInitFailed")
            ),
        ),
        Step(
            "update",
            (_image(GOOD.format(number=3)), _service(SCALED)),
            lambda view: (
                _image_version(view) == 4
                and view.get("HorizontalPodAutoscaler", NAME) is not None
                and _serving(view)
            ),
        ),
        Step(
            "new model",
            (_weights("two"), _service(FIXED)),
            lambda view: (
                _model_version(view) == 2
                and _image_version(view) == 5
                and view.get("HorizontalPodAutoscaler", NAME) is None
                and _serving(view)
            ),
        ),
        Step("delete", (), lambda view: not remains(view), delete=OURS[::-1]),
    ]


def short_story() -> list[Step]:
    """For real tasks and real pods, at an address that the machine reaches."""
    resources = {"cpu": "50m", "memory": "64Mi", "limits": {"memory": "256Mi"}}
    service = {**FIXED, "resources": resources, "auth": {"enabled": False}}
    exposed = _service({**service, "expose": {"type": "NodePort"}})
    first = create()
    return [
        replace(first, apply=(*first.apply[:-1], exposed)),
        Step(
            "update",
            (_image(GOOD.format(number=2)),),
            lambda view: _image_version(view) == 2 and _serving(view),
        ),
        story()[-1],
    ]


def remains(view: NamespaceView) -> list[str]:
    """What is left of the demo's objects, of their children and of their pods."""
    kinds = (*OURS, *CHILDREN, "ReplicaSet", "Pod")
    return [
        f"{manifest['kind']} {manifest['metadata']['name']}"
        for manifest in view.all(kinds)
        if manifest["metadata"]["name"].startswith(NAME)
    ]


def condition(manifest: Manifest | None, type_: str) -> Manifest:
    """The condition of that type as it was written for the newest generation; else empty."""
    status = (manifest or {}).get("status") or {}
    if manifest is None or status.get("observedGeneration") != manifest["metadata"]["generation"]:
        return {}
    return next((c for c in status.get("conditions", []) if c["type"] == type_), {})


def _ready(view: NamespaceView, kind: str, reason: str) -> bool:
    manifest = view.get(kind, NAME)
    working = condition(manifest, "Reconciling").get("status") == "True"
    return condition(manifest, "Ready").get("reason") == reason and not working


def _serving(view: NamespaceView) -> bool:
    """Serving, by one pod of the newest revision and no other."""
    deployment = view.get("Deployment", NAME)
    if deployment is None or not _ready(view, "Webservice", "Serving"):
        return False
    status = deployment.get("status") or {}
    counts = [status.get(f"{prefix}eplicas") for prefix in ("r", "readyR", "updatedR")]
    seen = status.get("observedGeneration") == deployment["metadata"]["generation"]
    return seen and counts == [1, 1, 1]


def _model_version(view: NamespaceView) -> int | None:
    version = ((view.get("Model", NAME) or {}).get("status") or {}).get("latestVersion")
    return int(version) if version else None


def _image_version(view: NamespaceView) -> int | None:
    """The version that is built, once the Webservice rolls it out."""
    image, deployment = view.get("InferenceImage", NAME), view.get("Deployment", NAME)
    if image is None or deployment is None or not _ready(view, "InferenceImage", "Built"):
        return None
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    digest = str(image["status"]["imageDigest"])
    return int(image["status"]["version"]) if digest in container["image"] else None


def _weights(content: str) -> Manifest:
    head = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "weights"}}
    return {**head, "data": {"weights.txt": content}}


def _model() -> Manifest:
    return _object("Model", {"source": {"configMap": {"name": "weights"}}})


def _image(script: str, requirements: str = "") -> Manifest:
    files = {"score.py": script, **({"requirements.txt": requirements} if requirements else {})}
    spec = {"source": {"inline": {"files": files}}, "entryScript": "score.py"}
    environment = {"requirementsFile": "requirements.txt"} if requirements else {}
    return _object("InferenceImage", {**spec, **environment, "models": [{"name": NAME}]})


def _service(scale: Manifest) -> Manifest:
    resources = {"cpu": "20m", "memory": "32Mi", "limits": {"memory": "256Mi"}}
    return _object("Webservice", {"imageRef": {"name": NAME}, "resources": resources, **scale})


def _object(kind: str, spec: Manifest) -> Manifest:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": NAME}, "spec": spec}
