"""kopf is set up so that it writes nothing into users' objects, and hands events to the cache."""

from typing import Any

import kopf
import pytest

from fairlead.api.meta import KINDS, WEBSERVICE
from fairlead.api.refs import Manifest
from fairlead.handlers.resources import resource_changed
from fairlead.handlers.startup import Forgetful, Jittered, configure


class Cache:
    def __init__(self) -> None:
        self.events: list[tuple[object, str | None, Manifest]] = []

    def own_event(self, kind: object, type_: str | None, body: Manifest) -> None:
        self.events.append((kind, type_, body))


@pytest.mark.parametrize("type_", [None, "ADDED", "DELETED"])
async def test_an_event_goes_into_the_cache_as_it_came(type_: str | None) -> None:
    memo, body = kopf.Memo(cache=Cache()), {"metadata": {"name": "credit"}}
    handler: Any = resource_changed
    await handler(event={"type": type_, "object": body}, memo=memo, param=WEBSERVICE)
    assert memo.cache.events == [(WEBSERVICE, type_, body)]


def test_there_are_event_handlers_alone_so_that_kopf_asks_for_no_finalizer() -> None:
    registry: Any = kopf.get_default_registry()
    assert len(registry._watching.get_all_handlers()) == len(KINDS)
    assert not registry._spawning.get_all_handlers()
    assert not registry._changing.get_all_handlers()


def test_every_deadline_that_kopf_leaves_open_is_set() -> None:
    settings: Any = kopf.OperatorSettings()
    configure(settings)
    assert settings.watching.server_timeout
    assert settings.watching.client_timeout > settings.watching.server_timeout
    assert settings.networking.request_timeout
    assert settings.peering.standalone
    assert isinstance(settings.persistence.diffbase_storage, Forgetful)
    storage: Any = settings.persistence.diffbase_storage
    assert storage.fetch() is None


def test_back_offs_of_kopfs_own_requests_are_spread() -> None:
    assert list(Jittered()) != list(Jittered())
