"""The operator as a process beside the cluster, and a namespace for each test."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.cluster.installation import install
from tests.cluster.operator_image import name
from tests.cluster.places import places
from tests.e2e.file_server import FileServer
from tests.e2e_process.operator_process import OperatorProcess
from tests.e2e_process.scene import Scene

SETTINGS = {"FAIRLEAD_INSECURE_HOSTS": "127.0.0.1"}


@pytest.fixture(scope="package")  # other packages have operators of their own
def operator(cluster: Cluster, kept_on_failure: list[Path]) -> Iterator[OperatorProcess]:
    """One operator for all tests, under its own ServiceAccount; tests may kill and restart it.

    Whatever they feed it, it must never say more than what it decided: no traceback.
    """
    process = OperatorProcess(cluster, places(), install(cluster, places()), SETTINGS)
    kept_on_failure += [process.log, process.state_folder]
    process.start()
    yield process
    process.stop()
    assert "Traceback" not in process.whole_log()


@pytest.fixture(scope="module")
def job_settings(cluster: Cluster, operator_image: str) -> dict[str, str]:
    """Of an operator that makes Jobs, and has no Docker Engine."""
    assert operator_image
    return {
        "FAIRLEAD_RUNNER": "job",
        "FAIRLEAD_TASK_IMAGE": name("tasks"),
        "FAIRLEAD_TASK_REQUESTS": "cpu=50m memory=64Mi ephemeral-storage=16Mi",
        "FAIRLEAD_REGISTRY_PUSH": cluster.registry_from_pods,
        "FAIRLEAD_INSECURE_HOSTS": f"{cluster.registry_from_pods} {cluster.gateway}",
        "DOCKER_HOST": "unix:///nowhere",
    }


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """Those of the operator for the tests of a module; one that has others gives them here."""
    return {}


@pytest.fixture(scope="module")
def stage(
    cluster: Cluster,
    operator: OperatorProcess,
    settings: dict[str, str],
    request: pytest.FixtureRequest,
) -> Iterator[Scene]:
    """One namespace for the tests of a module that all look at what was applied together."""
    name = f"stage-{request.path.stem.removeprefix('test_')}"
    yield from _scene(cluster, operator, settings, name)


@pytest.fixture
def scene(
    cluster: Cluster,
    operator: OperatorProcess,
    settings: dict[str, str],
    request: pytest.FixtureRequest,
) -> Iterator[Scene]:
    """A namespace of the test's own, and the verbs of a person at a keyboard."""
    name = re.sub("[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())
    yield from _scene(cluster, operator, settings, name[:50].strip("-"))


@pytest.fixture(scope="session")
def files() -> Iterator[FileServer]:
    with FileServer().serving() as server:
        yield server


def _scene(
    cluster: Cluster, operator: OperatorProcess, settings: dict[str, str], name: str
) -> Iterator[Scene]:
    operator.ensure_running(settings)
    scene = Scene(cluster, operator, name)
    scene.kubectl("create", "namespace", name)
    yield scene
    operator.ensure_running(settings)
    for kind in ("webservices", "services"):  # the next scene may want the same NodePort
        scene.kubectl("delete", kind, "--all", "--timeout=60s")
    scene.kubectl("delete", "namespace", name, "--wait=false")
