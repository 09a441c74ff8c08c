"""What must hold after every run, seen from outside of the operator."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fairlead.api.refs import Manifest
from tests.faults.api import Api
from tests.faults.story import CHILDREN, NAME, OURS
from tests.faults.view import NamespaceView

LABELS = {"app.kubernetes.io/managed-by": "fairlead", "fairlead.dev/webservice": NAME}


def strangers(api: Api, view: NamespaceView, namespace: str) -> dict[str, str]:
    """Make objects that belong to somebody else, and return the version of each.

    One of them carries our labels: they alone make nothing ours.
    """
    labels = {"app": "stranger"}
    pod = {"containers": [{"name": "main", "image": "stranger"}]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    workload = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    service = {"ports": [{"port": 80}]}
    made = [
        _stranger("apps/v1", "Deployment", {"spec": workload}),
        _stranger("v1", "Service", {"spec": service}),
        _stranger("v1", "Service", {"spec": service}, "stranger-with-our-labels", LABELS),
        _stranger("v1", "ConfigMap", {"data": {"key": "value"}}),
        _stranger("v1", "Secret", {"stringData": {"key": "value"}}),
    ]
    for manifest in made:
        api.apply(namespace, manifest)
    settled = view.until(lambda seen: seen.get("Deployment", "stranger"), _is_settled)
    assert _is_settled(settled), settled
    return {_name(m): m["metadata"]["resourceVersion"] for m in _foreign(view)}


def touched(view: NamespaceView, before: Mapping[str, str]) -> list[str]:
    """Strangers' objects that are not as they were."""
    now = {_name(m): m["metadata"]["resourceVersion"] for m in _foreign(view)}
    return [f"{name} was touched" for name, version in before.items() if now.get(name) != version]


def orphans(view: NamespaceView) -> list[str]:
    """Children whose owner does not exist (any more)."""
    uids = {manifest["metadata"]["uid"] for manifest in view.all((*OURS, *CHILDREN))}
    children = [m for m in view.all(CHILDREN) if m["metadata"]["name"].startswith(NAME)]
    return [
        f"{_name(child)} is an orphan"
        for child in children
        if not {o["uid"] for o in child["metadata"].get("ownerReferences", ())} & uids
    ]


def interruptions(view: NamespaceView, until: int) -> list[str]:
    """Moments in which the service had no ready endpoint, after it had one for the first time.

    ``until``: the number of changes when the service was deleted on purpose.
    """
    slices: dict[str, int] = {}
    served, found = False, []
    for number, change in enumerate(view.changes[:until]):
        service = change.object["metadata"].get("labels", {}).get("kubernetes.io/service-name")
        if change.kind != "EndpointSlice" or service != NAME:
            continue
        slices[change.name] = 0 if change.type == "DELETED" else _ready(change.object)
        served = served or sum(slices.values()) > 0
        if served and not sum(slices.values()):
            found.append(f"no endpoint was ready at change {number}")
    return found


def made(view: NamespaceView, until: int) -> Counter[str]:
    """How often children were created and deleted, and ReplicaSets created: one for each rollout.

    ``ADDED Service``. ``until``: the number of changes when the demo's objects were deleted.
    """
    return Counter(
        f"{change.type} {change.kind}"
        for change in view.changes[:until]
        if (change.type != "MODIFIED" and change.kind in CHILDREN)
        or (change.type == "ADDED" and change.kind == "ReplicaSet")
        if change.name.startswith(NAME)
    )


def made_for_nobody(view: NamespaceView, since: int) -> list[str]:
    """Children that were made after the objects that they belong to had been deleted.

    Not the keys: they are created without being read, and go again at once.
    """
    return [
        f"{_name(change.object)} was made for nobody"
        for change in view.changes[since:]
        if change.type == "ADDED" and change.kind in set(CHILDREN) - {"Secret"}
    ]


def losses(view: NamespaceView) -> list[str]:
    """Versions and images that a status knew, and a later one did not."""
    found, best = [], Counter[str]()
    for change in view.changes:
        if change.kind not in OURS or change.type == "DELETED":
            continue
        status = change.object.get("status") or {}
        for field, count in _gains(change.kind, status):
            if count < best[field]:
                found.append(f"{change.kind}: {field} went from {best[field]} to {count}")
            best[field] = max(best[field], count)
    return found


def _gains(kind: str, status: Manifest) -> Iterator[tuple[str, int]]:
    """What never becomes less while the object lives."""
    if kind == "Model":
        yield "latestVersion", status.get("latestVersion") or 0
        yield "versions", len(status.get("versions", ()))
    if kind == "InferenceImage":
        yield "version", status.get("version") or 0
        yield "imageDigest", int("imageDigest" in status)


def done(registry: Path, namespace: str) -> Counter[str]:
    """How often each task was done to its end, by the stand-ins' journal."""
    ends = (line["key"] for line in _journal(registry) if line["event"] == "end")
    return Counter(key.replace(namespace, "<namespace>") for key in ends)


def repeated_work(now: Counter[str], expected: Counter[str], kills: int) -> list[str]:
    """Tasks that were done more often than without a fault.

    One that was interrupted, and therefore has no end, may start again; one that only asks the
    registry may ask again after each kill.
    """
    found = []
    for key, count in now.items():
        most = expected[key] + (kills if key.startswith("resolve ") else 0)
        if count > most:
            found.append(f"done {count} times instead of {expected[key]}: {key}")
    return found


def version_conflicts(registry: Path) -> list[str]:
    """Versions that were to be made twice, from different things."""
    return [str(line) for line in _journal(registry) if line["event"] == "version taken"]


def _journal(registry: Path) -> list[dict[str, Any]]:
    path = registry / "journal"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def versions(registry: Path, namespace: str) -> dict[str, str]:
    """Every version in the stand-ins' registry, and what it was made from."""
    folders = [*registry.glob("images/*"), *registry.glob("models/*")]
    return {
        f"{folder.parent.name}/{folder.name}/{path.stem}".replace(namespace, "<namespace>"): (
            json.loads(path.read_text()).get("hash") or json.loads(path.read_text())["digest"]
        )
        for folder in folders
        for path in sorted(folder.glob("*.json"))
    }


def _stranger(
    api_version: str,
    kind: str,
    content: Manifest,
    name: str = "stranger",
    labels: Mapping[str, str] | None = None,
) -> Manifest:
    metadata = {"name": name, "labels": dict(labels or {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}


def _foreign(view: NamespaceView) -> list[Manifest]:
    kinds = ("Deployment", "Service", "ConfigMap", "Secret")
    return [m for m in view.all(kinds) if m["metadata"]["name"].startswith("stranger")]


def _is_settled(deployment: Manifest | None) -> bool:
    conditions = ((deployment or {}).get("status") or {}).get("conditions") or []
    return {c["type"] for c in conditions} >= {"Available", "Progressing"}


def _ready(endpoint_slice: Manifest) -> int:
    endpoints = endpoint_slice.get("endpoints") or ()
    return sum(bool(endpoint["conditions"].get("ready")) for endpoint in endpoints)


def _name(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"
