"""A server of a test's own, and retries that nobody waits for."""

from collections.abc import Iterator

import pytest

from fairlead.sources import exchange, oci
from tests.integration.registry.server import WebServer


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (exchange, oci):
        monkeypatch.setattr(module, "RETRY_DELAYS_S", (0.01, 0.01, 0.01))


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer().running() as server:
        yield server
