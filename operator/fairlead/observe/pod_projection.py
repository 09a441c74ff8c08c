"""What decisions and diagnoses read of a pod: all that is kept of it.

Pods are many, and most of a pod is of no interest. What is kept has the type that the API promises,
or is not there: nothing behind this has to doubt it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from fairlead.api.meta import COMPONENT, MANAGED_BY, OWNED_BY_WEBSERVICE
from fairlead.api.refs import Manifest
from fairlead.desired.metadata import REVISION

MAX_NAME_CHARS = 512
MAX_MESSAGE_CHARS = 4096  # as long as the kubelet lets a termination message be
MAX_ITEMS = 64  # containers, conditions
MAX_NUMBER = 2**32  # exit codes may be unsigned
LABELS = (MANAGED_BY, OWNED_BY_WEBSERVICE, COMPONENT, REVISION)

Reader = Callable[[object], object]
"""Returns what is kept of a value: None, where it is not what the API promises."""


def project_pod(pod: Manifest) -> Manifest:
    """Return the part of a pod that ``PodEvidence`` reads; total, whatever ``pod`` holds."""
    found = _pod(pod)
    projection: Manifest = found if isinstance(found, dict) else {}
    metadata = {"name": "", "namespace": "", "uid": "", **projection.get("metadata", {})}
    return {**projection, "metadata": metadata}


def _name(value: object) -> str | None:
    return value if isinstance(value, str) and len(value) <= MAX_NAME_CHARS else None


def _message(value: object) -> str | None:
    return value[:MAX_MESSAGE_CHARS] if isinstance(value, str) else None


def _number(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if abs(value) <= MAX_NUMBER else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _time(value: object) -> str | None:
    """A point in time as the API writes it, with its zone."""
    try:
        known = isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return None
    return value if known and isinstance(value, str) else None


def _map(shape: Mapping[str, Reader]) -> Reader:
    def read(value: object) -> Manifest | None:
        if not isinstance(value, dict):
            return None
        found = ((name, reader(value[name])) for name, reader in shape.items() if name in value)
        return {name: kept for name, kept in found if kept is not None}

    return read


def _list(item: Reader) -> Reader:
    def read(value: object) -> object:
        items: Iterable[object] = value[:MAX_ITEMS] if isinstance(value, list) else ()
        return [kept for kept in map(item, items) if kept is not None] or None

    return read


_condition = _map(
    {
        "type": _name,
        "status": _name,
        "reason": _name,
        "message": _message,
        "lastTransitionTime": _time,
    }
)
_state = _map(
    {
        "waiting": _map({"reason": _name, "message": _message}),
        "running": _map({"startedAt": _time}),
        "terminated": _map(
            {
                "exitCode": _number,
                "reason": _name,
                "message": _message,
                "startedAt": _time,
                "finishedAt": _time,
                "containerID": _name,
            }
        ),
    }
)
_container_status = _map(
    {
        "name": _name,
        "ready": _flag,
        "started": _flag,
        "restartCount": _number,
        "state": _state,
        "lastState": _state,
    }
)
_container = _map({"name": _name, "restartPolicy": _name})
_owner = _map({"kind": _name, "name": _name, "uid": _name, "controller": _flag})
_pod = _map(
    {
        "metadata": _map(
            {
                "name": _name,
                "namespace": _name,
                "uid": _name,
                "resourceVersion": _name,
                "labels": _map(dict.fromkeys(LABELS, _name)),
                "creationTimestamp": _time,
                "deletionTimestamp": _time,
                "ownerReferences": _list(_owner),
            }
        ),
        "spec": _map(
            {
                "nodeName": _name,
                "containers": _list(_container),
                "initContainers": _list(_container),
                "schedulingGates": _list(_map({"name": _name})),
            }
        ),
        "status": _map(
            {
                "phase": _name,
                "reason": _name,
                "message": _message,
                "hostIP": _name,
                "conditions": _list(_condition),
                "containerStatuses": _list(_container_status),
                "initContainerStatuses": _list(_container_status),
            }
        ),
    }
)
