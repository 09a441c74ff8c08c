"""Live children for tests: as the API server shows what was applied, by whom."""

import json
from pathlib import Path
from typing import Any

from fairlead.api.meta import FIELD_MANAGER
from fairlead.api.refs import Manifest
from fairlead.desired.child_kinds import ALL_KINDS, ChildKind
from fairlead.evidence import ChildEvidence
from fairlead.observe.projection import project

RECORDED = Path(__file__).parent / "decide/live"
LISTS = {
    "containers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
ATOMIC = {
    "rules",
    "tls",
    "parentRefs",
    "hostnames",
    "selector",
    "labelSelector",
    "matchLabels",
    "metrics",
    "drop",
}


def kind_of(manifest: Manifest) -> ChildKind:
    return next(kind for kind in ALL_KINDS if kind.kind == manifest["kind"])


def child(live: Manifest) -> ChildEvidence:
    return project(kind_of(live), live)


def applied(manifest: Manifest, status: Manifest | None = None, **spec: Any) -> Manifest:
    """The object after our own apply; ``spec`` has the fields that others have added or set."""
    meta = {
        **manifest["metadata"],
        "uid": f"uid-of-{manifest['kind']}",
        "resourceVersion": "7",
        "generation": 1,
        "managedFields": [entry(manifest)],
    }
    whole = {**manifest, "metadata": meta, "spec": {**spec, **manifest["spec"]}}
    return {**whole, "status": status or {}}


def entry(manifest: Manifest, manager: str = FIELD_MANAGER) -> Manifest:
    """The entry of ``managedFields`` for an apply of ``manifest``."""
    metadata = {k: v for k, v in manifest["metadata"].items() if k not in ("name", "namespace")}
    owned = {"metadata": metadata, "spec": manifest["spec"]}
    return {"manager": manager, "operation": "Apply", "fieldsV1": _fields(owned)}


def _fields(value: Any, name: str = "") -> Manifest:
    if name in ATOMIC:
        return {}
    if isinstance(value, dict):
        return {f"f:{key}": _fields(below, key) for key, below in value.items()}
    if name == "ports":
        port = "containerPort" if "containerPort" in value[0] else "port"
        return {_key(item, port, "protocol"): {".": {}, **_fields(item)} for item in value}
    if name == "ownerReferences":
        return {_key(item, "uid"): {} for item in value}
    if name in LISTS:
        return {_key(item, *LISTS[name]): {".": {}, **_fields(item)} for item in value}
    return {}


def _key(item: Manifest, *names: str) -> str:
    return "k:" + json.dumps({name: item[name] for name in names}, separators=(",", ":"))
