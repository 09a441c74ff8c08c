"""Environments built in Jobs, in a namespace that lets in restricted pods alone."""

from pathlib import Path

import pytest

from fairlead.api.refs import Manifest
from tests.conda_channel import OWN_VERSION, installed, made, real_python, serving
from tests.e2e.scene import SCRIPT, AnyOperator, Scene, SceneUnder, score

ENGINE = "fairlead.dev/task-program"
MISSING = (
    "dependencies:\n- python=3.11\n- pip:\n  - joblib==1.5.2\n  - no-such-package-of-fairlead\n"
)


@pytest.fixture(scope="module")
def restricted(stage: Scene) -> Scene:
    stage.let_in_restricted_pods_alone()
    return stage


def environment_jobs(scene: SceneUnder[AnyOperator]) -> list[Manifest]:
    of_task = scene.items("jobs", labels="fairlead.dev/task")
    return [job for job in of_task if job["metadata"]["annotations"][ENGINE] == "environment"]


def test_two_images_share_a_build_that_fails_by_the_line_of_their_file(restricted: Scene) -> None:
    for name in ("one", "other"):
        files = {"score.py": SCRIPT, "myenv.yml": MISSING}
        restricted.image(files, name, condaFile="myenv.yml")
    for name in ("one", "other"):
        failure = restricted.reason("inferenceimage", "PackageNotFound", name)["failure"]
        assert failure["location"] == "myenv.yml:5"
        assert "no-such-package-of-fairlead" in failure["message"]
    shared = {one["metadata"]["name"]: owners(one) for one in environment_jobs(restricted)}
    [name] = [name for name, names in shared.items() if names == {"one", "other"}]
    restricted.kubectl("delete", "inferenceimage", "one")
    restricted.until(lambda: owners_of(restricted, name), lambda names: names == {"other"})
    restricted.kubectl("delete", "inferenceimage", "other")
    restricted.until(lambda: owners_of(restricted, name), lambda names: not names)


def owners(job: Manifest) -> set[str]:
    return {owner["name"] for owner in job["metadata"]["ownerReferences"]}


def owners_of(scene: Scene, name: str) -> set[str]:
    """The owners of a Job; none where it is gone."""
    found = [owners(one) for one in environment_jobs(scene) if one["metadata"]["name"] == name]
    return found[0] if found else set()


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


def test_steps_without_run_change_what_the_script_sees(restricted: Scene) -> None:
    files = {"score.py": READS, "Dockerfile.steps": STEPS, "settings.json": '{"a": 1}'}
    restricted.image(files, "steps", dockerFile="Dockerfile.steps")
    restricted.service("steps")
    restricted.reason("webservice", "Serving", "steps")


OF_CONDA = """
import sys
import yaml

def init():
    assert sys.prefix == "/opt/fairlead/env", sys.prefix

def run(data):
    return [sys.version.split()[0], yaml.__with_libyaml__]
"""


def test_an_environment_of_condas_packages_is_served_with_its_own_python(
    restricted: Scene, tmp_path: Path
) -> None:
    """A real CPython, a native package and pip, from a channel that the test built."""
    packages = (real_python(), installed("pip"), installed("PyYAML", native=True))
    made(tmp_path / "main", *packages)
    with serving(tmp_path, restricted.cluster.gateway) as server:
        lines = (
            f"channels: ['{server.address}/main', nodefaults]",
            f"dependencies: [python=={OWN_VERSION}, pyyaml, {{pip: [tabulate==0.9.0]}}]",
        )
        files = {"score.py": OF_CONDA, "myenv.yml": "\n".join(lines)}
        restricted.image(files, "conda", condaFile="myenv.yml")
        restricted.service("conda", expose={"type": "NodePort"})
        restricted.reason("webservice", "Serving", "conda")
    answer = score(restricted.address("conda"), {"data": []})
    assert answer.json() == [OWN_VERSION, True]
