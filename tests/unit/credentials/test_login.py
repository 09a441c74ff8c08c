"""kopf against a server that stops taking a token: it logs in again and never ends the operator."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import kopf
import pytest

from fairlead.api.meta import GROUP, MODEL, VERSION
from fairlead.credentials import access
from fairlead.credentials.environment import credentials_of
from fairlead.handlers import login
from fairlead.handlers.startup import configure
from tests.unit.credentials.api_server import ApiServer, Plugin, kubeconfig

DEADLINE_S = 60.0


class Operator:
    """kopf with our login, and one handler that remembers whose events come."""

    def __init__(self, file: str) -> None:
        self.seen: list[str] = []
        self._changed = asyncio.Event()
        self._memo = kopf.Memo(login=login.Login(credentials_of({"KUBECONFIG": file})))
        self._registry = kopf.OperatorRegistry()
        kopf.on.login(registry=self._registry)(login.login)
        kopf.on.event(GROUP, VERSION, MODEL.plural, registry=self._registry)(self._model_changed)

    async def _model_changed(self, *, name: str, **_: Any) -> None:
        self.seen.append(name)
        self._changed.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """kopf runs; that it ends by itself is a failure."""
        settings = kopf.OperatorSettings()
        configure(settings)
        operator = kopf.operator(
            registry=self._registry,
            settings=settings,
            memo=self._memo,
            clusterwide=True,
            standalone=True,
        )
        async with asyncio.TaskGroup() as group, asyncio.timeout(DEADLINE_S):
            task = group.create_task(self._never_ends(operator))
            yield
            task.cancel()

    async def _never_ends(self, operator: Coroutine[Any, Any, None]) -> None:
        await operator
        raise AssertionError("the operator has ended")

    async def until(self, condition: Callable[[list[str]], bool]) -> None:
        while not condition(self.seen):
            self._changed.clear()
            await self._changed.wait()


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    async with ApiServer().serving() as serving:
        yield serving


@pytest.fixture
def plugin(tmp_path: Path) -> Plugin:
    return Plugin(tmp_path)


@pytest.fixture(autouse=True)
def little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    interval = timedelta(seconds=0.2)
    monkeypatch.setattr(access, "RELOAD_INTERVAL", interval)
    monkeypatch.setattr(login, "RELOAD_INTERVAL", interval)


async def test_it_logs_in_again_when_its_token_is_refused(
    tmp_path: Path, server: ApiServer, plugin: Plugin
) -> None:
    operator = Operator(kubeconfig(tmp_path, server.url, plugin.user()))
    async with operator.running():
        await operator.until(lambda seen: "token-1" in seen)
        server.accepted = {"Bearer token-2"}
        server.cut_watches()
        await operator.until(lambda seen: "token-2" in seen)
    assert plugin.runs == 2


async def test_it_goes_on_asking_while_every_token_is_refused(
    tmp_path: Path, server: ApiServer, plugin: Plugin
) -> None:
    server.accepted = {"Bearer token-6"}
    operator = Operator(kubeconfig(tmp_path, server.url, plugin.user()))
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with operator.running():
        await operator.until(lambda seen: "token-6" in seen)
    assert loop.time() - started > 4 * 0.2  # five were refused, and not all at once
    assert plugin.runs == 6


async def test_a_token_that_stays_the_same_is_shown_again(
    tmp_path: Path, server: ApiServer
) -> None:
    """As a ServiceAccount's, where the API server was the one that was wrong."""
    server.accepted = set()
    operator = Operator(kubeconfig(tmp_path, server.url, {"token": "token-1"}))
    async with operator.running():
        await refused(server, 4)
        server.accepted = {"Bearer token-1"}
        await operator.until(lambda seen: "token-1" in seen)


async def refused(server: ApiServer, times: int) -> None:
    while server.refused < times:
        await asyncio.sleep(0.01)
