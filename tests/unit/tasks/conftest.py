"""A web server of a test's own, and retries that nobody waits for."""

from collections.abc import Iterator

import pytest

from fairlead.sources import exchange
from tests.integration.registry.server import WebServer


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    monkeypatch.setattr(exchange, "RETRY_DELAYS_S", (0.01, 0.01, 0.01))
    with WebServer().running() as server:
        yield server
