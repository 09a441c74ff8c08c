"""kopf's own functions, with an API server that answers what one tenant has nested deeply."""

from collections.abc import AsyncIterator
from typing import Any

import kopf
import pytest
from kopf._cogs.clients import api

from fairlead.handlers.kopf_json import read_deep_json

DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000
OTHER = b'{"type":"ADDED","object":{}}'


class Response:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self.content = self

    async def __aenter__(self) -> "Response":
        return self

    async def __aexit__(self, *_: object) -> None: ...

    def close(self) -> None: ...

    async def read(self) -> bytes:
        return self._content

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        for start in range(0, len(self._content), size):
            yield self._content[start : start + size]


@pytest.fixture(autouse=True)
def reads_deep_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the operator does when it starts; undone after the test."""
    for name in ("json", "get"):
        monkeypatch.setattr(api, name, getattr(api, name))
    read_deep_json()


def answering(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    async def request(**_: Any) -> Response:
        return Response(content)

    monkeypatch.setattr(api, "request", request)


async def test_a_list_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(b'{"items":[%s,{"name":"other"}]}' % DEEP, monkeypatch)
    settings = kopf.OperatorSettings()
    answer = await api.get("/apis", settings=settings, logger=None)  # type: ignore[arg-type]
    assert answer["items"][1] == {"name": "other"}


async def test_a_watch_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(DEEP + b"\n" + OTHER + b"\n", monkeypatch)
    settings = kopf.OperatorSettings()
    stream = api.stream("/apis", settings=settings, logger=None)  # type: ignore[arg-type]
    assert [line.get("type") async for line in stream] == [None, "ADDED"]
