"""One kind's objects as they were observed last: projections, held as compact JSON.

Thousands of objects are held for as long as the operator runs, so each is kept as bytes and parsed
when a reconcile reads it. Nothing here is ever older than what this operator wrote itself: an
answer of the API server to a write is put in as well, and an older version never replaces a newer.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fairlead.api.refs import Manifest

Name = tuple[str, str]
"""Namespace and name."""
Projection = Callable[[Manifest], Any]
"""What is kept of an object: a pure function to something that JSON can hold."""
MAX_DELETED = 10_000  # uids that are remembered


@dataclass(frozen=True, slots=True)
class Entry:
    """One object. ``owner`` is the name of the Webservice that its label gives, else empty."""

    uid: str
    version: int
    owner: str
    content: bytes


class Store:
    """Objects of one kind by namespace and name."""

    def __init__(self, project: Projection, owner_label: str = "") -> None:
        self._project = project
        self._owner_label = owner_label
        self._entries: dict[Name, Entry] = {}
        self._owned: dict[Name, set[Name]] = {}
        self._deleted: OrderedDict[str, int] = OrderedDict()  # uid to the version of its end

    def __len__(self) -> int:
        return len(self._entries)

    def read(self, namespace: str, name: str) -> Any | None:
        """The projection of an object, or None where none of that name is known."""
        entry = self._entries.get((namespace, name))
        return None if entry is None else json.loads(entry.content)

    def projection(self, manifest: Manifest) -> Any:
        """The projection of this very version of an object, without projecting what is stored."""
        meta = manifest["metadata"]
        known = self._entries.get((meta.get("namespace", ""), meta["name"]))
        version = version_number(meta.get("resourceVersion", ""))
        if known is not None and (known.uid, known.version) == (meta.get("uid"), version):
            return json.loads(known.content)
        return self._project(manifest)

    def entry(self, namespace: str, name: str) -> Entry | None:
        return self._entries.get((namespace, name))

    def owned_by(self, namespace: str, owner: str) -> list[Any]:
        """The projections of all objects that carry the label of one Webservice, by name."""
        names = sorted(self._owned.get((namespace, owner), ()))
        return [json.loads(self._entries[name].content) for name in names]

    def names(self) -> Iterator[Name]:
        return iter(tuple(self._entries))

    def names_with(self, text: str) -> Iterator[Name]:
        """The objects whose projection may hold ``text``: few enough to be parsed."""
        sought = text.encode()
        return (name for name in self.names() if sought in self._entries[name].content)

    def put(self, manifest: Manifest) -> Entry | None:
        """Keep what was observed; return it where that is news, None where it is none.

        News is another object of that name or another content: a change of what nothing reads is
        none, and neither is a version older than the one that is here.
        """
        name, entry = self._entry(manifest)
        if entry.version <= self._deleted.get(entry.uid, -1):  # overtaken by the deletion
            return None
        known = self._entries.get(name)
        if known is not None and known.uid == entry.uid and entry.version < known.version:
            return None
        self._keep(name, entry)
        unchanged = known is not None and (known.uid, known.content) == (entry.uid, entry.content)
        return None if unchanged else entry

    def drop(self, manifest: Manifest) -> Entry | None:
        """Forget an object that was deleted; return what was known of it.

        A successor of the same name, which may have been put in already, stays.
        """
        meta = manifest["metadata"]
        name = (meta.get("namespace", ""), meta["name"])
        self._deleted[meta.get("uid", "")] = version_number(meta.get("resourceVersion", ""))
        if len(self._deleted) > MAX_DELETED:
            self._deleted.popitem(last=False)
        known = self._entries.get(name)
        if known is None or known.uid != meta.get("uid"):
            return None
        return self.forget(*name)

    def forget(self, namespace: str, name: str) -> Entry | None:
        """Forget whatever has this name; return what was known of it."""
        entry = self._entries.pop((namespace, name), None)
        if entry is not None and entry.owner:
            owned = self._owned[namespace, entry.owner]
            owned.discard((namespace, name))
            if not owned:
                del self._owned[namespace, entry.owner]
        return entry

    def replace(
        self, manifests: Iterable[Manifest], resource_version: str, namespace: str = ""
    ) -> list[tuple[Name, Entry]]:
        """Make this what a list as of ``resource_version`` says; return what is new, or gone.

        What is missing from the list is gone, unless it is newer than the list, or in another
        namespace than the one that was listed.
        """
        as_of, seen, news = version_number(resource_version), set[Name](), []
        for manifest in manifests:
            meta = manifest["metadata"]
            name = (meta.get("namespace", ""), meta["name"])
            seen.add(name)
            entry = self.put(manifest)
            if entry is not None:
                news.append((name, entry))
        listed = (name for name in self.names() if namespace in ("", name[0]))
        for name in listed:
            if name not in seen and self._entries[name].version <= as_of:
                gone = self.forget(*name)
                news += [(name, gone)] if gone else []
        return news

    def _entry(self, manifest: Manifest) -> tuple[Name, Entry]:
        meta = manifest["metadata"]
        labels = meta.get("labels") or {}
        owner = str(labels.get(self._owner_label, "")) if self._owner_label else ""
        content = json.dumps(self._project(manifest), separators=(",", ":")).encode()
        name = (meta.get("namespace", ""), meta["name"])
        version = version_number(meta.get("resourceVersion", ""))
        return name, Entry(meta.get("uid", ""), version, owner, content)

    def _keep(self, name: Name, entry: Entry) -> None:
        self.forget(*name)
        self._entries[name] = entry
        if entry.owner:
            self._owned.setdefault((name[0], entry.owner), set()).add(name)


def version_number(resource_version: str) -> int:
    """A resource version as a number that grows with every write; 0 for one that is no number.

    Kubernetes promises the order within one kind:
    https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
    """
    return int(resource_version) if resource_version.isdecimal() else 0
