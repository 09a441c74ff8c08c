"""The guide's own example: Python 3.6, the packages of its time, a step that runs, a served model.

The interpreter is the oldest of the machine, packed as a conda package; its packages are those of
the package index, older ones where that is Python 3.6. The server runs on the base image's Python.
"""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conda_channel import Package, Server, made, real_python, serving
from tests.e2e.scene import score
from tests.e2e_process.scene import Scene
from tests.integration.scoring.test_own_python import (
    GUIDES_PYTHON,
    MODEL,
    NEWER,
    PACKAGES,
    RIDGE,
    SCORE,
)
from tests.pythons import interpreters, oldest, packages_for

PATIENCE_S = 240.0  # packages of 100 MB, on a busy machine
STEPS = "RUN apt-get update && apt-get -y install vim\n"
SAMPLE = [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]]


def asked() -> tuple[str, ...]:
    return PACKAGES if oldest() == GUIDES_PYTHON else NEWER


def version() -> str:
    said = subprocess.run(
        [str(interpreters()[oldest()]), "-V"], check=True, capture_output=True, text=True
    )
    return said.stdout.split()[1]


def pip_of(environment: Path) -> Package:
    """The pip that comes with that Python."""
    [site] = environment.glob("lib/python3.*/site-packages")
    names = ("pip", "pip-*", "setuptools", "setuptools-*", "pkg_resources")
    files = {
        f"site-packages/{path.relative_to(site)}": path.read_bytes()
        for name in names
        for folder in site.glob(name)
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    return Package("pip", files=files, depends=("python",), python=True)


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """One of the guide's Python, for the pip that it has."""
    folder = tmp_path / "author"
    subprocess.run([str(interpreters()[oldest()]), "-m", "venv", str(folder)], check=True)
    return folder


@pytest.fixture
def channel(environment: Path, tmp_path: Path) -> Iterator[Server]:
    home = interpreters()[oldest()].resolve().parents[1]
    made(tmp_path / "channels/main", real_python(home, version()), pip_of(environment))
    with serving(tmp_path / "channels") as server:
        yield server


def test_the_guides_own_example_is_built_served_and_scored(
    scene: Scene, channel: Server, tmp_path: Path
) -> None:
    packages = {**os.environ, "PYTHONPATH": str(packages_for(oldest(), asked()))}
    trains = [str(interpreters()[oldest()]), "-c", RIDGE, str(tmp_path / MODEL)]
    subprocess.run(trains, check=True, env=packages)
    model = base64.b64encode((tmp_path / MODEL).read_bytes()).decode()
    head = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ridge"}}
    scene.kubectl("apply", "-f", "-", text=json.dumps({**head, "binaryData": {MODEL: model}}))
    scene.apply("Model", {"modelName": MODEL, "source": {"configMap": {"name": "ridge"}}}, "ridge")
    script = SCORE.format(port=5678, wait=1)
    if oldest() != GUIDES_PYTHON:
        script = script.replace("from sklearn.externals import joblib", "import joblib")
    lines = ("azureml-defaults==1.0.17", *asked())
    myenv = {
        "name": "project_environment",
        "channels": [f"{channel.address}/main", "nodefaults"],
        "dependencies": [f"python={version()}", {"pip": list(lines)}],
    }
    files = {"score.py": script, "myenv.yml": json.dumps(myenv), "Dockerfile.steps": STEPS}
    spec = {"condaFile": "myenv.yml", "dockerFile": "Dockerfile.steps"}
    scene.image(files, models=[{"name": "ridge"}], **spec)
    status = scene.reason("inferenceimage", "Built", patience=PATIENCE_S)
    told = {one["type"]: one["message"] for one in status["conditions"]}
    assert "azureml-defaults==1.0.17 (myenv.yml:1)" in told["PackagesLeftOut"]
    scene.service(
        expose={"type": "NodePort"},
        resources={"cpu": "50m", "memory": "128Mi", "limits": {"memory": "512Mi"}},
    )
    scene.reason("webservice", "Serving", patience=PATIENCE_S)
    answer = json.loads(score(scene.address(), {"data": SAMPLE}).json())
    assert answer["result"] == pytest.approx([38.5, 22.0], abs=0.1)
