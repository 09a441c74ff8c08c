"""The whole process over a cluster in memory: it is ready once it knows, and ends when told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from fairlead.api.meta import WEBSERVICE
from fairlead.metrics_api import __main__ as program
from fairlead.metrics_api.__main__ import Options, run
from tests.cluster.ports import free_port
from tests.unit.metrics_api.test_server import Api
from tests.unit.metrics_api.test_server import pki as pki
from tests.unit.objects import body

DEADLINE_S = 120.0


async def ready(port: int) -> bool:
    async with httpx.AsyncClient() as client:
        try:
            return (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
        except httpx.TransportError:
            return False


async def test_it_is_ready_once_each_webservice_was_asked_and_answers_until_it_is_told_to_end(
    pki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(pki, tmp_path)
    api.cluster.put(body(WEBSERVICE, {"imageRef": {"name": "a"}}))

    @asynccontextmanager
    async def connected(*_: Any) -> AsyncIterator[Any]:
        yield api.cluster

    monkeypatch.setattr(program, "connected", connected)
    monkeypatch.setattr(program, "credentials_of", lambda: None)
    probes = free_port()
    options = Options(f"127.0.0.1:{api.port}", f"127.0.0.1:{probes}", tmp_path, ["demo"])
    task = asyncio.create_task(run(options))
    async with asyncio.timeout(DEADLINE_S):
        while not await ready(probes):
            await asyncio.sleep(0.05)
    assert (await api.get("/apis/custom.metrics.k8s.io/v1beta2"))[0] == 200
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_what_keeps_it_from_starting_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["metrics_api", "--certificates", str(tmp_path), "--health-address", ""]
    monkeypatch.setattr("sys.argv", arguments)
    monkeypatch.setattr(program, "configure", lambda *_: None)  # the log is that of all tests
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(SystemExit, match=r"^The metrics API cannot start: "):
        program.main()
