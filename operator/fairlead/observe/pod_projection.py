"""A pod as it is kept: pruned to what decisions and diagnoses read.

As in ``observe/projection.py``, what has another type than it should have is left out.
"""

from fairlead.api.meta import COMPONENT, MANAGED_BY, OWNED_BY_WEBSERVICE
from fairlead.api.refs import Manifest
from fairlead.desired.metadata import REVISION
from fairlead.observe.projection import (
    Reader,
    all_of,
    conditions,
    controller,
    each,
    fields,
    flag,
    number,
    text,
    timestamp,
)

MAX_MESSAGE_CHARS = 4096  # as long as the kubelet lets a termination message be
MAX_CONTAINERS = 64  # of which each has an entry; injectors add some
MAX_EXIT_CODE = 2**32  # unsigned on some platforms
LABELS = (MANAGED_BY, OWNED_BY_WEBSERVICE, COMPONENT, REVISION)


def project_pod(pod: Manifest) -> Manifest:
    """Return the part of a pod that ``PodEvidence`` reads; total, whatever ``pod`` holds."""
    found = POD(pod)
    projection: Manifest = found if isinstance(found, dict) else {}
    metadata = {"name": "", "namespace": "", "uid": "", **projection.get("metadata", {})}
    return {**projection, "metadata": metadata}


def message(value: object) -> str | None:
    """What kubelet and scheduler say, and what a container left behind: for reading."""
    return value[:MAX_MESSAGE_CHARS] if isinstance(value, str) else None


def exit_code(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if abs(value) <= MAX_EXIT_CODE else None


def there(value: object) -> Manifest | None:
    """A map of which nothing is read but that it is there."""
    return {} if isinstance(value, dict) else None


def containers(item: Reader) -> Reader:
    return each(item, most=MAX_CONTAINERS)


ENDED = all_of(
    exitCode=exit_code,
    reason=text,
    message=message,
    startedAt=timestamp,
    finishedAt=timestamp,
    containerID=text,
)
STATE = all_of(waiting=all_of(reason=text, message=message), running=there, terminated=ENDED)
STATUSES = containers(
    all_of(
        name=text,
        ready=flag,
        started=flag,
        restartCount=number,
        state=STATE,
        lastState=all_of(terminated=ENDED),
    )
)
POD = all_of(
    metadata=all_of(
        name=text,
        namespace=text,
        uid=text,
        resourceVersion=text,
        labels=fields(dict.fromkeys(LABELS, text)),
        creationTimestamp=timestamp,
        deletionTimestamp=timestamp,
        ownerReferences=controller,
    ),
    spec=all_of(
        nodeName=text,
        initContainers=containers(all_of(name=text, restartPolicy=text)),
        schedulingGates=each(all_of(name=text)),
    ),
    status=all_of(
        phase=text,
        reason=text,
        message=message,
        hostIP=text,
        conditions=conditions(
            "PodScheduled",
            "PodReadyToStartContainers",
            "ContainersReady",
            "Ready",
            message=message,
        ),
        containerStatuses=STATUSES,
        initContainerStatuses=STATUSES,
    ),
)
