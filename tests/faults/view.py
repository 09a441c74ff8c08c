"""What happens in the cluster, as its API server tells it: every change, in order, by namespace."""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from fairlead.api.refs import Manifest
from tests.faults.api import PLURALS, Api
from tests.faults.proxy.event_loop import EventLoopThread

Seen = TypeVar("Seen")
PATIENCE_S = 180.0  # seconds; on a busy machine, too, an end state is reached by then or never


@dataclass(frozen=True)
class Change:
    """``type``: ADDED, MODIFIED or DELETED."""

    type: str
    kind: str
    object: Manifest

    @property
    def name(self) -> str:
        return str(self.object["metadata"]["name"])


@dataclass
class NamespaceView:
    """One namespace: its objects now, and every change there was. Guarded by the view's lock."""

    changed: threading.Condition
    objects: dict[tuple[str, str], Manifest] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    changed_at: float = field(default_factory=time.monotonic)

    def get(self, kind: str, name: str) -> Manifest | None:
        return self.objects.get((kind, name))

    def all(self, kinds: Iterable[str]) -> list[Manifest]:
        """Objects of these kinds, by kind and name."""
        wanted = set(kinds)
        found = [(key, manifest) for key, manifest in self.objects.items() if key[0] in wanted]
        return [manifest for _, manifest in sorted(found, key=lambda pair: pair[0])]

    def until(
        self,
        look: Callable[["NamespaceView"], Seen],
        holds: Callable[[Seen], object],
        patience: float = PATIENCE_S,
    ) -> Seen:
        """Look after every change until it holds; at the deadline return what was seen last."""
        deadline = time.monotonic() + patience
        with self.changed:
            while True:
                seen = look(self)
                left = deadline - time.monotonic()
                if holds(seen) or left <= 0:
                    return seen
                self.changed.wait(min(left, 1.0))

    def put(self, change: Change) -> None:
        key = change.kind, change.name
        with self.changed:
            self.changes.append(change)
            self.changed_at = time.monotonic()
            if change.type == "DELETED":
                self.objects.pop(key, None)
            else:
                self.objects[key] = change.object
            self.changed.notify_all()


class ClusterView:
    """Watches every kind of ``PLURALS`` over all namespaces."""

    def __init__(self, api: Api, loop: EventLoopThread) -> None:
        self._api, self._loop = api, loop
        self._lock = threading.RLock()
        self._namespaces: defaultdict[str, NamespaceView] = defaultdict(self._new)
        self._tasks: list[asyncio.Task[None]] = []
        self._listener: Callable[[Change], None] | None = None

    def namespace(self, name: str) -> NamespaceView:
        with self._lock:
            return self._namespaces[name]

    def listen(self, listener: Callable[[Change], None] | None) -> None:
        """Call it, on the event loop, with every change that follows; None: nobody."""
        self._listener = listener

    def start(self) -> None:
        self._loop.run(self._start())

    def stop(self) -> None:
        self._loop.run(self._stop())

    def _new(self) -> NamespaceView:
        return NamespaceView(threading.Condition(threading.RLock()))

    async def _start(self) -> None:
        for kind in PLURALS:
            items, version = await self._api.list(kind)
            for item in items:
                self._put(Change("ADDED", kind, item))
            self._tasks.append(asyncio.create_task(self._follow(kind, version)))

    async def _follow(self, kind: str, version: str) -> None:
        async for event in self._api.watch(kind, version):
            assert event["type"] != "ERROR", f"the watch of {kind} ended: {event}"
            self._put(Change(event["type"], kind, event["object"]))

    def _put(self, change: Change) -> None:
        whole = {"kind": change.kind, **change.object}  # items of a list do not name their kind
        self.namespace(whole["metadata"]["namespace"]).put(replace(change, object=whole))
        if self._listener:
            self._listener(change)

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        wrong = [error for error in ended if isinstance(error, Exception)]
        assert not wrong, wrong
