"""What tests of sources share: servers, quick retries, and a fetch with this machine allowed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.sources import exchange
from tests.cluster.places import places
from tests.integration.registry.server import WebServer
from tests.integration.sources.servers import node_server, python_server, served


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "RETRY_DELAYS_S", (0.01, 0.01, 0.01))


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer().running() as server:
        yield server


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``host:port`` of moto's server, which stands for Amazon's services."""
    program = python_server(places(), "moto") / "moto_server"
    log: Path = tmp_path_factory.mktemp("moto") / "log"
    with served([program, "--host", "127.0.0.1", "--port", "PORT"], log) as host:
        yield host


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``host:port`` of Azurite, which stands for Azure Blob Storage."""
    program = node_server(places(), "azurite") / "azurite-blob"
    folder: Path = tmp_path_factory.mktemp("azurite")
    where = ("--blobHost", "127.0.0.1", "--blobPort", "PORT")
    options = ("--location", folder, "--silent", "--disableTelemetry")
    with served([program, *where, *options], folder / "log") as host:
        yield host


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``host:port`` of what stands for Google Cloud Storage."""
    program = python_server(places(), "gcs") / "gcp-storage-emulator"
    log: Path = tmp_path_factory.mktemp("gcs") / "log"
    options = ("--host", "127.0.0.1", "--port", "PORT", "--in-memory")
    with served([program, "start", *options], log) as host:
        yield host
