"""A ``Cluster`` in memory, for tests of what reads and writes one: it validates nothing."""

import asyncio
import copy
import itertools
import json
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from fairlead.api.reasons import Reason
from fairlead.api.refs import PLURALS, Manifest, Ref
from fairlead.cluster import Collection, Listing, PodLog
from fairlead.desired.owned_fields import MERGE_KEYS
from fairlead.errors import OperatorError, ReplacedError, StalledError, WaitingError
from fairlead.watch_stream import EventType, WatchEvent

LISTED_KINDS = 6  # that the cache lists and watches
Place = tuple[str, str, str]
"""Plural, namespace, name."""


def ref_of(manifest: Manifest) -> Ref:
    meta, kind = manifest["metadata"], manifest["kind"]
    plural = PLURALS.get(kind, f"{kind.lower()}s")
    return Ref(manifest["apiVersion"], plural, meta.get("namespace", ""), meta.get("name", ""))


class FakeCluster:
    """``requests`` counts verbs and plurals; ``refusals`` are raised, one for each request."""

    def __init__(self) -> None:
        self.objects: dict[Place, Manifest] = {}
        self.requests: Counter[tuple[str, str]] = Counter()
        self.refusals: dict[tuple[str, str], list[OperatorError]] = {}
        self.forbidden: set[tuple[str, str, str]] = set()  # verb, plural, namespace
        self.schemas: Mapping[str, Manifest] = {}
        self.version = (1, 36)
        self.logs: dict[str, str] = {}
        self.streams: dict[str, list[bytes | asyncio.Event]] = {}  # an event: until then silence
        self.open_streams = 0  # of logs
        self.reviews: Callable[[Manifest], Manifest] = lambda _: {}
        self.events: list[Manifest] = []
        self.admission: Callable[[Manifest], Manifest] = lambda applied: applied
        self._versions = itertools.count(1)
        self._uids = itertools.count(1)
        self._muted: set[str] = set()
        self._watches: dict[str, list[asyncio.Queue[WatchEvent | OperatorError]]] = {}

    # --- what a test does behind the operator's back

    def put(self, manifest: Manifest) -> Manifest:
        """Create or replace an object; watches see it."""
        ref = ref_of(manifest)
        place = (ref.plural, ref.namespace, ref.name)
        before = self.objects.get(place)
        meta = {
            "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
            **manifest["metadata"],
        }
        meta["uid"] = (before or {"metadata": meta})["metadata"].get("uid", f"u{next(self._uids)}")
        meta["resourceVersion"] = str(next(self._versions))
        self.objects[place] = {**copy.deepcopy(manifest), "metadata": meta}
        self._tell(ref.plural, EventType.MODIFIED if before else EventType.ADDED, place)
        return self.objects[place]

    def remove(self, plural: str, namespace: str, name: str, *, silently: bool = False) -> None:
        """Delete an object; silently: no watch ever says so."""
        place = (plural, namespace, name)
        self.objects[place]["metadata"]["resourceVersion"] = str(next(self._versions))
        if not silently:
            self._tell(plural, EventType.DELETED, place)
        del self.objects[place]

    def interrupt(self, plural: str, error: OperatorError) -> None:
        """End every watch of these objects with an error."""
        for watch in self._watches.get(plural, []):
            watch.put_nowait(error)

    def mute(self, plural: str) -> None:
        """Watches of these objects stay open and say nothing any more."""
        self._muted.add(plural)

    def all_read(self) -> bool:
        """Whether every watch is open and has been read to its end."""
        watches = [watch for several in self._watches.values() for watch in several]
        return len(self._watches) >= LISTED_KINDS and all(watch.empty() for watch in watches)

    def watched(self, plural: str) -> bool:
        return bool(self._watches.get(plural))

    def find(self, plural: str, namespace: str, name: str) -> Manifest | None:
        return self.objects.get((plural, namespace, name))

    # --- the verbs

    async def get(self, ref: Ref) -> Manifest | None:
        self._count("get", ref.plural)
        found = self.objects.get((ref.plural, ref.namespace, ref.name))
        return copy.deepcopy(found)

    async def get_metadata(self, ref: Ref) -> Manifest | None:
        return await self.get(ref)

    async def pod_events(self, namespace: str, uid: str) -> Sequence[Manifest]:
        self._count("list", "events")
        events = self._in("events", namespace)
        return [event for event in events if event["involvedObject"]["uid"] == uid]

    async def published_schemas(self, api_version: str) -> Mapping[str, Manifest]:
        self._count("get", "schemas")
        del api_version
        return self.schemas

    async def server_version(self) -> tuple[int, int]:
        self._count("get", "version")
        return self.version

    def _in(self, plural: str, namespace: str) -> Sequence[Manifest]:
        return [o for (p, ns, _), o in self.objects.items() if (p, ns) == (plural, namespace)]

    async def list_all(self, collection: Collection) -> Listing:
        self._count("list", collection.plural)
        self._authorise("list", collection)
        items = [
            copy.deepcopy(o)
            for (plural, _, _), o in self.objects.items()
            if plural == collection.plural and _within(o, collection)
        ]
        return Listing(items, str(next(self._versions)))

    async def watch_plural(self, plural: str) -> AsyncIterator[WatchEvent]:
        """What a watch stream of kopf's would say; it counts as no request."""
        async for event in self._follow(plural):
            yield event

    async def watch(
        self, collection: Collection, resource_version: str, seconds: int
    ) -> AsyncIterator[WatchEvent]:
        self._count("watch", collection.plural)
        self._authorise("watch", collection)
        del resource_version, seconds
        async for event in self._follow(collection.plural):
            if _within(event.manifest, collection):
                yield event

    async def _follow(self, plural: str) -> AsyncIterator[WatchEvent]:
        queue = asyncio.Queue[WatchEvent | OperatorError]()
        self._watches.setdefault(plural, []).append(queue)
        try:
            while True:
                event = await queue.get()
                if isinstance(event, OperatorError):
                    raise event
                yield event
        finally:
            self._watches[plural].remove(queue)

    async def apply(self, manifest: Manifest, *, existing: bool, manager: str) -> Manifest:
        ref = ref_of(manifest)
        self._count("apply", ref.plural)
        live = self.objects.get((ref.plural, ref.namespace, ref.name))
        uid = manifest["metadata"].get("uid")
        if (live is None) == existing or (live and uid and live["metadata"]["uid"] != uid):
            raise ReplacedError(Reason.API_UNAVAILABLE, "conflict")
        merged = _merged(live or {}, manifest)
        own = {"manager": manager, "operation": "Apply", "fieldsV1": _fields(manifest)}
        others = [
            entry
            for entry in (live or {"metadata": {}})["metadata"].get("managedFields") or []
            if entry["manager"] != manager
        ]
        merged["metadata"]["managedFields"] = [*others, own]
        return copy.deepcopy(self.put(self.admission(merged)))

    async def apply_status(self, manifest: Manifest) -> Manifest | None:
        ref = ref_of(manifest)
        self._count("apply_status", ref.plural)
        live = self.objects.get((ref.plural, ref.namespace, ref.name))
        if live is None:
            return None
        return copy.deepcopy(self.put({**live, "status": manifest["status"]}))

    async def merge(self, ref: Ref, patch: Manifest) -> Manifest | None:
        self._count("merge", ref.plural)
        live = self.objects.get((ref.plural, ref.namespace, ref.name))
        wanted = patch.get("metadata", {}).get("resourceVersion")
        if live is not None and wanted not in (None, "", live["metadata"]["resourceVersion"]):
            raise WaitingError(Reason.API_UNAVAILABLE, "the object has been modified")
        return None if live is None else copy.deepcopy(self.put(_merged(live, patch)))

    async def create(self, manifest: Manifest) -> bool:
        ref = ref_of(manifest)
        self._count("create", ref.plural)
        if ref.plural == "events":
            self.events.append(manifest)
            return True
        if (ref.plural, ref.namespace, ref.name) in self.objects:
            return False
        self.put(manifest)
        return True

    async def delete(self, ref: Ref, uid: str) -> None:
        self._count("delete", ref.plural)
        live = self.objects.get((ref.plural, ref.namespace, ref.name))
        if live is not None and live["metadata"]["uid"] == uid:
            self.remove(ref.plural, ref.namespace, ref.name)

    async def log_tail(self, log: PodLog) -> str | None:
        self._count("log", "pods")
        return self.logs.get(log.pod)

    async def stream_log(self, log: PodLog, *, follow: bool) -> AsyncGenerator[bytes, None]:
        """The log of a pod, until something is waited for; with ``follow``, all that comes."""
        self._count("follow" if follow else "log", "pods")
        self.open_streams += 1
        try:
            for piece in self.streams.get(log.pod, [self.logs.get(log.pod, "").encode()]):
                if isinstance(piece, bytes):
                    yield piece
                elif follow:
                    await piece.wait()
                else:
                    return
        finally:
            self.open_streams -= 1

    async def review(self, manifest: Manifest) -> Manifest:
        self._count("review", manifest["kind"])
        return self.reviews(manifest)

    def _count(self, verb: str, plural: str) -> None:
        self.requests[verb, plural] += 1
        for what in ((verb, plural), (verb, "*"), ("*", "*")):
            if self.refusals.get(what):
                raise self.refusals[what].pop(0)

    def _authorise(self, verb: str, collection: Collection) -> None:
        if (verb, collection.plural, collection.namespace) in self.forbidden:
            raise StalledError(Reason.FORBIDDEN, f"{collection.plural} is forbidden")

    def _tell(self, plural: str, type_: EventType, place: Place) -> None:
        for watch in self._watches.get(plural, []) if plural not in self._muted else ():
            watch.put_nowait(WatchEvent(type_, copy.deepcopy(self.objects[place])))


