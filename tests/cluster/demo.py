"""``make demo``: the whole line once, on a real cluster, with everything a person would see."""

import json
import shutil
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from fairlead.inputs.conda import read_conda
from fairlead.inputs.environment import Environment, read_environment
from tests.cluster.cluster import Cluster
from tests.cluster.command import run
from tests.cluster.errors import ClusterError
from tests.cluster.fingerprint import fingerprint
from tests.cluster.on_demand import front_image
from tests.cluster.operator_image import publish
from tests.cluster.places import Places
from tests.cluster.release import NAMESPACE as SYSTEM
from tests.cluster.release import RELEASE, install_chart
from tests.cluster.steps import Steps
from tests.cluster.up import up
from tests.plain_http import CLIENT

NAMESPACE = "demo"
MODEL_FILE = "sklearn_regression_model.pkl"
REQUEST = {"data": [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]]}
WAY_OPEN_SECONDS = 20.0
LOG_URI = "{.status.build.logUri}"
STAGES = (  # kind, its step, seconds it may take
    ("model", "Model stored in the registry", 120.0),
    ("inferenceimage", "InferenceImage built", 900.0),
    ("webservice", "Webservice serving", 300.0),
)


def demo(places: Places, steps: Steps) -> None:
    """Bring everything up, serve the example, and score the guide's request."""
    example = places.checkout / "examples/diabetes"
    cluster = up(places, steps, partial(publish, places, steps))
    front = {"frontDefault": True, "frontImage": front_image(places, steps)}
    install_chart(cluster, places, steps, front)
    with steps.step("Model of the example trained"):
        train(places, example)
    with steps.step("examples/diabetes applied"):
        cluster.run_kubectl("apply", "-f", "-", text=json.dumps(_namespace()))
        cluster.run_kubectl("apply", "-n", NAMESPACE, "-k", example)
    for kind, title, patience in STAGES:
        with steps.step(title):
            _wait_until_ready(cluster, kind, steps, patience)
    with steps.step("Request scored"):
        address, answer = _score(cluster)
    _tell(cluster, places, steps, address, answer)


def train(places: Places, example: Path) -> None:
    """Train the model of the example with the packages that its image will have; once."""
    model, environment = example / MODEL_FILE, _packages(example)
    key = fingerprint(example / "train.py", *environment)
    virtual = places.cache / f"example-{key}"
    if not (virtual / MODEL_FILE).exists():
        run([places.uv, "venv", "--quiet", "--clear", "--python", sys.executable, virtual])
        python = virtual / "bin/python"
        run([places.uv, "pip", "install", "--quiet", "--python", python, *environment])
        run([python, example / "train.py", virtual])
    model.write_bytes((virtual / MODEL_FILE).read_bytes())


def _packages(example: Path) -> list[str]:
    content = (example / "myenv.yml").read_bytes()
    environment = read_environment(content, "myenv.yml", read_conda)
    assert isinstance(environment, Environment), environment
    return [requirement.text for requirement in environment.requirements]


def _namespace() -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}


def _wait_until_ready(cluster: Cluster, kind: str, steps: Steps, patience: float) -> None:
    """Wait, and show each new reason that the object gives. What failed for good ends it."""
    deadline, told = time.monotonic() + patience, ""
    for status in _statuses(cluster, kind):
        conditions = {c["type"]: c for c in status.get("conditions", [])}
        ready = conditions["Ready"]
        if ready["status"] == "True":
            return
        if "Stalled" in conditions or time.monotonic() > deadline:
            raise _not_ready(kind, status, ready)
        if ready["reason"] != told:
            told = ready["reason"]
            steps.say(f"      {told}: {ready['message']}")


def _statuses(cluster: Cluster, kind: str) -> Iterator[dict[str, Any]]:
    while True:
        seen = cluster.run_kubectl("get", kind, "diabetes", "-n", NAMESPACE, "-o", "json")
        yield json.loads(seen).get("status", {})
        time.sleep(0.5)  # poll


def _not_ready(kind: str, status: dict[str, Any], ready: dict[str, Any]) -> ClusterError:
    failure = status.get("failure", {})
    log = failure.get("logTail", "").splitlines()[-12:]
    remedy = failure.get("remedy") or f"Look: kubectl describe {kind} diabetes -n {NAMESPACE}"
    return ClusterError(f"{ready['reason']}: {ready['message']}", remedy=remedy, tail=log)


def _score(cluster: Cluster) -> tuple[str, str]:
    seen = cluster.run_kubectl("get", "webservice", "diabetes", "-n", NAMESPACE, "-o", "json")
    address = json.loads(seen)["status"]["scoringUri"]
    answer = _post(address)
    if answer.status_code != httpx.codes.OK:
        raise ClusterError(f"{address} answered {answer.status_code}: {answer.text}")
    return address, answer.text


def _post(address: str) -> httpx.Response:
    """A pod may be ready a moment before every node knows the way to it."""
    deadline = time.monotonic() + WAY_OPEN_SECONDS
    while True:
        try:
            return CLIENT.post(address, json=REQUEST, timeout=30)
        except httpx.TransportError as error:
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"{address} does not answer ({error}).",
                    remedy=f"Look: kubectl get endpointslices,pods -n {NAMESPACE} -o wide",
                ) from error
            time.sleep(0.2)  # poll


def _tell(cluster: Cluster, places: Places, steps: Steps, address: str, answer: str) -> None:
    ours = "" if shutil.which("kubectl") else f"\n  export PATH={cluster.kubectl.parent}:$PATH"
    request = json.dumps(REQUEST, separators=(",", ":"))
    steps.say(f"""
POST {address}
{request}

{answer}

To look around:
  export KUBECONFIG={places.kubeconfig}{ours}
  kubectl get mdl,infimg,wsvc -n {NAMESPACE}
  kubectl describe wsvc diabetes -n {NAMESPACE}
  curl {address} -H 'Content-Type: application/json' -d '{request}'
  kubectl get --raw "$(kubectl get infimg diabetes -n {NAMESPACE} -o jsonpath='{LOG_URI}')"
  kubectl logs deployment/{RELEASE} -n {SYSTEM}
To stop everything: make down""")
