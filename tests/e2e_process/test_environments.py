"""An environment built in Jobs on two nodes, and an operator that is killed meanwhile.

What needs no operator of its own is in ``tests/e2e/test_environments.py``.
"""

from collections.abc import Iterator

import pytest

from fairlead.api.refs import Manifest
from tests.cluster import Cluster
from tests.cluster.engine import docker, docker_lines
from tests.cluster.registry import push
from tests.cluster.versions import MARK
from tests.e2e.scene import SCRIPT
from tests.e2e.test_environments import environment_jobs
from tests.e2e_process.conftest import AGAIN
from tests.e2e_process.scene import Scene

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
WITHOUT_BYTECODE = "python-without-bytecode"  # as official images of Python are
REMOVES = "USER 0\nRUN find / -xdev -name '*.pyc' -delete\n"
# Modules of the standard library that a start of the server would have to compile.
COMPILES = """
import asyncio, http.client, json, logging, os, ssl, sys

def is_compiled(source, place):
    date = int(os.stat(source).st_mtime).to_bytes(4, "little")
    return os.path.exists(place) and open(place, "rb").read(12)[8:] == date

own = [(str(m.__file__), m.__cached__) for m in sys.modules.values() if hasattr(m, "__cached__")]
own = [(source, place) for source, place in own if source.startswith("/usr/lib/python3.11/")]
own = [(source, place) for source, place in own if source.endswith(".py")]
print(len(own) > 50, [source for source, place in own if not is_compiled(source, place)])
"""
NATIVE = "dependencies:\n- python=3.11\n- pip:\n  - joblib==1.5.2\n  - pyyaml==6.0.3\n"


@pytest.fixture(scope="module")
def settings(job_settings: dict[str, str]) -> dict[str, str]:
    return job_settings


@pytest.fixture(scope="module")
def base(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A base image as users have it."""
    tag = f"{cluster.registry}/fairlead/{WITHOUT_BYTECODE}:3.11"
    context = tmp_path_factory.mktemp("base")
    (context / "Dockerfile").write_text(f"FROM {cluster.base_image}\n{REMOVES}")
    docker("build", "--label", MARK, "--tag", tag, context)
    push(tag, tag)
    return tag


@pytest.fixture(scope="module")
def built(stage: Scene, base: str) -> Scene:
    """An environment in a namespace that lets in restricted pods alone."""
    stage.let_in_restricted_pods_alone()
    image_of(stage, "diabetes", base)
    stage.reason("inferenceimage", "Built")
    return stage


@pytest.fixture
def elsewhere(built: Scene) -> Iterator[Scene]:
    """Another namespace, and for its pods the node that the first build did not run on."""
    scene = Scene(built.cluster, built.operator, f"{built.namespace}{AGAIN}")
    scene.kubectl("create", "namespace", scene.namespace)
    scene.let_in_restricted_pods_alone()
    [pod] = environment_pods(built)
    node = pod["spec"]["nodeName"]
    scene.kubectl("cordon", node)
    control_plane = ("taint", "nodes", f"--selector={CONTROL_PLANE}")
    scene.kubectl(*control_plane, f"{CONTROL_PLANE}-")
    yield scene
    scene.kubectl(*control_plane, f"{CONTROL_PLANE}=:NoSchedule")
    scene.kubectl("uncordon", node)
    scene.kubectl("delete", "namespace", scene.namespace, "--wait=false")


def environment_pods(scene: Scene) -> list[Manifest]:
    return scene.items("pods", labels="app.kubernetes.io/component=environment")


def image_of(scene: Scene, name: str, base: str) -> None:
    """Pure Python, and what is compiled."""
    files = {"score.py": SCRIPT, "myenv.yml": NATIVE}
    scene.image(files, name, condaFile="myenv.yml", baseImage=base)


def test_another_node_builds_the_same_digest_and_kill_9_of_the_operator_joins_its_job(
    built: Scene, elsewhere: Scene, base: str, job_settings: dict[str, str]
) -> None:
    image_of(elsewhere, "again", base)
    [job] = elsewhere.until(lambda: environment_jobs(elsewhere), bool)
    [pod] = elsewhere.until(lambda: environment_pods(elsewhere), bool)
    built.operator.kill()
    built.operator.start(**job_settings)
    again = elsewhere.reason("inferenceimage", "Built", "again")["environment"]
    assert [one["metadata"]["uid"] for one in environment_jobs(elsewhere)] == [
        job["metadata"]["uid"]
    ]
    [first_pod], [second_pod] = environment_pods(built), environment_pods(elsewhere)
    assert first_pod["spec"]["nodeName"] != second_pod["spec"]["nodeName"]
    assert pod["metadata"]["uid"] == second_pod["metadata"]["uid"]
    first = built.get("inferenceimage")["status"]["environment"]
    assert first["hash"] == again["hash"]
    assert first["image"].partition("@")[2] == again["image"].partition("@")[2]


def test_it_brings_bytecode_of_the_base_images_own_modules(built: Scene, base: str) -> None:
    cluster = built.cluster
    named = built.get("inferenceimage")["status"]["environment"]["image"]
    environment = named.replace(cluster.registry_from_pods, cluster.registry)
    told = [
        docker_lines("run", "--rm", "--read-only", image, "python3", "-c", COMPILES)
        for image in (base, environment)
    ]
    assert told[0] != told[1] == ["True []"]
