"""The operator's own client against a server that stops taking a token."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.refs import Ref
from fairlead.cluster import ApiCluster, connected
from fairlead.credentials import access
from fairlead.credentials.access import utc_now
from fairlead.credentials.environment import credentials_of
from fairlead.errors import StalledError
from tests.unit.credentials.api_server import ApiServer, Plugin, kubeconfig

REF = Ref("v1", "configmaps", "demo", "here")


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    async with ApiServer().serving() as serving:
        yield serving


@pytest.fixture
def plugin(tmp_path: Path) -> Plugin:
    return Plugin(tmp_path)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time passes between two loads; that it must is tested elsewhere."""
    monkeypatch.setattr(access, "RELOAD_INTERVAL", timedelta(0))


@asynccontextmanager
async def client(
    folder: Path, server: ApiServer, plugin: Plugin, *arguments: str
) -> AsyncIterator[ApiCluster]:
    file = kubeconfig(folder, server.url, plugin.user(*arguments))
    async with connected(credentials_of({"KUBECONFIG": file})) as cluster:
        yield cluster


@pytest.mark.usefixtures("at_once")
async def test_a_token_that_is_refused_is_replaced_and_the_request_sent_again(
    tmp_path: Path, server: ApiServer, plugin: Plugin
) -> None:
    async with client(tmp_path, server, plugin) as cluster:
        assert await cluster.get(REF) is not None
        server.accepted = {"Bearer token-2"}
        found = await asyncio.gather(*(cluster.get(REF) for _ in range(50)))
        assert all(found)
        assert await cluster.get(REF) is not None
    assert plugin.runs == 2
    assert server.shown[-1] == "Bearer token-2"
    assert plugin.info["spec"]["interactive"] is False


@pytest.mark.usefixtures("at_once")
async def test_a_token_that_expires_is_replaced_before_the_server_refuses_it(
    tmp_path: Path, server: ApiServer, plugin: Plugin
) -> None:
    server.accepted = {"Bearer token-2", "Bearer token-3"}
    expired = utc_now().isoformat()  # so each is good for no request but the next
    async with client(tmp_path, server, plugin, expired) as cluster:
        assert await cluster.get(REF) is not None
        assert await cluster.get(REF) is not None
    assert server.shown == ["Bearer token-2", "Bearer token-3"]


async def test_a_server_that_refuses_every_token_is_not_asked_twice_for_each_request(
    tmp_path: Path, server: ApiServer, plugin: Plugin
) -> None:
    server.accepted = set()
    async with client(tmp_path, server, plugin) as cluster:
        for _ in range(20):
            with pytest.raises(StalledError) as error:
                await cluster.get(REF)
            assert error.value.reason == Reason.UNAUTHORIZED
    assert plugin.runs <= 2
    assert len(server.shown) <= 21


@pytest.mark.usefixtures("at_once")
async def test_a_plugin_that_fails_later_is_told(
    tmp_path: Path, server: ApiServer, plugin: Plugin
) -> None:
    async with client(tmp_path, server, plugin) as cluster:
        server.accepted = set()
        (tmp_path / "plugin.py").write_text("import sys; sys.exit('log in again')")
        with pytest.raises(StalledError, match="ended with 1: log in again"):
            await cluster.get(REF)
        server.accepted = {"Bearer token-1"}
        assert await cluster.get(REF) is not None


@pytest.mark.usefixtures("at_once")
async def test_a_file_with_a_token_is_read_again_when_it_is_refused(
    tmp_path: Path, server: ApiServer
) -> None:
    (tmp_path / "token").write_text("token-1")
    file = kubeconfig(tmp_path, server.url, {"tokenFile": "token"})
    async with connected(credentials_of({"KUBECONFIG": file})) as cluster:
        assert await cluster.get(REF) is not None
        server.accepted = {"Bearer token-2"}
        (tmp_path / "token").write_text("token-2\n")
        assert await cluster.get(REF) is not None


async def test_without_credentials_there_is_no_client(tmp_path: Path) -> None:
    missing = credentials_of({"KUBECONFIG": str(tmp_path / "none")})
    with pytest.raises(StalledError, match="There are no credentials for the Kubernetes API"):
        async with connected(missing):
            pass
