"""What every child carries: labels, owner, and the mark of what was last applied."""

import hashlib
from collections.abc import Mapping
from typing import Any

from fairlead.api.meta import APPLIED, COMPONENT, GROUP, MANAGED_BY, OWNED_BY_WEBSERVICE, SCORING
from fairlead.api.objects import Webservice
from fairlead.api.refs import Manifest
from fairlead.canonical import canonical_json

REVISION = f"{GROUP}/revision"
ARCHITECTURE = "kubernetes.io/arch"  # the kubelet's label: amd64, arm64


def selector(service: Webservice) -> dict[str, str]:
    """The labels that never change, for selectors: a Deployment's selector is immutable."""
    return {OWNED_BY_WEBSERVICE: service.name, COMPONENT: SCORING}


def labels(service: Webservice) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "webservice",
        "app.kubernetes.io/instance": service.name,
        "app.kubernetes.io/part-of": "fairlead",
        MANAGED_BY: "fairlead",
        **selector(service),
    }


def child(
    service: Webservice,
    api_version: str,
    kind: str,
    spec: Any,
    name: str = "",
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    """Return the manifest of a child of ``service``, named like it unless ``name`` is given."""
    metadata = {
        "name": name or service.name,
        "namespace": service.namespace,
        "labels": labels(service),
        "ownerReferences": [service.owner_reference],
    }
    if annotations:
        metadata["annotations"] = dict(annotations)
    manifest = {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
    marked = {**(annotations or {}), APPLIED: fingerprint(manifest)}
    return {**manifest, "metadata": {**metadata, "annotations": marked}}


def fingerprint(content: Any) -> str:
    """16 hexadecimal digits of the sha256 of canonical JSON."""
    return hashlib.sha256(canonical_json(content)).hexdigest()[:16]
