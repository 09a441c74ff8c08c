"""Keeps a store equal to what the API server holds: list, then watch, list again where that ends.

A list also says what is gone, which no watch does after an interruption: whatever was deleted
meanwhile is dropped from the store, and reported like any other change.
"""

import asyncio
import random
from collections.abc import Callable

import structlog

from fairlead.api.reasons import Reason
from fairlead.cluster import Cluster, Collection
from fairlead.errors import ExpiredError, OperatorError
from fairlead.informer.missing_rights import MissingRights
from fairlead.informer.store import Entry, Name, Store
from fairlead.retry import backoff_s
from fairlead.watch_stream import EventType, WatchEvent

logger = structlog.get_logger("fairlead")
WATCH_S = (240, 300)  # how long one watch lasts; spread, so that they do not all end together
ABSENT_ANSWERS = 3  # in a row, until a kind counts as unknown
ABSENT_DELAY_S = 60.0  # until it is looked for again
REOPEN_DELAY_S = 1.0  # between a watch that ended and the next
Changed = Callable[[Name, Entry, bool], None]
"""Called with an object's name, what is known of it, and whether it is gone."""


class Reflector:
    """Lists and watches one collection into one store, for as long as ``run`` is not cancelled.

    ``looked`` is set once there is an answer: everything is in the store, or the collection is one
    of a namespace in which that is not allowed, or ``optional`` and the cluster knows no such kind.
    """

    def __init__(
        self,
        cluster: Cluster,
        collection: Collection,
        store: Store,
        changed: Changed,
        rights: MissingRights,
        *,
        optional: bool = False,
    ) -> None:
        self._cluster = cluster
        self._collection = collection
        self._store = store
        self._changed = changed
        self._rights = rights
        self._version = ""
        self._failures = 0
        self._optional = optional
        self._absences = 0
        self.looked = asyncio.Event()
        self.unknown = False
        """Whether the cluster knows no such kind."""

    @property
    def plural(self) -> str:
        """The kind, as in the API's paths."""
        return self._collection.plural

    async def run(self) -> None:
        while True:
            delay = await self._follow()
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))

    async def _follow(self) -> float:
        """List where that is needed, watch to the end; return the seconds until the next time."""
        try:
            if not self._version:
                await self._list()
            await self._watch()
        except ExpiredError:
            self._version = ""
            self._failures += 1
            return REOPEN_DELAY_S
        except OperatorError as error:
            delay = max(error.retry_after, backoff_s(self._failures))
            self._failures += 1
            if self._optional and error.reason == Reason.NOT_FOUND:
                return self._take_absence(delay)
            self._take_refusal(error, delay)
            return delay
        return REOPEN_DELAY_S

    async def _list(self) -> None:
        listing = await self._cluster.list_all(self._collection)
        news = self._store.replace(
            listing.items, listing.resource_version, self._collection.namespace
        )
        for name, entry in news:
            self._changed(name, entry, self._store.entry(*name) is None)
        self._version, self._absences, self.unknown = listing.resource_version, 0, False
        self._granted("list")
        self.looked.set()

    async def _watch(self) -> None:
        seconds = random.randint(*WATCH_S)
        async for event in self._cluster.watch(self._collection, self._version, seconds):
            self._take(event)
            self._failures = 0
            self._granted("watch")

    def _take(self, event: WatchEvent) -> None:
        """Put an event into the store, and go on from it should the watch break off."""
        meta = event.manifest["metadata"]
        if event.type is not EventType.BOOKMARK:
            gone = event.type is EventType.DELETED
            entry = (self._store.drop if gone else self._store.put)(event.manifest)
            if entry is not None:
                self._changed((meta.get("namespace", ""), meta["name"]), entry, gone)
        self._version = str(meta.get("resourceVersion") or self._version)

    def _granted(self, verb: str) -> None:
        self._rights.granted(self._collection.namespace, verb, self._collection.plural)

    def _take_absence(self, delay: float) -> float:
        """The kind's definition is not there, or has gone, and its objects with it.

        An API server that has just started knows no definition yet: it is asked several times.
        """
        self._version, self._absences = "", self._absences + 1
        if self._absences < ABSENT_ANSWERS:
            return delay
        if not self.unknown:
            logger.warning("the cluster knows no such kind", resource=self._collection.plural)
        self.unknown = True
        for name in self._store.names():
            if self._collection.namespace in ("", name[0]) and (gone := self._store.forget(*name)):
                self._changed(name, gone, True)  # noqa: FBT003
        self.looked.set()
        return ABSENT_DELAY_S

    def _take_refusal(self, error: OperatorError, delay: float) -> None:
        """Say why; of a right that is missing, once for the whole namespace."""
        namespace, plural = self._collection.namespace, self._collection.plural
        verb = "watch" if self._version else "list"
        if self._rights.note(namespace, verb, plural, error):
            self._version = ""  # where a watch is not allowed, a list now and then must do
            if namespace:
                self.looked.set()
            return
        logger.warning(
            "list and watch failed",
            resource=self._collection.plural,
            failures=self._failures,
            retry_after_s=round(delay, 1),
            why=str(error),
        )
