"""kopf's own watching, with an API server that refuses what it is asked."""

import asyncio
import random
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from kopf._cogs.clients import errors, watching
from structlog.testing import capture_logs

from fairlead.handlers.kopf_watch import PersistentWatch, keep_watching
from fairlead.informer.missing_rights import MissingRights

MODELS = SimpleNamespace(plural="models")
LISTED: dict[str, Any] = {"type": None, "object": {}}
ADDED: dict[str, Any] = {"type": "ADDED", "object": {}}


def gone() -> errors.APIError:
    return errors.APIClientError("gone", status=410, headers={})


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it waited, each time."""
    waited = list[float]()

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(random, "uniform", lambda _, most: most)
    return waited


def answering(*answers: list[Any], rights: MissingRights | None = None) -> PersistentWatch:
    """Each time the next of ``answers``: events, and an exception at the end."""
    left = list(answers)

    async def watch(**_: Any) -> AsyncIterator[Any]:
        for answer in left.pop(0):
            if isinstance(answer, Exception):
                raise answer
            yield answer

    return PersistentWatch(watch, rights or MissingRights())


async def events(watch: PersistentWatch, namespace: str | None = None) -> list[Any]:
    return [event async for event in watch(resource=MODELS, namespace=namespace)]


def forbidden(verb: str) -> errors.APIError:
    said = f'models is forbidden: User "u" cannot {verb} resource "models" in API group "x"'
    return errors.APIForbiddenError({"message": said}, status=403, headers={})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "error",
    [
        gone(),
        errors.APIServerError(None, status=503, headers={}),
        errors.APIForbiddenError(None, status=403, headers={}),
        watching.WatchingError("an ERROR event"),
        aiohttp.ClientConnectionError(),
        ValueError("no JSON"),
        KeyError("items"),
    ],
)
async def test_a_refusal_is_an_end_and_no_error(error: Exception, waits: list[float]) -> None:
    assert await events(answering([LISTED, ADDED, error])) == [LISTED, ADDED]
    assert waits == [1.0]


async def test_it_is_asked_again_later_and_later_until_a_watch_has_an_event(
    waits: list[float],
) -> None:
    watch = answering([gone()], [LISTED, gone()], [LISTED, gone()], [LISTED, ADDED, gone()])
    for _ in range(4):
        await events(watch)
    assert waits == [1.0, 2.0, 4.0, 1.0]


async def test_what_may_not_be_watched_is_noted_and_what_may_not_be_listed_is_the_caches_to_say(
    waits: list[float],
) -> None:
    rights = MissingRights()
    with capture_logs() as logs:
        watch = answering([forbidden("list")], [LISTED, forbidden("watch")], [], rights=rights)
        await events(watch, "team-a")
        assert rights.counts() == {}
        await events(watch, "team-a")
        assert rights.counts() == {("team-a",): 1}
        await events(watch, "team-a")
        assert rights.counts() == {}
    assert (waits, logs) == ([1.0, 2.0], [])


async def test_a_namespace_that_refuses_is_not_asked_more_often_because_another_answers(
    waits: list[float],
) -> None:
    watch = answering([gone()], [LISTED, ADDED], [gone()])
    await events(watch, "team-a")
    await events(watch, "team-b")
    await events(watch, "team-a")
    assert waits == [1.0, 2.0]


async def test_a_bug_is_no_refusal(waits: list[float]) -> None:
    with pytest.raises(ZeroDivisionError):
        await events(answering([ZeroDivisionError()]))
    assert waits == []


async def test_kopf_uses_it(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    answers = iter(([gone()], [ADDED]))

    async def watch(**_: Any) -> AsyncIterator[Any]:
        for answer in next(answers):
            if isinstance(answer, Exception):
                raise answer
            yield answer

    monkeypatch.setattr(watching, "continuous_watch", watch)
    keep_watching(MissingRights())
    kept = watching.continuous_watch
    keep_watching(MissingRights())
    assert watching.continuous_watch is kept
    stream: Any = watching.infinite_watch(
        settings=SimpleNamespace(watching=SimpleNamespace(reconnect_backoff=0.1)),  # type: ignore[arg-type]
        resource=MODELS,  # type: ignore[arg-type]
        namespace=None,
        _iterations=2,
    )
    assert [event async for event in stream] == [ADDED]
    assert waits == [1.0, 0.1, 0.1]
