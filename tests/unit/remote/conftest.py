"""A small API server, and a kubeconfig that names it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.remote.client import Client
from fairlead.remote.kubeconfig import access
from tests.unit.remote.fake_api import FakeApi, kubeconfig


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi().serving() as served:
        yield served


@pytest.fixture
def config(api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As ``KUBECONFIG`` names it."""
    file = kubeconfig(api, tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(file))
    for name in ("http_proxy", "HTTP_PROXY", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    return file


@pytest.fixture
def client(config: Path) -> Client:
    return Client(access({"KUBECONFIG": str(config)}))
