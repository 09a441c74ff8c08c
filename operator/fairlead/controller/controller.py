"""The controller: workers that take keys from the work queue and reconcile them."""

import asyncio
import random
import time
from collections.abc import Awaitable, Iterable

import structlog

from fairlead.api.meta import WEBSERVICE
from fairlead.controller.reconcile import reconcile, report_internal_error
from fairlead.controller.work_queue import WorkQueue
from fairlead.decide.status_update import StatusUpdate
from fairlead.errors import OperatorError
from fairlead.observe.context import ReconcileContext
from fairlead.observe.measures import Name
from fairlead.observe.references import Key
from fairlead.retry import backoff_s

logger = structlog.get_logger("fairlead")
WORKERS = 16
JITTER = 0.2  # share, so that a thousand objects do not come back in one moment
CHECK_S = (240.0, 360.0)  # between two lists of our own objects


class Controller:
    """Reconciles every object of ours whenever something about it may have changed."""

    def __init__(self, context: ReconcileContext, queue: WorkQueue[Key]) -> None:
        self._context = context
        self._queue = queue
        self._deferred: set[Key] = set()  # their status is written by the next reconcile

    async def run(self) -> None:
        """Work until cancelled. Nothing is decided before everything has been listed once."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._context.cache.run())
            await self._context.cache.synced()
            for key in self._context.cache.all_keys():
                self._queue.add(key, urgent=self._context.cache.is_new(key))
            group.create_task(self._check())
            if self._context.metrics_api is not None:
                for one in (self._context.metrics_api, self._context.metrics_api.fast_lane):
                    group.create_task(one.run(self._webservices, self._scale_anew))
            for _ in range(WORKERS):
                group.create_task(self._work())

    def _webservices(self) -> list[Name]:
        keys = self._context.cache.all_keys()
        return [(key.namespace, key.name) for key in keys if key.kind is WEBSERVICE]

    def _scale_anew(self, names: Iterable[Name]) -> None:
        """What these scale by has changed, or what is measured of them."""
        for namespace, name in names:
            self._queue.add(Key(WEBSERVICE, namespace, name))

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            try:
                await self._process(key)
            finally:
                self._queue.done(key)

    async def _process(self, key: Key) -> None:
        attempt, began_s = self._queue.failures(key), time.monotonic()
        may_defer = key not in self._deferred
        work = reconcile(key, self._context, attempt, may_defer=may_defer)
        outcome = await self._outcome(key, work)
        self._note_deferred(key, outcome)
        if isinstance(outcome, Exception) and not isinstance(outcome, OperatorError):
            report = report_internal_error(key, outcome, self._context, attempt)
            outcome = await self._outcome(key, report)
        seconds = time.monotonic() - began_s
        self._context.metrics.reconciled(key.kind.kind, _word(outcome), seconds)
        if isinstance(outcome, Exception):
            wait = outcome.retry_after if isinstance(outcome, OperatorError) else 0.0
            self._retry(key, max(wait, backoff_s(attempt)))
        elif outcome is None:
            self._queue.forget(key)
        else:
            self._requeue(key, outcome)

    def _note_deferred(self, key: Key, outcome: StatusUpdate | Exception | None) -> None:
        if isinstance(outcome, StatusUpdate) and outcome.deferred:
            self._deferred.add(key)
        else:
            self._deferred.discard(key)

    async def _outcome(
        self, key: Key, work: Awaitable[StatusUpdate | None]
    ) -> StatusUpdate | Exception | None:
        """What came of it: a bug in one object's reconcile must not end the others'."""
        try:
            return await work
        except OperatorError as error:
            logger.warning("reconcile failed", object=str(key), why=str(error))
            return error
        except Exception as error:
            logger.exception("internal error", object=str(key))
            return error

    def _requeue(self, key: Key, update: StatusUpdate) -> None:
        if update.blocked:
            self._retry(key, update.requeue_after)
            return
        self._queue.succeeded(key)
        seconds = min(update.requeue_after, self._context.settings.resync_seconds)
        self._queue.add_after(key, seconds * random.uniform(1 - JITTER, 1.0))

    def _retry(self, key: Key, seconds: float) -> None:
        """Add the key after a failure, never earlier than the API server has asked for."""
        self._queue.failed(key)
        self._queue.add_after(key, seconds * random.uniform(1.0, 1 + JITTER))

    async def _check(self) -> None:
        """Find what the watch streams of our own objects have missed, and tasks nobody wants."""
        while True:
            await asyncio.sleep(random.uniform(*CHECK_S))
            try:
                await self._context.cache.list_own()
            except OperatorError as error:
                logger.warning("periodic list failed", why=str(error))

    def wake(self, uids: Iterable[str]) -> None:
        """A task of these objects has started or ended."""
        for uid in uids:
            key = self._context.cache.key_of(uid)
            if key is not None:
                self._queue.add(key)


def _word(outcome: StatusUpdate | Exception | None) -> str:
    """The outcome of a reconcile as the metrics name it."""
    if isinstance(outcome, Exception):
        return "failed"
    if outcome is None:
        return "gone"
    return "blocked" if outcome.blocked else "deferred" if outcome.deferred else "done"