def _within(manifest: Manifest, collection: Collection) -> bool:
    there = collection.namespace in ("", manifest["metadata"].get("namespace"))
    return there and _selected(manifest, collection.selector)


def _selected(manifest: Manifest, selector: str) -> bool:
    labels = manifest["metadata"].get("labels") or {}
    name, equals, value = selector.partition("=")
    if not equals:
        return not selector or name in labels
    return labels.get(name) == value


def _merged(live: Any, wanted: Any) -> Any:
    if isinstance(live, dict) and isinstance(wanted, dict):
        both = {key: _merged(live.get(key), value) for key, value in wanted.items()}
        return {**copy.deepcopy(live), **both}
    return copy.deepcopy(wanted)


IDENTITY = {
    (): {"apiVersion", "kind"},
    ("metadata",): {"name", "namespace", "uid", "resourceVersion", "managedFields"},
}


def _fields(value: Any, path: tuple[str, ...] = ()) -> Manifest:
    """``fieldsV1`` of a manifest, as the API server writes it."""
    if isinstance(value, dict):
        owned = value.keys() - IDENTITY.get(path, set())
        return {f"f:{key}": _fields(value[key], (*path, key)) for key in sorted(owned)}
    keys = MERGE_KEYS.get(path[-1], ()) if isinstance(value, list) and path else ()
    merged = next((k for k in keys if value and all(set(k) <= item.keys() for item in value)), None)
    if merged is None:
        return {}
    return {_key(item, merged): {".": {}, **_fields(item, ("",))} for item in value}


def _key(item: Manifest, keys: tuple[str, ...]) -> str:
    return f"k:{json.dumps({key: item[key] for key in keys}, separators=(',', ':'))}"
