"""A child as it is kept: pruned to what decisions read, with a hash of the fields that we own.

A whole Deployment takes 30 KB of memory, its projection less than 3 KB, and thousands are kept.
What has another type than it should have is left out, so that whoever reads a projection finds what
the API promises or nothing.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from fairlead.api.meta import APPLIED, COMPONENT, FRONTED, MANAGED_BY, OWNED_BY_WEBSERVICE
from fairlead.api.refs import Manifest
from fairlead.desired.child_kinds import (
    AUTOSCALER,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    HTTP_ROUTE,
    INGRESS,
    SERVICE,
    ChildKind,
)
from fairlead.desired.metadata import REVISION
from fairlead.desired.owned_fields import owned_hash, owns
from fairlead.evidence import ChildEvidence

MAX_TEXT_CHARS = 1024
MAX_ITEMS = 16  # of a list that decisions read
MAX_NUMBER = 2**31 - 1  # the API's int32

Reader = Callable[[object], object]
"""Returns what to keep of a value, None where it is not what the API promises."""


def project(kind: ChildKind, live: Manifest) -> ChildEvidence:
    """Return what decisions need of a live child; total, whatever ``live`` holds.

    ``kind`` says what it is: the items of a list do not.
    """
    manifest = {**HEADS[kind.kind], **_all_of(live, SHAPES[kind.kind])}
    manifest["metadata"] = {"name": "", "namespace": "", "uid": "", **manifest.get("metadata", {})}
    metadata = live.get("metadata")
    version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    return ChildEvidence(
        manifest=manifest,
        owned_hash=owned_hash(live),
        resource_version=version if isinstance(version, str) else "",
        managed=owns(live, "metadata", "annotations", APPLIED),
        owns_replicas=owns(live, "spec", "replicas"),
    )


def text(value: object) -> str | None:
    if not isinstance(value, str) or len(value) > MAX_TEXT_CHARS:
        return None
    return sys.intern(value)  # names, labels and reasons come again in thousands of objects


def message(value: object) -> str | None:
    """Text that is for reading: cut where it is too long."""
    return value[:MAX_TEXT_CHARS] if isinstance(value, str) else None


def number(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= MAX_NUMBER else None


def flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def timestamp(value: object) -> str | None:
    """A point in time as the API writes it: with its zone."""
    try:
        known = isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return None
    return value if known and isinstance(value, str) else None


def all_of(**shape: Reader) -> Reader:
    """A map with these fields, each where it is there."""
    return fields({sys.intern(name): reader for name, reader in shape.items()})


def fields(shape: Mapping[str, Reader]) -> Reader:
    return lambda value: _all_of(value, shape) or None


def each(item: Reader, most: int = MAX_ITEMS) -> Reader:
    """A list of what ``item`` can read."""

    def read(value: object) -> object:
        found = value[:most] if isinstance(value, list) else []
        return [kept for kept in map(item, found) if kept is not None] or None

    return read


def _all_of(value: object, shape: Mapping[str, Reader]) -> Manifest:
    """The keys are those of ``shape``, so that all projections share them."""
    if not isinstance(value, dict):
        return {}
    read = ((name, reader(value[name])) for name, reader in shape.items() if name in value)
    return {name: kept for name, kept in read if kept is not None}


def conditions(*types: str, message: Reader = message) -> Reader:
    """The conditions of these types; the others are never read."""
    read = each(
        all_of(type=text, status=text, reason=text, message=message, lastTransitionTime=timestamp)
    )
    return lambda value: read(_maps_with(value, "type", types))


def controller(value: object) -> object:
    """The owner that controls it, in a list, as in ``ownerReferences``."""
    owner = all_of(apiVersion=text, kind=text, name=text, uid=text, controller=flag)
    return each(owner)(_maps_with(value, "controller", (True,)))


def _maps_with(value: object, key: str, wanted: Sequence[object]) -> list[Manifest]:
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict) and item.get(key) in wanted]


METADATA = all_of(
    name=text,
    namespace=text,
    uid=text,
    generation=number,
    deletionTimestamp=timestamp,
    labels=fields(dict.fromkeys((MANAGED_BY, OWNED_BY_WEBSERVICE, COMPONENT), text)),
    annotations=fields({APPLIED: text, FRONTED: text}),
    ownerReferences=controller,
)
TEMPLATE = all_of(metadata=all_of(labels=fields({REVISION: text})))
COUNTS = {
    "replicas": number,
    "readyReplicas": number,
    "updatedReplicas": number,
    "observedGeneration": number,
}
ROUTE_CONDITION = all_of(
    type=text, status=text, reason=text, message=message, observedGeneration=number
)
PARENT = all_of(parentRef=all_of(namespace=text, name=text), conditions=each(ROUTE_CONDITION))
ADDRESSES = each(all_of(hostname=text, ip=text))
SHAPES: Mapping[str, Mapping[str, Reader]] = {
    DEPLOYMENT.kind: {
        "metadata": METADATA,
        "spec": all_of(replicas=number, template=TEMPLATE),
        "status": fields({**COUNTS, "conditions": conditions("Progressing", "ReplicaFailure")}),
    },
    SERVICE.kind: {
        "metadata": METADATA,
        "spec": all_of(type=text, ports=each(all_of(nodePort=number))),
        "status": all_of(loadBalancer=all_of(ingress=ADDRESSES)),
    },
    DISRUPTION_BUDGET.kind: {"metadata": METADATA},
    AUTOSCALER.kind: {
        "metadata": METADATA,
        "status": all_of(conditions=conditions("ScalingActive", "ScalingLimited")),
    },
    INGRESS.kind: {
        "metadata": METADATA,
        "spec": all_of(rules=each(all_of(host=text))),
        "status": all_of(loadBalancer=all_of(ingress=ADDRESSES)),
    },
    HTTP_ROUTE.kind: {
        "metadata": METADATA,
        "spec": all_of(hostnames=each(text)),
        "status": all_of(parents=each(PARENT)),
    },
}
HEADS = {
    kind.kind: {"apiVersion": kind.api_version, "kind": kind.kind}
    for kind in (DEPLOYMENT, SERVICE, DISRUPTION_BUDGET, AUTOSCALER, INGRESS, HTTP_ROUTE)
}
