"""`fairlead pull`: an image of a registry, on this machine, served by the line that is printed."""

import io
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from fairlead.contract import AssembleRequest, LogTarget
from fairlead.images.environment_labels import PYTHON_LABEL
from fairlead.images.layout import ENVIRONMENT
from fairlead.registry.client import Registry
from fairlead.registry.reference import parse_repository
from tests.cluster import Cluster
from tests.integration.registry.images import push_model
from tests.integration.registry.task import Tasks
from tests.integration.scoring.service import wait_until

PROGRAM = Path(sys.executable).with_name("fairlead")
DEADLINE_S = 300
PYTHON = "3.11.2"  # the base image has some 3.11
DOCKERFILE = f"""\
FROM {{base}}
RUN python3 -m venv --without-pip /{ENVIRONMENT}
ENV PATH=/{ENVIRONMENT}/bin:$PATH
LABEL {PYTHON_LABEL}="{PYTHON}"
"""
SCRIPT = b"""\
import json

from azureml.core.model import Model


def init():
    global weights
    with open(Model.get_model_path("credit")) as file:
        weights = file.read()


def run(data):
    return {"weights": weights, "sum": sum(json.loads(data))}
"""
JSON = {"content-type": "application/json"}


@pytest.fixture
def engine(cluster: Cluster) -> Iterator[docker.DockerClient]:
    """Docker Engine, with nothing of this test's left in it."""
    assert cluster.base_image
    client = docker.from_env(timeout=DEADLINE_S)
    yield client
    client.close()


@pytest.fixture
def image(
    cluster: Cluster, registry: Registry, namespace: str, engine: docker.DockerClient, tasks: Tasks
) -> str:
    """What the operator would have made of a script and a model, in the registry alone."""
    environment = f"{namespace}/fairlead/environments:1"
    text = DOCKERFILE.format(base=cluster.base_image).encode()
    engine.images.build(fileobj=io.BytesIO(text), tag=environment, rm=True, forcerm=True)
    try:
        pushed = engine.images.push(environment)
        assert "errorDetail" not in pushed, pushed
    finally:
        engine.images.remove(environment, force=True)
    environments = parse_repository(environment.removesuffix(":1"))
    digest = registry.digest_of(environments, "1")
    assert digest
    request = AssembleRequest(
        repository=f"{namespace}/credit",
        version=3,
        hash="hash-of-all-inputs",
        environments=str(environments),
        environment_digest=digest,
        runtimes=f"{cluster.registry}/shared/runtimes",
        python=PYTHON,
        models=(push_model(registry, namespace, "credit", b"heavy", tasks.root),),
        entry_script="score.py",
        log=LogTarget(repository=f"{namespace}/credit", tag="log-3-1", owner="demo/credit"),
    )
    assert tasks.run("assemble", request, {"score.py": SCRIPT}).ok["digest"]
    return f"{namespace}/credit:3"


def answer(port: int) -> object:
    """None while nobody answers."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/score", b"[1, 2]", JSON)
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as given:
            return json.load(given)
    except OSError:
        return None


def test_what_is_pulled_is_served_by_the_line_that_is_printed(
    image: str, engine: docker.DockerClient
) -> None:
    name = image.replace("/", "-").replace(":", "-")
    own = f"{name.lower()}:3"
    pull = [str(PROGRAM), "pull", image, "--tag", own]
    try:
        done = subprocess.run(pull, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{image} is here as {own}. Serve it at http://localhost:8000/score:" in done.stdout
        printed = done.stdout.splitlines()[-1].strip()
        assert printed == f"docker run --rm -p 8000:5001 {own}"
        line = printed.replace("docker run", f"docker run --detach --name {name}")
        subprocess.run(
            line.replace("8000:5001", "127.0.0.1::5001").split(), capture_output=True, check=True
        )
        published = engine.api.port(name, 5001)
        assert published, line
        port = int(published[0]["HostPort"])
        wait_until(lambda: answer(port) is not None, "an answer")
        assert answer(port) == {"weights": "heavy", "sum": 3}
    finally:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=False)
        for tag in (own, image):
            subprocess.run(
                ["docker", "image", "rm", "--force", tag], capture_output=True, check=False
            )
    assert not engine.images.list(name=image.rpartition(":")[0])
