"""The operator as a process beside the cluster, one a module, and a namespace for each test."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.cluster.operator_image import name
from tests.conftest import longest_first
from tests.e2e.file_server import FileServer
from tests.e2e_process.operator_process import OperatorProcess
from tests.e2e_process.scene import Scene
from tests.faults.standins.forked import ForkedOperators

SETTINGS = {"FAIRLEAD_INSECURE_HOSTS": "127.0.0.1"}
RUN = secrets.token_hex(2)  # a run again meets no image of the one before
AGAIN = "-again"  # of the name of a stage's second namespace
BUILDS = "fairlead-builds"  # where BuildKit runs
LONGEST = ("old_pythons", "killed", "drift")  # each takes a minute or two


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    longest_first(config, items, LONGEST)


@pytest.fixture(scope="module")
def site(cluster: Cluster, operator_rights: Path) -> tuple[Cluster, Path]:
    """Where the objects of a module are, and a kubeconfig with the operator's rights there."""
    return cluster, operator_rights


@pytest.fixture(scope="session")
def operators() -> Iterator[ForkedOperators]:
    """Of which each start takes a tenth of a second: they are started again and again."""
    forked = ForkedOperators()
    yield forked
    forked.close()


@pytest.fixture(scope="module")
def operator(
    operators: ForkedOperators,
    site: tuple[Cluster, Path],
    kept_on_failure: list[Path],
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[OperatorProcess]:
    """One operator for all tests of a module, under its own ServiceAccount; tests may kill and
    restart it. It sees their namespaces alone: other modules run beside it.

    Whatever they feed it, it must never say more than what it decided: no traceback.
    """
    folder = tmp_path_factory.mktemp("operator")
    kept_on_failure.append(folder)
    here = [item for item in request.session.items if item.path == request.path]
    names = {of_stage(request.path), f"{of_stage(request.path)}{AGAIN}", BUILDS}
    names |= {of_scene(item.name) for item in here}
    settings = {**SETTINGS, "FAIRLEAD_WATCH_NAMESPACES": " ".join(sorted(names))}
    process = OperatorProcess(operators, *site, folder, settings)
    process.start()
    yield process
    process.stop()
    assert "Traceback" not in process.whole_log()


def of_stage(module: Path) -> str:
    """The namespace that its tests share."""
    return f"stage-{module.stem.removeprefix('test_').replace('_', '-')}-{RUN}"


def of_scene(test: str) -> str:
    """The namespace of a test alone."""
    name = re.sub("[^a-z0-9]+", "-", test.removeprefix("test_").lower())[:50].strip("-")
    return f"{name}-{RUN}"


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
    site: tuple[Cluster, Path],
    operator: OperatorProcess,
    settings: dict[str, str],
    request: pytest.FixtureRequest,
) -> Iterator[Scene]:
    """One namespace for the tests of a module that all look at what was applied together."""
    yield from _scene(site[0], operator, settings, of_stage(request.path))


@pytest.fixture
def scene(
    site: tuple[Cluster, Path],
    operator: OperatorProcess,
    settings: dict[str, str],
    request: pytest.FixtureRequest,
) -> Iterator[Scene]:
    """A namespace of the test's own, and the verbs of a person at a keyboard."""
    yield from _scene(site[0], operator, settings, of_scene(request.node.name))


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
