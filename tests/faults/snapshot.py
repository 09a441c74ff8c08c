"""The state of a namespace in a form that two runs can be compared in: no times, uids, names of
pods, and nothing that others than the operator decide."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fairlead.api.refs import Manifest
from tests.faults.story import CHILDREN, NAME, OURS
from tests.faults.view import NamespaceView

Snapshot = dict[str, Any]
PLAIN = {  # what a run chooses for itself
    r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)": "<time>",
    rf"{NAME}-[0-9a-f]{{6,10}}-[a-z0-9]{{5}}": "<pod>",
    r"127\.0\.0\.1:\d+": "<log server>",
    r"//localhost:3\d{4}/": "//<node port>/",
    r"\b\d+(\.\d+)? ?s\b": "<seconds>",
    r" Kubernetes shows this as \w+\.": "",
}
DIGESTS = {r"[0-9a-f]{64}": "<digest>", r"\b[\d.,]+ ?[kKMG]i?B?\b": "<size>"}
VOLATILE = frozenset(
    {
        *("uid", "resourceVersion", "creationTimestamp", "managedFields"),
        *("deployment.kubernetes.io/revision", "fairlead.dev/applied", "fairlead.dev/revision"),
        "pods",  # of status.revision: the same label
        *("clusterIP", "clusterIPs", "nodePort", "ipFamilies"),
        *("key", "restarts", "logTail", "exitCode", "nextRetryAt"),
        *("durations", "build", "seconds"),
        *("attempt", "logUri"),  # of the history: a build that a crash cut off is tried again
    }
)


def snapshot(view: NamespaceView, namespace: str, *, digests: bool) -> Snapshot:
    """Our objects with their status, and their children as the operator wants them.

    Without ``digests``, what depends on the bytes of a built environment is left out.
    """
    patterns = PLAIN if digests else {**PLAIN, **DIGESTS}
    taken = {}
    for manifest in view.all((*OURS, *CHILDREN)):
        if manifest["metadata"]["name"].startswith(NAME):
            key = f"{manifest['kind']} {manifest['metadata']['name']}"
            taken[key] = _plain(_relevant(manifest), namespace, patterns)
    return taken


def differences(expected: Any, found: Any, path: str = "") -> list[str]:
    """Every place where two snapshots differ, in a line each."""
    if isinstance(expected, dict) and isinstance(found, dict):
        keys = sorted(expected.keys() | found.keys())
        pairs = [(f"{path}.{key}", expected.get(key), found.get(key)) for key in keys]
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = [
            (f"{path}[{i}]", *pair) for i, pair in enumerate(zip(expected, found, strict=True))
        ]
    else:
        return [] if expected == found else [f"{path}: {expected!r} became {found!r}"]
    return [line for where, one, other in pairs for line in differences(one, other, where)]


def _relevant(manifest: Manifest) -> Manifest:
    metadata = manifest["metadata"]
    kept = {key: metadata.get(key) for key in ("labels", "annotations", "finalizers")}
    owners = [(o["kind"], o["name"]) for o in metadata.get("ownerReferences", ())]
    whole: Manifest = {
        "metadata": {**kept, "ownerReferences": owners},
        "spec": manifest.get("spec"),
    }
    if manifest["kind"] in OURS:
        whole["status"] = _without_scaling(manifest.get("status") or {})
    if manifest["kind"] == "Secret":
        whole["keys"] = sorted(manifest["data"])
    return whole


def _without_scaling(status: Manifest) -> Manifest:
    """What the autoscaler has seen so far is its own affair, and depends on the minute."""
    conditions = [c for c in status.get("conditions", ()) if c["type"] != "Scaling"]
    return {**status, "conditions": conditions}


def _plain(value: Any, namespace: str, patterns: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _plain(content, namespace, patterns)
            for key, content in value.items()
            if key not in VOLATILE
        }
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(content, namespace, patterns) for content in value]
    if isinstance(value, str):
        text = value.replace(namespace, "<namespace>")
        for pattern, word in patterns.items():
            text = re.sub(pattern, word, text)
        return text
    return value
