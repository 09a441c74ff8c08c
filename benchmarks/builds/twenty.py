"""Twenty images with one environment at once: how long it takes, and how many build it."""

import json
import time
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.builds.changes import MIB, SCRIPT, TWENTIETHS_PIN
from benchmarks.builds.fairlead_images import specification
from benchmarks.builds.figures import Figures, measured
from benchmarks.builds.rows import PIP
from fairlead.api.meta import API_VERSION
from tests.cluster.errors import ClusterError
from tests.e2e.file_server import FileServer

IMAGES = 20
MODEL_MIB = 10
LOOK_S = 1.0
PATIENCE_S = 900.0


@dataclass(frozen=True)
class Twenty:
    figures: Figures
    environment_jobs: tuple[str, ...]
    """Jobs that built one, or found it in the registry."""


def twenty(bench: Bench, namespace: str, files: FileServer) -> Twenty:
    """Their model is there before; each has a script of its own."""
    files.files = {"/twenty.bin": bytes(MODEL_MIB * MIB)}
    bench.apply(namespace, "Model", "m", {"source": {"uri": f"{files.base}/twenty.bin"}})
    bench.until_ready(namespace, "model", "m", "latestVersion", None)
    figures = measured(lambda: _made(bench, namespace))
    return Twenty(figures, _environment_jobs(bench, namespace))


def _made(bench: Bench, namespace: str) -> None:
    images = [
        {
            "apiVersion": API_VERSION,
            "kind": "InferenceImage",
            "metadata": {"name": f"m-{number}"},
            "spec": specification(PIP, TWENTIETHS_PIN, SCRIPT.format(number)),
        }
        for number in range(IMAGES)
    ]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": images})
    bench.cluster.run_kubectl("apply", "--namespace", namespace, "--filename", "-", text=text)
    deadline = time.monotonic() + PATIENCE_S
    while _with_digest(bench, namespace) < IMAGES:
        if time.monotonic() > deadline:
            raise ClusterError(f"{IMAGES} images were not made in {PATIENCE_S:.0f} s")
        time.sleep(LOOK_S)


def _with_digest(bench: Bench, namespace: str) -> int:
    jsonpath = "jsonpath={.items[*].status.imageDigest}"
    return len(_asked(bench, namespace, "inferenceimages", jsonpath).split())


def _environment_jobs(bench: Bench, namespace: str) -> tuple[str, ...]:
    """Kubernetes tells of each Job's pod, also where the Job is gone by now."""
    events = json.loads(_asked(bench, namespace, "events", "json"))["items"]
    names = {
        str(one["involvedObject"]["name"])
        for one in events
        if one["reason"] == "SuccessfulCreate" and one["involvedObject"]["kind"] == "Job"
    }
    return tuple(sorted(name for name in names if name.startswith("fairlead-environment-")))


def _asked(bench: Bench, namespace: str, kind: str, output: str) -> str:
    return bench.cluster.run_kubectl("get", kind, "--namespace", namespace, "--output", output)
