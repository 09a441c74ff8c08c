"""The Event that tells of one transition."""

from datetime import datetime

from fairlead.api.meta import API_VERSION, CONTROLLER
from fairlead.api.refs import Manifest
from fairlead.api.status import ConditionStatus, Truth
from fairlead.redact import one_line

MAX_NOTE_BYTES = 1024  # bytes of note that the API server accepts


def event(
    kind: str,
    metadata: Manifest,
    condition: ConditionStatus,
    note: str,
    now: datetime,
    instance: str,
) -> Manifest:
    """Return an ``events.k8s.io/v1`` Event about the object whose kind and metadata are given.

    ``now`` is UTC; ``instance`` names the operator's pod or process.
    """
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {
            "generateName": f"{metadata['name']}-",
            "namespace": metadata["namespace"],
        },
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": kind,
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        },
        "type": "Warning" if condition.status is Truth.FALSE else "Normal",
        "reason": condition.reason,
        "note": one_line(note).encode()[:MAX_NOTE_BYTES].decode(errors="ignore"),
        "action": "Reconcile",
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": CONTROLLER,
        "reportingInstance": instance,
    }
