"""How kopf goes on where the API server refuses one of its lists or watches.

kopf has no setting for it, and ends the whole operator, with every task that runs: on an answer
that it does not expect (410, 404, what is no JSON), and on any error after the last of its retries.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import aiohttp
import structlog
from kopf._cogs.clients import errors, watching

from fairlead.retry import backoff_s

logger = structlog.get_logger("fairlead")
REFUSALS = (
    errors.APIError,
    watching.WatchingError,
    aiohttp.ClientError,
    *(ValueError, KeyError, TypeError),  # an answer that is not the API's
)


class PersistentWatch:
    """One list and the watches after it: an end of any kind but a cancellation is an end, and no
    error. kopf lists again after each."""

    def __init__(self, watch: Callable[..., Any]) -> None:
        self._watch = watch
        self._failures = Counter[str]()

    async def __call__(self, *, resource: Any, **params: Any) -> AsyncIterator[Any]:
        try:
            async with aclosing(self._watch(resource=resource, **params)) as stream:
                async for event in stream:
                    if _is_of_a_watch(event):
                        self._failures.pop(resource.plural, None)
                    yield event
        except REFUSALS as error:
            await self._wait(resource.plural, error)

    async def _wait(self, plural: str, error: Exception) -> None:
        delay = backoff_s(self._failures[plural])
        self._failures[plural] += 1
        logger.warning(
            "list and watch failed",
            resource=plural,
            failures=self._failures[plural],
            retry_after_s=delay,
            why=f"{type(error).__name__}: {error}"[:300],
        )
        await asyncio.sleep(delay * random.uniform(0.5, 1.0))


def keep_watching() -> None:
    """Have kopf list and watch for as long as it runs, whatever it is answered."""
    if not isinstance(watching.continuous_watch, PersistentWatch):
        watching.continuous_watch = PersistentWatch(watching.continuous_watch)


def _is_of_a_watch(event: Any) -> bool:
    """What was listed has no type, and the end of a list is no event."""
    return isinstance(event, dict) and event.get("type") is not None
