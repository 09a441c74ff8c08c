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

from fairlead.informer.missing_rights import MissingRights
from fairlead.retry import backoff_s

logger = structlog.get_logger("fairlead")
REFUSALS = (
    errors.APIError,
    watching.WatchingError,
    aiohttp.ClientError,
    *(ValueError, KeyError, TypeError),  # an answer that is not the API's
)


CANNOT_LIST = " cannot list resource "  # in the API server's words
Watched = tuple[str, str]
"""The namespace, "" for all, and the plural."""


class PersistentWatch:
    """One list and the watches after it: an end of any kind but a cancellation is an end, and no
    error. kopf lists again after each."""

    def __init__(self, watch: Callable[..., Any], rights: MissingRights) -> None:
        self._watch = watch
        self._rights = rights
        self._failures = Counter[Watched]()

    async def __call__(
        self, *, resource: Any, namespace: str | None = None, **params: Any
    ) -> AsyncIterator[Any]:
        watched = (namespace or "", resource.plural)
        stream = self._watch(resource=resource, namespace=namespace, **params)
        try:
            async with aclosing(stream):
                async for event in stream:
                    if _is_of_a_watch(event):
                        self._note_success(watched)
                    yield event
            self._note_success(watched)
        except REFUSALS as error:
            await self._wait(watched, error)

    def _note_success(self, watched: Watched) -> None:
        self._failures.pop(watched, None)
        self._rights.granted(watched[0], "watch", watched[1])

    async def _wait(self, watched: Watched, error: Exception) -> None:
        delay = backoff_s(self._failures[watched])
        self._failures[watched] += 1
        namespace, plural = watched
        if not isinstance(error, errors.APIForbiddenError):
            logger.warning(
                "list and watch failed",
                resource=plural,
                failures=self._failures[watched],
                retry_after_s=delay,
                why=f"{type(error).__name__}: {error}"[:300],
            )
        elif CANNOT_LIST not in str(error):  # what the cache lists, too, it says itself
            self._rights.refused(namespace, "watch", plural)
        await asyncio.sleep(delay * random.uniform(0.5, 1.0))


def keep_watching(rights: MissingRights) -> None:
    """Have kopf list and watch for as long as it runs, whatever it is answered."""
    if not isinstance(watching.continuous_watch, PersistentWatch):
        watching.continuous_watch = PersistentWatch(watching.continuous_watch, rights)


def _is_of_a_watch(event: Any) -> bool:
    """What was listed has no type, and the end of a list is no event."""
    return isinstance(event, dict) and event.get("type") is not None
