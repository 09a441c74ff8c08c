"""What our field manager owns of a live object, in a form that can be compared with what we want.

``metadata.managedFields`` names the fields that each manager set last: once somebody else changes
one of ours, it is theirs and no longer ours. So two hashes tell whether an object has drifted: that
of what we want, and that of what we own. What others add has no part in it. The format is described
at https://kubernetes.io/docs/reference/using-api/server-side-apply/.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

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
    "topologySpreadConstraints": [("topologyKey", "whenUnsatisfiable")],
}  # of the lists that the API server merges item by item; all others are replaced whole
NEVER_OWNED = ("name", "namespace", "uid")  # in metadata: the server lists them for nobody
QUANTITIES = ("requests", "limits")  # maps whose values are quantities
QUANTITY_FIELDS = ("sizeLimit",)  # single quantities
MAX_CACHED_NAMES = 4096
MAX_CACHED_CHARS = 256
MAX_OTHERS = 16  # other field managers; the API server keeps ten of those that update
MAX_VALUES = 10_000  # that are read of an object; ours have less than a thousand
MAX_DEPTH = 24  # levels of an object; ours have less than a dozen


def expected_hash(wanted: Manifest) -> str:
    """The hash of a manifest we apply: ``owned_hash`` of the object, as long as it holds it all."""
    return fingerprint(expected_tree(wanted))


def expected_tree(wanted: Manifest) -> object:
    """A manifest we apply, in the form of ``owned_tree``."""
    metadata = {k: v for k, v in wanted["metadata"].items() if k not in NEVER_OWNED}
    body = {key: value for key, value in wanted.items() if key not in ("apiVersion", "kind")}
    return _expected({**body, "metadata": metadata}, TOP)


def owned_hash(live: Manifest) -> str:
    """The hash of the fields that our field manager owns by apply; total, whatever ``live`` is."""
    return fingerprint(owned_tree(live))


def owned_tree(live: Manifest) -> object:
    """The fields that our field manager owns by apply; items of lists by their merge keys."""
    entries = list(managed_fields(live))
    mine = [_fields(entry.get("fieldsV1")) for entry in entries if _applied_by_us(entry)]
    others = [fields for _, fields in foreign_fields(live)]
    owned = mine[0] if len(mine) == 1 else _union(mine)
    return _owned(live, owned, others[:MAX_OTHERS], TOP, Budget())


def foreign_fields(live: Manifest) -> list[tuple[str, Fields]]:
    """The name of each other field manager, and its fields."""
    return [
        (str(entry.get("manager", "?")), _fields(entry.get("fieldsV1")))
        for entry in managed_fields(live)
        if not _applied_by_us(entry)
    ]


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

    name: str
    around: str
    depth: int


TOP = At("", "", 0)


class Budget:
    """How much of an object is read: anybody may write one that is made to take long."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_VALUES


def _expected(value: object, at: At) -> object:
    name, _, depth = at
    if isinstance(value, dict):
        return {key: _expected(below, At(key, name, depth + 1)) for key, below in value.items()}
    if isinstance(value, list) and (keys := _merge_keys(name, value)):
        return {_key_label(i, keys): _expected(i, At("", name, depth + 1)) for i in value}
    return _canonical(value, at, Budget())


def _owned(
    value: object, fields: Fields, others: Sequence[Fields], at: At, budget: Budget
) -> object:
    """What ``fields`` own of ``value``; ``others`` are the fields of other managers there.

    A field that we own and that is not there is one whose empty value the server does not keep.
    """
    names = [name for name in fields if name != "."] if fields else ()
    if not names or at.depth > MAX_DEPTH:
        return _canonical(_without(value, others) if others else value, at, budget)
    found = _by_label(value, names[0])
    around, depth = at.name, at.depth + 1
    owned = dict[str, object]()
    for name in names:
        budget.left -= 1
        if budget.left < 0:
            break
        label = label_of(name)
        place = At(label if name.startswith("f:") else "", around, depth)
        theirs = [_fields(other[name]) for other in others if name in other] if others else others
        owned[label] = _owned(found.get(label), _fields(fields[name]), theirs, place, budget)
    return owned


def _by_label(value: object, name: str) -> Mapping[str, object]:
    """The children of a map by name, the items of a list by their merge keys or their value.

    ``name`` is one of those in ``fieldsV1``: all items of one list have the same merge keys.
    """
    if isinstance(value, dict):
        return value
    items = value[:MAX_VALUES] if isinstance(value, list) else []
    if keys := _keys(name):
        return {_key_label(item, keys): item for item in items if isinstance(item, dict)}
    return {_value_label(item): item for item in items}


def label_of(name: str) -> str:
    """The label in ``owned_tree`` of what a name in ``fieldsV1`` stands for."""
    if name.startswith("f:"):
        return name[2:]
    return _read_name(name)[0] if len(name) < MAX_CACHED_CHARS else name


def _keys(name: str) -> tuple[str, ...]:
    """The names of the merge keys in ``k:{…}``; none where it is anything else."""
    return _read_name(name)[1] if len(name) < MAX_CACHED_CHARS else ()


@lru_cache(MAX_CACHED_NAMES)
def _read_name(name: str) -> tuple[str, tuple[str, ...]]:
    """The label of an item, and the names of its merge keys; the same few come again and again."""
    parsed = _parsed(name)
    if not name.startswith("k:") or not isinstance(parsed, dict):
        return _value_label(parsed), ()
    keys = tuple(sorted(parsed))
    return _key_label(parsed, keys), keys


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


def _canonical(value: object, at: At, budget: Budget) -> object:
    """One form for what the API server writes in several: quantities, and what is empty."""
    if value is None or value == "":
        return None
    budget.left -= 1
    if isinstance(value, dict | list):
        return _canonical_below(value, at, budget)
    quantity = at.around in QUANTITIES or at.name in QUANTITY_FIELDS
    return canonical_quantity(value) if quantity else value


def _canonical_below(value: dict[str, object] | list[object], at: At, budget: Budget) -> object:
    name, _, depth = at
    if depth > MAX_DEPTH or budget.left < 0:
        return "not read any further"
    if isinstance(value, dict):
        below = ((key, At(key, name, depth + 1)) for key in islice(value, budget.left))
        return {key: _canonical(value[key], place, budget) for key, place in below}
    items = value[: budget.left]
    return [_canonical(item, At("", name, depth + 1), budget) for item in items] or None


def _fields(value: object) -> Fields:
    return value if isinstance(value, dict) else {}


def _union(entries: Sequence[Fields]) -> Fields:
    """All fields of several entries: a new version of an API starts an entry of its own."""
    whole, budget = dict[str, Any](), Budget()
    for fields in entries:
        _merge(whole, fields, budget, 0)
    return whole


def _merge(into: dict[str, Any], fields: Fields, budget: Budget, depth: int) -> None:
    for name, below in fields.items():
        budget.left -= 1
        if depth > MAX_DEPTH or budget.left < 0:
            return
        _merge(into.setdefault(name, {}), _fields(below), budget, depth + 1)
