"""Environments built in Jobs: from manifests to a scored request, and no Docker Engine for it."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fairlead.api.refs import Manifest
from tests.cluster.demo import REQUEST, train
from tests.cluster.places import places
from tests.conda_channel import OWN_VERSION, installed, made, real_python, serving
from tests.e2e.scene import PATIENCE, SCRIPT, score
from tests.e2e_process.scene import Scene

EXAMPLE = Path(__file__).parents[2] / "examples/diabetes"
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
ENGINE = "fairlead.dev/task-program"
MISSING = (
    "dependencies:\n- python=3.11\n- pip:\n  - joblib==1.5.2\n  - no-such-package-of-fairlead\n"
)
BUILD_PATIENCE = PATIENCE  # pulling, installing, packing on a busy machine


@pytest.fixture(scope="module")
def settings(job_settings: dict[str, str]) -> dict[str, str]:
    return job_settings


@pytest.fixture(scope="module")
def built(stage: Scene) -> Scene:
    """The example in a namespace that lets in restricted pods alone; the operator has no engine."""
    stage.kubectl("label", "namespace", stage.namespace, RESTRICTED)
    train(places(), EXAMPLE)
    stage.kubectl("apply", "-k", str(EXAMPLE))
    stage.reason("webservice", "Serving", patience=BUILD_PATIENCE)
    return stage


@pytest.fixture
def elsewhere(built: Scene) -> Iterator[Scene]:
    """Another namespace, and for its pods the node that the first build did not run on."""
    scene = Scene(built.cluster, built.operator, f"{built.namespace}-again")
    scene.kubectl("create", "namespace", scene.namespace)
    scene.kubectl("label", "namespace", scene.namespace, RESTRICTED)
    [pod] = environment_pods(built)
    node = pod["spec"]["nodeName"]
    scene.kubectl("cordon", node)
    control_plane = ("taint", "nodes", f"--selector={CONTROL_PLANE}")
    scene.kubectl(*control_plane, f"{CONTROL_PLANE}-")
    yield scene
    scene.kubectl(*control_plane, f"{CONTROL_PLANE}=:NoSchedule")
    scene.kubectl("uncordon", node)
    scene.kubectl("delete", "namespace", scene.namespace, "--wait=false")


def environment_jobs(scene: Scene) -> list[Manifest]:
    of_task = scene.items("jobs", labels="fairlead.dev/task")
    return [job for job in of_task if job["metadata"]["annotations"][ENGINE] == "environment"]


def environment_pods(scene: Scene) -> list[Manifest]:
    return scene.items("pods", labels="app.kubernetes.io/component=environment")


def image_of(scene: Scene, name: str, conda: str) -> None:
    scene.image({"score.py": SCRIPT, "myenv.yml": conda}, name, condaFile="myenv.yml")


def test_the_example_is_served_and_its_environment_was_built_in_a_pod(built: Scene) -> None:
    answer = score(built.address(), REQUEST)
    assert answer.status_code == httpx.codes.OK
    predictions = json.loads(answer.json())["result"]
    assert [round(prediction) for prediction in predictions] == [6783, 4073]
    assert built.get("inferenceimage")["status"]["build"]["engine"] == "pod"
    [pod] = environment_pods(built)
    assert [one["name"] for one in pod["spec"]["containers"]] == ["install", "task"]


def test_another_node_builds_the_same_digest_and_kill_9_of_the_operator_joins_its_job(
    built: Scene, elsewhere: Scene, job_settings: dict[str, str]
) -> None:
    image_of(elsewhere, "again", (EXAMPLE / "myenv.yml").read_text())
    [job] = elsewhere.until(lambda: environment_jobs(elsewhere), bool)
    [pod] = elsewhere.until(lambda: environment_pods(elsewhere), bool)
    built.operator.kill()
    built.operator.start(**job_settings)
    again = elsewhere.reason("inferenceimage", "Built", "again", BUILD_PATIENCE)["environment"]
    assert [one["metadata"]["uid"] for one in environment_jobs(elsewhere)] == [
        job["metadata"]["uid"]
    ]
    [first_pod], [second_pod] = environment_pods(built), environment_pods(elsewhere)
    assert first_pod["spec"]["nodeName"] != second_pod["spec"]["nodeName"]
    assert pod["metadata"]["uid"] == second_pod["metadata"]["uid"]
    first = built.get("inferenceimage")["status"]["environment"]
    assert first["hash"] == again["hash"]
    assert first["image"].partition("@")[2] == again["image"].partition("@")[2]


def test_two_images_share_a_build_that_fails_by_the_line_of_their_file(built: Scene) -> None:
    for name in ("one", "other"):
        image_of(built, name, MISSING)
    for name in ("one", "other"):
        failure = built.reason("inferenceimage", "PackageNotFound", name, BUILD_PATIENCE)["failure"]
        assert failure["location"] == "myenv.yml:5"
        assert "no-such-package-of-fairlead" in failure["message"]
    [job] = [one for one in environment_jobs(built) if len(one["metadata"]["ownerReferences"]) == 2]
    owners = {owner["name"] for owner in job["metadata"]["ownerReferences"]}
    assert owners == {"one", "other"}
    built.kubectl("delete", "inferenceimage", "one")
    name = job["metadata"]["name"]
    built.until(lambda: owner_names(built, name), lambda names: names == {"other"})
    built.kubectl("delete", "inferenceimage", "other")
    built.until(lambda: owner_names(built, name), lambda names: not names)


def owner_names(scene: Scene, job: str) -> set[str]:
    """The owners of a Job; none where it is gone."""
    found = [one for one in environment_jobs(scene) if one["metadata"]["name"] == job]
    return {owner["name"] for one in found for owner in one["metadata"]["ownerReferences"]}


STEPS = (
    'ARG WORD=hello\nENV GREETING="$WORD world"\nWORKDIR /opt/tools\nCOPY settings.json $WORD/\n'
)
READS = """
import json, os, pathlib, stat

