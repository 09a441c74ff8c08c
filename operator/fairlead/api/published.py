"""The schemas of our kinds as a cluster has them, compared with those of this version. Pure."""

from collections.abc import Iterator, Mapping
from functools import cache

from fairlead.api.crd import definition
from fairlead.api.meta import GROUP, KINDS, VERSION, Kind
from fairlead.api.refs import Manifest

BELOW = ("items", "additionalProperties")
GVK = "x-kubernetes-group-version-kind"


def missing_fields(published: Mapping[str, Manifest]) -> dict[str, tuple[str, ...]]:
    """What definitions lack, by their names: paths such as ``spec.autoscale.metric``.

    ``published`` is ``components.schemas`` of OpenAPI v3. Of a kind that is not there nothing
    is named: its tuple is empty. A definition that lacks nothing does not appear.
    """
    found = {kind.crd_name: _lacking(kind, published) for kind in KINDS}
    return {name: fields for name, fields in found.items() if fields is not None}


def _lacking(kind: Kind, published: Mapping[str, Manifest]) -> tuple[str, ...] | None:
    seen = next((schema for schema in published.values() if _is(schema, kind)), None)
    if seen is None:
        return ()
    return tuple(_absent(schema_of(kind), seen)) or None


@cache  # a quarter of a second, and the cluster's are looked at every few minutes
def schema_of(kind: Kind) -> Manifest:
    """The schema of this version; not to be changed."""
    [version] = definition(kind)["spec"]["versions"]
    schema: Manifest = version["schema"]["openAPIV3Schema"]
    return schema


def _is(schema: Manifest, kind: Kind) -> bool:
    return {"group": GROUP, "kind": kind.kind, "version": VERSION} in schema.get(GVK, ())


def _absent(wanted: Manifest, seen: Manifest, path: str = "") -> Iterator[str]:
    """The paths of properties that only ``wanted`` has; nothing below one that is not there."""
    there = seen.get("properties") or {}
    for name, schema in (wanted.get("properties") or {}).items():
        place = f"{path}.{name}" if path else name
        if name in there:
            yield from _absent(schema, there[name], place)
        else:
            yield place
    for below in BELOW:
        if isinstance(wanted.get(below), dict) and isinstance(seen.get(below), dict):
            yield from _absent(wanted[below], seen[below], f"{path}[]")
