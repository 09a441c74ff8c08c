"""A real registry for all tests here, and for each a namespace of its own in it."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.images.reference import Repository
from fairlead.images.registry import Registry
from fairlead.settings import Settings
from tests.integration.registry.server import RealRegistry, WebServer
from tests.integration.registry.task import Tasks

NAMESPACES = itertools.count(1)


@pytest.fixture(scope="session")
def real_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    server = RealRegistry(tmp_path_factory.mktemp("registry"))
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def registry(real_registry: RealRegistry) -> Iterator[Registry]:
    """Our client."""
    with Registry(Settings(registry=real_registry.host)) as client:
        yield client


@pytest.fixture
def namespace(real_registry: RealRegistry) -> str:
    """``<registry>/<namespace>``, for one test only."""
    return f"{real_registry.host}/ns{next(NAMESPACES)}"


@pytest.fixture
def repository(real_registry: RealRegistry, namespace: str) -> Repository:
    return Repository(real_registry.host, f"{namespace.partition('/')[2]}/credit")


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer().running() as server:
        yield server


@pytest.fixture
def tasks(tmp_path: Path, real_registry: RealRegistry, web: WebServer) -> Tasks:
    """Programs with the settings of this machine; the web server may be fetched from."""
    settings = {"FAIRLEAD_REGISTRY": real_registry.host, "FAIRLEAD_INSECURE_HOSTS": web.host}
    return Tasks(tmp_path, settings)