def init():
    assert os.environ["GREETING"] == "hello world"
    settings = pathlib.Path("/opt/tools/hello/settings.json")
    assert json.loads(settings.read_text()) == {"a": 1}
    environment = pathlib.Path("/opt/fairlead/env").stat()
    assert (environment.st_uid, stat.S_IMODE(environment.st_mode)) == (0, 0o755)

def run(data):
    return data
"""


def test_steps_without_run_change_what_the_script_sees(built: Scene) -> None:
    files = {"score.py": READS, "Dockerfile.steps": STEPS, "settings.json": '{"a": 1}'}
    built.image(files, "steps", dockerFile="Dockerfile.steps")
    built.service("steps")
    built.reason("webservice", "Serving", "steps", BUILD_PATIENCE)


OF_CONDA = """
import sys
import yaml

def init():
    assert sys.prefix == "/opt/fairlead/env", sys.prefix

def run(data):
    return [sys.version.split()[0], yaml.__with_libyaml__]
"""


def test_an_environment_of_condas_packages_is_served_with_its_own_python(
    built: Scene, tmp_path: Path
) -> None:
    """A real CPython, a native package and pip, from a channel that the test built."""
    packages = (real_python(), installed("pip"), installed("PyYAML", native=True))
    made(tmp_path / "main", *packages)
    with serving(tmp_path, built.cluster.gateway) as server:
        lines = (
            f"channels: ['{server.address}/main', nodefaults]",
            f"dependencies: [python=={OWN_VERSION}, pyyaml, {{pip: [tabulate==0.9.0]}}]",
        )
        files = {"score.py": OF_CONDA, "myenv.yml": "\n".join(lines)}
        built.image(files, "conda", condaFile="myenv.yml")
        built.service("conda", expose={"type": "NodePort"})
        built.reason("webservice", "Serving", "conda", BUILD_PATIENCE)
    answer = score(built.address("conda"), {"data": []})
    assert answer.json() == [OWN_VERSION, True]
