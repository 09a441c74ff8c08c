"""What exists, as far as decisions read it: our objects, their children and pods, ConfigMaps.

Our own three kinds come through kopf's watch streams (``own_event``) and a list at start and now
and then, which also says what is gone; everything else through our own list and watch. Nothing here
decides: a change only names the objects that are to be reconciled.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import Any, Protocol

import structlog

from fairlead.api.meta import (
    API_VERSION,
    CONFIG_MAP,
    KINDS,
    MANAGED_BY_US,
    OWNED_BY_WEBSERVICE,
    WEBSERVICE,
    Kind,
)
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.cluster import Cluster, Collection, Listing
from fairlead.desired.child_kinds import (
    ALL_KINDS,
    CHILD_KINDS,
    EXPOSURE_KINDS,
    HTTP_ROUTE,
    INGRESS,
    WATCHED_KINDS,
    ChildKind,
)
from fairlead.desired.exposure import called
from fairlead.errors import OperatorError
from fairlead.evidence import Accepted, ChildEvidence, Claim
from fairlead.informer.missing_rights import MissingRights
from fairlead.informer.reflector import Changed, Reflector
from fairlead.informer.store import Entry, Name, Store
from fairlead.observe.child_writes import ChildWrites
from fairlead.observe.exposures import Claims, exposure_kinds, hosts_led
from fairlead.observe.pod_projection import project_pod
from fairlead.observe.projection import project
from fairlead.observe.references import Key, References, references_of
from fairlead.retry import backoff_s
from fairlead.settings import Settings

logger = structlog.get_logger("fairlead")
SUFFIXES = frozenset(kind.suffix for kind in CHILD_KINDS)
SILENT_LISTS = 2
READY_STATUSES = ("True", "False", "Unknown")


class Listener(Protocol):
    """Told which object is to be reconciled, ``urgent`` where somebody has changed its spec."""

    def __call__(self, key: Key, *, urgent: bool = False) -> None: ...


class Cache:
    """``changed`` is called with each object that is to be reconciled, ``gone`` with the uid of
    each object of ours that is no more. ``namespaces`` are those to look at; none: all. The
    ConfigMaps of ``own_namespace`` are watched whatever these are. A namespace in which something
    may not be listed holds up no other: ``rights`` knows it."""

    def __init__(
        self,
        cluster: Cluster,
        changed: Listener,
        gone: Callable[[str], None],
        namespaces: Sequence[str] = (),
        own_namespace: str = "",
        rights: MissingRights | None = None,
    ) -> None:
        self._cluster = cluster
        self.rights = rights or MissingRights()
        self._scopes = tuple(dict.fromkeys(namespaces)) or ("",)
        own = (own_namespace,) if namespaces else ()  # it has the echo, by which life is proved
        self._config_map_scopes = tuple(dict.fromkeys((*self._scopes, *own)))
        self._changed = changed
        self._gone = gone
        self._own = {kind: Store(_own_object) for kind in KINDS}
        self._children = {
            kind.kind: Store(partial(_child, kind), OWNED_BY_WEBSERVICE)
            for kind in (*WATCHED_KINDS, *EXPOSURE_KINDS)
        }
        self._claims: Claims | None = None
        self._pods = Store(project_pod, OWNED_BY_WEBSERVICE)
        self._config_maps = Store(lambda seen: seen["metadata"].get("resourceVersion"))
        self._references = References()
        self._keys: dict[str, Key] = {}  # of our objects, by uid
        self._uids: dict[Key, str] = {}
        self.writes = ChildWrites()
        self._asked_for: dict[str, float] = {}  # by the owner's uid
        self._deletions: dict[str, float] = {}
        self._ready: dict[Key, str] = {}  # the status of the condition
        self._unheard = dict.fromkeys(KINDS, 0)  # lists in a row that knew more than the stream
        self.listed = asyncio.Event()
        self._reflectors = list(self._make_reflectors())
        self.rights.on_return(self._namespace_returned)

    def watch_exposures(self, settings: Settings) -> None:
        """Watch what Webservices may be exposed by, too, and know who wants which host; before
        ``run``."""
        self._claims = Claims(settings)
        for kind in exposure_kinds(settings):
            for scope in self._scopes:
                children = Collection(kind.api_version, kind.plural, MANAGED_BY_US, namespace=scope)
                store = self._children[kind.kind]
                self._reflectors.append(
                    Reflector(
                        self._cluster,
                        children,
                        store,
                        self._child_changed,
                        self.rights,
                        optional=kind is HTTP_ROUTE,
                    )
                )

    # --- keeping it

    async def run(self) -> None:
        """List and watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reflector in self._reflectors:
                group.create_task(reflector.run())

    async def synced(self) -> None:
        """Return once everything has been listed."""
        lists = (self._first_list(kind) for kind in KINDS)
        await asyncio.gather(*lists, *(one.looked.wait() for one in self._reflectors))
        self.listed.set()

    async def _first_list(self, kind: Kind) -> None:
        failures = 0
        while True:
            try:
                return await self._list_own(kind)
            except OperatorError as error:
                delay = max(error.retry_after, backoff_s(failures))
                if error.reason != Reason.FORBIDDEN:  # which is said already
                    logger.warning("first list failed", retry_after_s=delay, why=str(error))
                await asyncio.sleep(delay)
                failures += 1

    async def list_own(self) -> None:
        """List our three kinds: finds what their watch streams have missed."""
        await asyncio.gather(*map(self._list_own, KINDS))

    async def _list_own(self, kind: Kind) -> None:
        listings = await asyncio.gather(*(self._list_in(scope, kind) for scope in self._scopes))
        store, missed = self._own[kind], False
        for scope, listing in zip(self._scopes, listings, strict=True):
            if listing is None:
                continue
            for name, entry in store.replace(listing.items, listing.resource_version, scope):
                self._own_changed(kind, name, entry, gone=store.entry(*name) is None)
                missed = self.listed.is_set()
        self._unheard[kind] = self._unheard[kind] + 1 if missed else 0

    async def _list_in(self, scope: str, kind: Kind) -> Listing | None:
        """Objects of ours in one namespace, or in all; None where one must not be looked into."""
        try:
            found = await self._cluster.list_all(
                Collection(API_VERSION, kind.plural, namespace=scope)
            )
        except OperatorError as error:
            if self.rights.note(scope, "list", kind.plural, error) and scope:
                return None
            raise
        self.rights.granted(scope, "list", kind.plural)
        return found

    def own_event(self, kind: Kind, type_: str | None, body: Manifest) -> None:
        """Take in what a watch stream said of an object of ours; no type: it was listed."""
        self._unheard[kind] = 0
        meta, store, gone = body["metadata"], self._own[kind], type_ == "DELETED"
        entry = (store.drop if gone else store.put)(body)
        if entry is not None:
            self._own_changed(kind, (meta["namespace"], meta["name"]), entry, gone=gone)

    def put_own(self, kind: Kind, body: Manifest) -> None:
        """Take in the answer to a write of ours, which is news to whoever refers to the object."""
        meta = body["metadata"]
        key = Key(kind, meta["namespace"], meta["name"])
        if self._own[kind].put(body) is not None:
            self._ready[key] = _ready(body)
            self._notify_referrers(key)
            self._notify_rivals(key, body)

    def put_child(self, manifest: Manifest) -> None:
        """Take in a child that was read or written."""
        self._children[manifest["kind"]].put(manifest)

    def forget_child(self, kind: str, namespace: str, name: str) -> None:
        """A read has shown that there is no such child."""
        self._children[kind].forget(namespace, name)

    def accept(self, manifest: Manifest, applied: str, altered: Sequence[str] = ()) -> None:
        """Note what the API server made of what was applied, so that it is not applied again:
        ``applied`` is the fingerprint of that, ``altered`` what came out otherwise."""
        meta, store = manifest["metadata"], self._children[manifest["kind"]]
        store.put(manifest)
        child = ChildEvidence(**store.projection(manifest))
        self.writes.note_accepted(meta["uid"], Accepted(applied, child.owned_hash, altered))

    def note_asked_for(self, owner: str) -> None:
        """What this object needs and nobody may read was created, or was there."""
        self._asked_for[owner] = time.monotonic()

    # --- reading it

    def object(self, key: Key) -> Manifest | None:
        """An object of ours."""
        found: Manifest | None = self._own[key.kind].read(key.namespace, key.name)
        return found

    def is_new(self, key: Key) -> bool:
        """Whether nothing has been said yet about the spec of this object."""
        body = self.object(key) or {}
        observed = (body.get("status") or {}).get("observedGeneration")
        return bool(body) and body["metadata"].get("generation") != observed

    def readiness(self) -> Mapping[tuple[str, ...], int]:
        """How many objects there are of each kind whose ``Ready`` is True, False or Unknown."""
        return Counter((key.kind.kind, ready) for key, ready in self._ready.items())

    def unlisted(self) -> str:
        """What is not known yet, in a sentence; empty where everything has been listed once."""
        if not self.listed.is_set():
            return "Not everything has been listed yet."
        if self.rights.namespaces() >= set(self._scopes):
            return "In no watched namespace are all rights there; the log names what is missing."
        return ""

    def silent_stream(self) -> str:
        """Which stream of our own objects tells nothing, in a sentence; empty where none does.

        Objects were found by lists, twice in a row, that it has said nothing of meanwhile.
        """
        silent = [kind.plural for kind, lists in self._unheard.items() if lists >= SILENT_LISTS]
        return f"Nothing is heard of changes of {', '.join(silent)}." if silent else ""

    def all_keys(self) -> list[Key]:
        """Every object of ours."""
        return list(self._uids)

    def key_of(self, uid: str) -> Key | None:
        """The object of ours that has this uid."""
        return self._keys.get(uid)

    def children(self, namespace: str, name: str) -> Mapping[str, ChildEvidence]:
        """What exists under the names of a Webservice's children, by key, whoever made it."""
        stored = {
            kind.key: self._children[kind.kind].read(namespace, kind.name(name))
            for kind in ALL_KINDS
        }
        return {key: self._evidence(found) for key, found in stored.items() if found}

    def claims(self, host: str) -> Sequence[Claim]:
        """Who wants this host, and may have it."""
        return self._claims.on(host) if self._claims else ()

    def namesakes(self, service: str) -> Sequence[Claim]:
        """Who wants an Ingress, and may have it, and has a Service that controllers call so."""
        return self._claims.of(service) if self._claims else ()

    def namesake_left(self, service: str, namespace: str) -> bool:
        """Whether an Ingress of ours in another namespace is there for a Service that controllers
        call so, whatever its Webservice asks for by now, or whether there is one."""
        store = self._children[INGRESS.kind]
        return any(
            hosts_led(store.read(place, name) or {})
            for place, name in store.names()
            if place != namespace and called(place, name) == service
        )

    def leads_elsewhere(self, host: str, namespace: str) -> bool:
        """Whether an Ingress or HTTPRoute of ours in another namespace is there for this host,
        whatever its Webservice asks for by now, or whether there is one."""
        stores = [self._children[kind.kind] for kind in EXPOSURE_KINDS]
        return any(
            place != namespace and host in hosts_led(store.read(place, name) or {})
            for store in stores
            for place, name in store.names_with(host)
        )

    def knows(self, kind: ChildKind) -> bool:
        """Whether the cluster knows this kind, as far as it is watched."""
        return not any(one.unknown for one in self._reflectors if one.plural == kind.plural)

    def pods(self, namespace: str, webservice: str) -> list[Manifest]:
        return self._pods.owned_by(namespace, webservice)

    def config_map(self, namespace: str, name: str) -> Entry | None:
        """Which version of a ConfigMap there is."""
        return self._config_maps.entry(namespace, name)

    def asked_for(self, owner: str, within_s: float) -> bool:
        """Whether what this object needs and nobody may read was created lately, or was there."""
        return time.monotonic() - self._asked_for.get(owner, float("-inf")) < within_s

    def deleted_lately(self, namespace: str, within_s: float) -> bool:
        """Whether something that is watched was deleted there: the namespace may be going."""
        return time.monotonic() - self._deletions.get(namespace, -within_s) < within_s

    def _evidence(self, stored: Mapping[str, Any]) -> ChildEvidence:
        return self.writes.known_of(ChildEvidence(**stored))

    # --- what changed

    def _own_changed(self, kind: Kind, name: Name, entry: Entry, *, gone: bool) -> None:
        key = Key(kind, *name)
        before = self._uids.get(key)
        if before is not None and (gone or before != entry.uid):
            self._keys.pop(before, None)
            self._asked_for.pop(before, None)
            self._gone(before)
        if gone:
            self._uids.pop(key, None)
            self._ready.pop(key, None)
            self._references.put(key, ())
            self._note_deletion(name[0])
        else:
            self._uids[key], self._keys[entry.uid] = entry.uid, key
            body = self.object(key) or {}
            self._ready[key] = _ready(body)
            self._references.put(key, references_of(key, body.get("spec")))
        self._changed(key, urgent=not gone and self.is_new(key))
        self._notify_referrers(key)
        self._notify_rivals(key, None if gone else self.object(key))

    def _child_changed(self, name: Name, entry: Entry, gone: bool) -> None:  # noqa: FBT001
        if gone:
            self._note_deletion(name[0])
            self.writes.forget(entry.uid)
        if entry.owner:
            self._changed(Key(WEBSERVICE, name[0], entry.owner))
        else:  # not labelled, yet perhaps of a name that a Webservice needs
            for suffix in SUFFIXES:
                self._changed(Key(WEBSERVICE, name[0], name[1].removesuffix(suffix)))

    def _config_map_changed(self, name: Name, _: Entry, gone: bool) -> None:  # noqa: FBT001
        if gone:
            self._note_deletion(name[0])
        self._notify_referrers(Key(CONFIG_MAP, *name))

    def _notify_referrers(self, key: Key) -> None:
        for referrer in self._references.referrers(key):
            self._changed(referrer)

    def _notify_rivals(self, key: Key, body: Manifest | None) -> None:
        for rival in self._claims.put(key, body) if self._claims else ():
            self._changed(rival)

    def _namespace_returned(self, namespace: str) -> None:
        """All of it can be seen again: what its objects say may be wrong by now."""
        for key in [key for key in self._uids if namespace in ("", key.namespace)]:
            self._changed(key)

    def _note_deletion(self, namespace: str) -> None:
        self._deletions[namespace] = time.monotonic()

    def _make_reflectors(self) -> Iterator[Reflector]:
        watched = [
            (kind.api_version, kind.plural, self._children[kind.kind]) for kind in WATCHED_KINDS
        ]
        watched.append(("v1", "pods", self._pods))
        for scope in self._scopes:
            for version, plural, store in watched:
                children = Collection(version, plural, MANAGED_BY_US, namespace=scope)
                yield self._reflector(children, store, self._child_changed)
        for scope in self._config_map_scopes:
            maps = Collection("v1", "configmaps", metadata_only=True, namespace=scope)
            yield self._reflector(maps, self._config_maps, self._config_map_changed)

    def _reflector(self, collection: Collection, store: Store, changed: Changed) -> Reflector:
        return Reflector(self._cluster, collection, store, changed, self.rights)


def _own_object(body: Manifest) -> Manifest:
    """An object of ours, without the record of who set which field."""
    meta = {key: value for key, value in body["metadata"].items() if key != "managedFields"}
    return {**body, "metadata": meta}


def _ready(body: Manifest) -> str:
    conditions = (body.get("status") or {}).get("conditions") or []
    found = (one.get("status") for one in conditions if one.get("type") == "Ready")
    return next((str(status) for status in found if status in READY_STATUSES), "Unknown")


def _child(kind: ChildKind, manifest: Manifest) -> Mapping[str, Any]:
    found = project(kind, manifest)
    return {field.name: getattr(found, field.name) for field in fields(ChildEvidence)}
