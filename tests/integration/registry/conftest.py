"""The cluster's registry for all tests here, and for each a namespace of its own in it."""

import itertools
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fairlead.registry.client import Registry
from fairlead.registry.reference import Repository
from fairlead.settings import Settings
from tests.cluster import Cluster
from tests.integration.registry.certificates import NAME
from tests.integration.registry.server import WebServer
from tests.integration.registry.task import Tasks

NOBODY = "localhost:1"  # listens there
NAMESPACES = itertools.count(1)


@pytest.fixture
def registry(cluster: Cluster) -> Iterator[Registry]:
    """Our client."""
    settings = Settings(registry=cluster.registry, insecure_hosts=("127.0.0.1",))
    with Registry(settings) as client:
        yield client


@pytest.fixture
def namespace(cluster: Cluster) -> str:
    """``<registry>/<namespace>``, for one test only."""
    return f"{cluster.registry}/registry{os.getpid()}x{next(NAMESPACES):03}"


@pytest.fixture
def repository(cluster: Cluster, namespace: str) -> Repository:
    return Repository(cluster.registry, f"{namespace.partition('/')[2]}/credit")


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer().running() as server:
        yield server


@pytest.fixture
def tasks(tmp_path: Path, cluster: Cluster, web: WebServer) -> Tasks:
    """Programs with the settings of this machine; the web server may be fetched from."""
    hosts = f"{web.host} {NOBODY}"
    settings = {"FAIRLEAD_REGISTRY": cluster.registry, "FAIRLEAD_INSECURE_HOSTS": hosts}
    return Tasks(tmp_path, settings)


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    """``registry.example`` is this machine, to which nobody speaks without TLS by that name."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *args: Any, **more: Any) -> Any:
        return real("127.0.0.1" if host == NAME else host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
