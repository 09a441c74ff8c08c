"""From `kubectl apply` of a ConfigMap with a changed script to a new pod that is Ready.

With every default of Fairlead's, on a node that has the image's other layers: with tasks as child
processes of an operator beside the cluster, and as Jobs of one that Helm has installed. Processor
time is that of the whole cluster (nodes and registry; also of what it does by itself) and of an
operator beside it, so it says the same on a machine that has other work to do.
"""

import json
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from urllib.parse import quote

from benchmarks.bench import PATIENCE, Bench, show
from fairlead.api.refs import Manifest
from tests.cluster.operator_image import publish
from tests.cluster.release import install_chart

CHANGES = 10
AIM_S = 10.0
POLL_S = 1.0  # while nothing is measured
NAME = "changed"
LABEL = f"fairlead.dev/webservice={NAME}"
SELECT = quote(LABEL)
SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return {number}\n"
IMAGE = {"source": {"configMap": {"name": NAME}}, "entryScript": "score.py", "models": []}
SERVICE = {
    "imageRef": {"name": NAME},
    "replicas": 1,
    "auth": {"enabled": False},
    "resources": {"cpu": "50m", "memory": "128Mi"},
}


@dataclass(frozen=True)
class Change:
    """Seconds from apply to Ready, and those that processors have worked meanwhile and after it,
    until the image has its tag."""

    seconds: float
    processor_s: float


def measure(bench: Bench) -> None:
    rows = [_row("local", _changes(bench, "bench-changes-local"))]
    bench.kill_operator()
    publish(bench.places, bench.steps)
    install_chart(bench.cluster, bench.places, bench.steps)
    rows.append(_row("job", _changes(bench, "bench-changes-job")))
    columns = ("runner", "median", "p95", "aim", "processor seconds", "load of the machine")
    show(f"{CHANGES} changed scripts: seconds from apply to a new pod Ready", columns, rows)


def _row(runner: str, changes: list[Change]) -> tuple[str, ...]:
    seconds = sorted(change.seconds for change in changes)
    p95 = seconds[ceil(0.95 * len(seconds)) - 1]
    work = statistics.median(change.processor_s for change in changes)
    median = statistics.median(seconds)
    load = f"{os.getloadavg()[1]:.1f}"
    return runner, f"{median:.1f}", f"{p95:.1f}", f"≤ {AIM_S:.0f}", f"{work:.1f}", load


def _changes(bench: Bench, namespace: str) -> list[Change]:
    bench.namespace(namespace)
    with bench.steps.step("The first version serves"):
        _apply_script(bench, namespace, 0)
        bench.apply(namespace, "InferenceImage", NAME, IMAGE)
        bench.apply(namespace, "Webservice", NAME, SERVICE)
        _until_one_pod(bench, namespace)
    with bench.steps.step(f"{CHANGES} changes"):
        return [_change(bench, namespace, number) for number in range(1, CHANGES + 1)]


def _change(bench: Bench, namespace: str, number: int) -> Change:
    """The clock starts before kubectl does. The old pod is gone before the next change."""
    _until_one_pod(bench, namespace)
    known, before = set(_images(bench, namespace)), bench.processor_s()
    with bench.watch(f"/api/v1/namespaces/{namespace}/pods?labelSelector={SELECT}") as pods:
        started = time.monotonic()
        _apply_script(bench, namespace, number)
        _until_another_is_ready(pods, known)
        seconds = time.monotonic() - started
    _until_one_pod(bench, namespace)
    return Change(seconds, bench.processor_s() - before)


def _apply_script(bench: Bench, namespace: str, number: int) -> None:
    data = {"score.py": SCRIPT.format(number=number)}
    head = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}}
    bench.cluster.run_kubectl(
        "apply", "-n", namespace, "-f", "-", text=json.dumps({**head, "data": data})
    )


def _until_another_is_ready(pods: Iterator[Manifest], known: set[str]) -> None:
    for pod in pods:
        if _image_of(pod) not in known and _is_ready(pod):
            return
    raise TimeoutError("no pod with another image is Ready")


def _until_one_pod(bench: Bench, namespace: str) -> None:
    """The version before is gone, and the image has its tag: nothing is done for it any more."""
    deadline = time.monotonic() + PATIENCE
    while list(_images(bench, namespace).values()) != [True] or not _is_built(bench, namespace):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{namespace} does not come to rest")
        time.sleep(POLL_S)


def _is_built(bench: Bench, namespace: str) -> bool:
    return _is_ready({"status": bench.status(namespace, "inferenceimage", NAME)})


def _images(bench: Bench, namespace: str) -> dict[str, bool]:
    """The images of the service's pods, and whether a pod that has it is Ready."""
    seen = bench.cluster.run_kubectl("get", "pods", "-n", namespace, "-l", LABEL, "-o", "json")
    return {_image_of(pod): _is_ready(pod) for pod in json.loads(seen)["items"]}


def _image_of(pod: Manifest) -> str:
    return str(pod["spec"]["containers"][0]["image"])


def _is_ready(pod: Manifest) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
