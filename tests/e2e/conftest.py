"""Scenes under the operator that the chart installs, side by side, each in a namespace of its own.

They change nothing of the operator and of the nodes: others are at work beside them.
"""

import re
import secrets
from collections.abc import Iterator

import pytest

from tests.cluster import Cluster
from tests.cluster.places import places
from tests.conftest import is_prepared, longest_first, on_the_terminal
from tests.e2e.chart import install_for_scenes
from tests.e2e.file_server import FileServer
from tests.e2e.installed_operator import InstalledOperator
from tests.e2e.scene import Scene

LONGEST = ("services", "images", "scaling", "updates", "line", "models")  # each takes minutes


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    longest_first(config, items, LONGEST)


@pytest.fixture(scope="package")  # other packages have operators of their own
def operator(
    cluster: Cluster, operator_image: str, pytestconfig: pytest.Config
) -> Iterator[InstalledOperator]:
    """One operator for all scenes, with the `job` runner and the `pod` engine, as installed.

    Whatever they feed it, it goes on, and never says more than what it decided: no traceback.
    """
    assert operator_image
    if not is_prepared():
        with on_the_terminal(pytestconfig) as steps:
            install_for_scenes(cluster, places(), steps)
    installed = InstalledOperator(cluster)
    yield installed
    assert "Traceback" not in installed.whole_log()
    assert installed.ends() == []


@pytest.fixture(scope="module")
def stage(
    cluster: Cluster, operator: InstalledOperator, request: pytest.FixtureRequest
) -> Iterator[Scene]:
    """One namespace for the tests of a module that all look at what was applied together."""
    yield from _scene(cluster, operator, f"stage-{request.path.stem.removeprefix('test_')}")


@pytest.fixture
def scene(
    cluster: Cluster, operator: InstalledOperator, request: pytest.FixtureRequest
) -> Iterator[Scene]:
    """A namespace of the test's own, and the verbs of a person at a keyboard."""
    name = re.sub("[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())
    yield from _scene(cluster, operator, name[:50].strip("-"))


@pytest.fixture(scope="module")
def files(cluster: Cluster) -> Iterator[FileServer]:
    """A server on the machine that pods reach."""
    with FileServer(cluster.gateway).serving() as server:
        yield server


def _scene(cluster: Cluster, operator: InstalledOperator, about: str) -> Iterator[Scene]:
    """In a namespace that no run before had: its images may still lie in the registry."""
    name = f"{about}-{secrets.token_hex(2)}"
    scene = Scene(cluster, operator, name)
    scene.kubectl("create", "namespace", name)
    yield scene
    scene.kubectl("delete", "namespace", name, "--wait=false")
