"""A registry with users, and the Secrets of a namespace, from tasks in pods."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.api.refs import Manifest
from tests.cluster import Cluster
from tests.cluster.engine import docker, docker_lines
from tests.cluster.versions import CLUSTER, MARK, REGISTRY_CONTAINER
from tests.e2e.chart import REGISTRY_WITH_USERS
from tests.e2e.scene import Scene

HOST = REGISTRY_WITH_USERS
HASH = "$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy"
PASSWORD = "open sesame"
TOLD_WITHIN_S = 60.0  # other scenes are at work


@pytest.fixture
def users_registry(cluster: Cluster, tmp_path: Path) -> Iterator[str]:
    """A registry beside the nodes that knows one user; its host as pods know it."""
    assert cluster.registry
    tmp_path.chmod(0o755)
    (tmp_path / "htpasswd").write_text(f"robot:{HASH}\n")
    [image] = docker_lines("inspect", "--format", "{{.Config.Image}}", REGISTRY_CONTAINER)
    settings = {"AUTH": "htpasswd", "AUTH_HTPASSWD_REALM": "team"}
    settings["AUTH_HTPASSWD_PATH"] = "/given/htpasswd"
    variables = [f"--env=REGISTRY_{key}={value}" for key, value in settings.items()]
    container = HOST.partition(":")[0]
    about = ("--detach", "--rm", "--label", MARK, "--name", container, "--network", CLUSTER)
    docker("run", *about, "--volume", f"{tmp_path}:/given:ro", *variables, image)
    try:
        yield HOST
    finally:
        docker("rm", "--force", "--volumes", container)


def secret(scene: Scene, password: str) -> None:
    scene.kubectl("delete", "secret", "team", "--ignore-not-found")
    about = (f"--docker-server={HOST}", "--docker-username=robot", f"--docker-password={password}")
    scene.kubectl("create", "secret", "docker-registry", "team", *about)


def failure(scene: Scene) -> Manifest:
    return dict(scene.get("inferenceimage").get("status", {}).get("failure") or {})


def says(scene: Scene, reason: str) -> Manifest:
    """Wait until the failure has this reason; not longer than a person would like to."""
    began = time.monotonic()
    said = scene.until(lambda: failure(scene), lambda seen: seen.get("reason") == reason)
    assert reason != "VolumeMountFailed" or time.monotonic() - began < TOLD_WITHIN_S
    return said


def test_a_push_secret_is_missing_then_wrong_then_right(scene: Scene, users_registry: str) -> None:
    scene.image(repository=f"{users_registry}/team/credit", pushSecretRef={"name": "team"})
    said = says(scene, "VolumeMountFailed")
    assert 'secret "team" not found' in said["message"]
    assert said["remedy"].startswith("spec.pushSecretRef names Secret 'team', which does not exist")
    secret(scene, "shut sesame")
    said = says(scene, "RegistryAuth")
    assert said["message"] == (
        f"The registry {HOST} does not let us push to team/credit: 401 UNAUTHORIZED: "
        "authentication required. It was asked with the Secret of spec.pushSecretRef (its entry "
        f"{HOST})."
    )
    secret(scene, PASSWORD)
    status = scene.until(lambda: scene.get("inferenceimage")["status"], lambda s: "baseImage" in s)
    assert status["baseImage"]["digest"].startswith("sha256:")
    whole = scene.kubectl("get", "inferenceimages,jobs,pods,events,configmaps", "-o", "yaml")
    assert "sesame" not in whole + scene.operator.whole_log()


def test_without_a_secret_it_is_said_before_anything_is_built(
    scene: Scene, users_registry: str
) -> None:
    scene.image(repository=f"{users_registry}/team/credit")
    said = says(scene, "RegistryAuth")
    assert said["message"].endswith("Fairlead has no credentials for it.")
    assert f"a Secret with credentials for {HOST}" in said["remedy"]
    assert "build" not in scene.get("inferenceimage")["status"]
