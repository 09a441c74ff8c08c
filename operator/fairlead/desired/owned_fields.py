"""What our field manager owns of a live object, in a form that can be compared with what we want.

``metadata.managedFields`` names the fields that each manager set last: once somebody else changes
one of ours, it is theirs and no longer ours. So two hashes tell whether an object has drifted: that
of what we want, and that of what we own. What others add has no part in it. The format is described
at https://kubernetes.io/docs/reference/using-api/server-side-apply/.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from fairlead.api.meta import FIELD_MANAGER
from fairlead.api.quantity import canonical_quantity
from fairlead.api.refs import Manifest
from fairlead.desired.metadata import fingerprint

Fields = Mapping[str, object]
"""One level of ``fieldsV1``: ``f:<name>``, ``k:<merge keys>``, ``v:<value>``, ``.`` for itself."""

MERGE_KEYS: Mapping[str, Sequence[tuple[str, ...]]] = {
    "containers": [("name",)],
    "initContainers": [("name",)],
    "env": [("name",)],
    "volumes": [("name",)],
    "imagePullSecrets": [("name",)],
    "volumeMounts": [("mountPath",)],
    "ports": [("containerPort", "protocol"), ("port", "protocol")],
    "ownerReferences": [("uid",)],
}  # of the lists that the API server merges item by item; all others are replaced whole
NEVER_OWNED = ("name", "namespace", "uid")  # in metadata: the server lists them for nobody
QUANTITIES = ("requests", "limits")  # maps whose values are quantities
MAX_CACHED_LABELS = 4096
MAX_DEPTH = 24  # levels of an object; ours have less than a dozen


def expected_hash(wanted: Manifest) -> str:
    """The hash of a manifest we apply: ``owned_hash`` of the object, as long as it holds it all."""
    metadata = {k: v for k, v in wanted["metadata"].items() if k not in NEVER_OWNED}
    body = {key: value for key, value in wanted.items() if key not in ("apiVersion", "kind")}
    return fingerprint(_expected({**body, "metadata": metadata}, At()))


def owned_hash(live: Manifest) -> str:
    """The hash of the fields that our field manager owns by apply; total, whatever ``live`` is."""
    mine: Fields = {}
    others = list[Fields]()
    for entry in managed_fields(live):
        fields = _fields(entry.get("fieldsV1"))
        if _applied_by_us(entry):
            mine = _union(mine, fields)
        else:
            others.append(fields)
    return fingerprint(_owned(live, mine, others, At()))


def managed_fields(live: Manifest) -> Iterator[Manifest]:
    """The entries of ``metadata.managedFields``; what is none is left out."""
    metadata = live.get("metadata")
    entries = metadata.get("managedFields") if isinstance(metadata, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            yield entry


def owns(live: Manifest, *path: str) -> bool:
    """True where our field manager owns the field, as in ``owns(live, "spec", "replicas")``."""
    for entry in managed_fields(live):
        fields: object = entry.get("fieldsV1") if _applied_by_us(entry) else None
        for name in path:
            fields = _fields(fields).get(f"f:{name}")
        if fields is not None:
            return True
    return False


def _applied_by_us(entry: Manifest) -> bool:
    applied = entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"
    return applied and not entry.get("subresource")


class At(NamedTuple):
    """Where in an object a value stands: its name, that of the map around it, how deep it is."""

    name: str = ""
    around: str = ""
    depth: int = 0


def _expected(value: object, at: At) -> object:
    name, _, depth = at
    if isinstance(value, dict):
        return {key: _expected(below, At(key, name, depth + 1)) for key, below in value.items()}
    if isinstance(value, list) and (keys := _merge_keys(name, value)):
        return {_key_label(i, keys): _expected(i, At("", name, depth + 1)) for i in value}
    return _canonical(value, at)


def _owned(value: object, fields: Fields, others: Sequence[Fields], at: At) -> object:
    """What ``fields`` own of ``value``; ``others`` are the fields of other managers there.

    A field that we own and that is not there is one whose empty value the server does not keep.
    """
    names = [name for name in fields if name != "."]
    if not names or at.depth > MAX_DEPTH:
        return _canonical(_without(value, others) if others else value, at)
    found = _by_label(value, names[0])
    owned = dict[str, object]()
    for name in names:
        label = _label(name)
        theirs = [_fields(other[name]) for other in others if name in other] if others else ()
        place = At(label if name.startswith("f:") else "", at.name, at.depth + 1)
        owned[label] = _owned(found.get(label), _fields(fields[name]), theirs, place)
    return owned


def _by_label(value: object, name: str) -> Mapping[str, object]:
    """The children of a map by name, the items of a list by their merge keys or their value.

    ``name`` is one of those in ``fieldsV1``: all items of one list have the same merge keys.
    """
    if isinstance(value, dict):
        return value
    items = value if isinstance(value, list) else []
    if keys := _keys(name):
        return {_key_label(item, keys): item for item in items if isinstance(item, dict)}
    return {_value_label(item): item for item in items}


@lru_cache(MAX_CACHED_LABELS)
def _label(name: str) -> str:
    """The label of what a name in ``fieldsV1`` stands for."""
    if name.startswith("f:"):
        return name[2:]
    parsed, keys = _parsed(name), _keys(name)
    return _key_label(parsed, keys) if isinstance(parsed, dict) else _value_label(parsed)


@lru_cache(MAX_CACHED_LABELS)
def _keys(name: str) -> tuple[str, ...]:
    """The names of the merge keys in ``k:{…}``; none where it is anything else."""
    parsed = _parsed(name)
    return tuple(sorted(parsed)) if name.startswith("k:") and isinstance(parsed, dict) else ()


def _parsed(name: str) -> object:
    try:
        return json.loads(name[2:])
    except (ValueError, RecursionError):
        return None


def _key_label(item: Manifest, keys: Sequence[str]) -> str:
    return "k:" + ",".join([f"{key}={item.get(key)!r}" for key in keys])


def _value_label(value: object) -> str:
    return f"v:{value!r}"


def _merge_keys(name: str, items: Sequence[object]) -> tuple[str, ...] | None:
    for keys in MERGE_KEYS.get(name, ()):
        if items and all(isinstance(item, dict) and keys[0] in item for item in items):
            return keys
    return None


def _without(value: object, others: Sequence[Fields]) -> object:
    """A map of ours without what others have put into it."""
    if not isinstance(value, dict):
        return value
    theirs = {name[2:] for other in others for name in other if name.startswith("f:")}
    return {key: below for key, below in value.items() if key not in theirs}


def _canonical(value: object, at: At) -> object:
    """One form for what the API server writes in several: quantities, and what is empty."""
    if value in ("", [], None):
        return None
    if at.depth > MAX_DEPTH:
        return "too deep"
    name, around, depth = at
    if isinstance(value, dict):
        return {key: _canonical(below, At(key, name, depth + 1)) for key, below in value.items()}
    if isinstance(value, list):
        return [_canonical(item, At("", name, depth + 1)) for item in value]
    return canonical_quantity(value) if around in QUANTITIES else value


def _fields(value: object) -> Fields:
    return value if isinstance(value, dict) else {}


def _union(one: Fields, other: Fields, depth: int = 0) -> Fields:
    """All fields of both: a new version of an API starts an entry of its own."""
    if not one or depth > MAX_DEPTH:
        return other
    both = {
        name: _union(_fields(one[name]), _fields(other[name]), depth + 1)
        for name in one
        if name in other
    }
    return {**one, **other, **both}
