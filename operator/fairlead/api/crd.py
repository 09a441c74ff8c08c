"""The three CustomResourceDefinitions, made from the types.

``python -m fairlead.api.crd crds charts/fairlead/files/crds`` writes them into both folders.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel

from fairlead.api.inferenceimage import InferenceImageSpec, InferenceImageStatus
from fairlead.api.meta import (
    CATEGORY,
    GROUP,
    INFERENCE_IMAGE,
    KINDS,
    MODEL,
    VERSION,
    WEBSERVICE,
    Kind,
)
from fairlead.api.model import ModelSpec, ModelStatus
from fairlead.api.refs import Manifest
from fairlead.api.schema import structural
from fairlead.api.status import NEVER
from fairlead.api.webservice import WebserviceSpec, WebserviceStatus
from fairlead.api.wire import VALIDATIONS

CONDITION = '.status.conditions[?(@.type=="Ready")]'
NOT_SEEN_YET = {  # so that no cell is empty before the operator has looked
    "type": "Ready",
    "status": "Unknown",
    "reason": "Pending",
    "message": "Waiting for the Fairlead operator to look at this object.",
    "lastTransitionTime": NEVER,
}
HEAD = {  # of every object; in the words that the API server has for its own kinds, in short
    "apiVersion": "The version of this kind's schema: fairlead.dev/v1alpha1.",
    "kind": "The kind of this object.",
}


@dataclass(frozen=True)
class Column:
    """One cell of ``kubectl get``; wide ones appear with ``-o wide`` only."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False

    def to_wire(self) -> Manifest:
        priority = {"priority": 1} if self.wide else {}
        return {"name": self.name, "type": self.type, "jsonPath": self.path, **priority}


SCALE = {  # `kubectl scale webservice`, and autoscalers of others
    "specReplicasPath": ".spec.replicas",
    "statusReplicasPath": ".status.replicas.ready",
    "labelSelectorPath": ".status.selector",
}


@dataclass(frozen=True)
class Definition:
    """What one kind's definition is made from; ``scale``: that subresource, where it has one."""

    spec: type[BaseModel]
    status: type[BaseModel]
    columns: tuple[Column, ...]
    name_rule: tuple[str, str] = (
        "self.metadata.name.size() <= 50 && "
        "self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
        "metadata.name must be at most 50 characters: lowercase letters, digits and dashes, "
        "beginning and ending with a letter or digit",
    )
    scale: Manifest | None = None


READY = (
    Column("Ready", f"{CONDITION}.status"),
    Column("Reason", f"{CONDITION}.reason"),
)
LAST = (
    Column("Age", ".metadata.creationTimestamp", "date"),
    Column("Message", f"{CONDITION}.message", wide=True),
)
DEFINITIONS = {
    MODEL: Definition(
        ModelSpec,
        ModelStatus,
        (Column("Version", ".status.latestVersion", "integer"),
         Column("Size", ".status.display.size")),
    ),
    INFERENCE_IMAGE: Definition(
        InferenceImageSpec,
        InferenceImageStatus,
        (Column("Image", ".status.imageLocation"),
         Column("Build", ".status.display.build"),
         Column("Log", ".status.build.logUri", wide=True)),
    ),
    WEBSERVICE: Definition(
        WebserviceSpec,
        WebserviceStatus,
        (Column("State", ".status.state"),
         Column("Replicas", ".status.display.replicas"),
         Column("URI", ".status.scoringUri"),
         Column("Utilization", ".status.display.utilization", wide=True),
         Column("Queued", ".status.display.queued", wide=True),
         Column("503/min", ".status.display.refused", wide=True)),
        (
            "self.metadata.name.size() <= 50 && "
            "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
            "metadata.name must be at most 50 characters: lowercase letters, digits and dashes, "
            "beginning with a letter and ending with a letter or digit (a Service is named so)",
        ),
        SCALE,
    ),
}  # fmt: skip


def definition(kind: Kind) -> Manifest:
    """Return the ``CustomResourceDefinition`` of one of our kinds."""
    names = {
        "kind": kind.kind,
        "listKind": f"{kind.kind}List",
        "plural": kind.plural,
        "singular": kind.kind.lower(),
        "shortNames": [kind.short],
        "categories": [CATEGORY],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.crd_name},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": names,
            "versions": [_version(DEFINITIONS[kind])],
        },
    }


def _version(parts: Definition) -> Manifest:
    columns = (*READY, *parts.columns, *LAST)
    scale = {"scale": parts.scale} if parts.scale else {}
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}, **scale},
        "additionalPrinterColumns": [column.to_wire() for column in columns],
        "schema": {"openAPIV3Schema": _object_schema(parts)},
    }


def _object_schema(parts: Definition) -> Manifest:
    rule, message = parts.name_rule
    status = structural(parts.status, defaults=False)
    spec = structural(parts.spec)
    return {
        "description": spec["description"],  # `kubectl explain` begins with it
        "type": "object",
        "required": ["spec"],
        VALIDATIONS: [{"rule": rule, "message": message}],
        "properties": {
            "apiVersion": {"description": HEAD["apiVersion"], "type": "string"},
            "kind": {"description": HEAD["kind"], "type": "string"},
            "metadata": {
                "type": "object"
            },  # the API server describes it, and accepts no other words
            "spec": spec,
            "status": {**status, "default": {"conditions": [NOT_SEEN_YET]}},
        },
    }


def render(kind: Kind) -> str:
    """Return the definition as the YAML file that is committed in ``crds/``."""
    head = "# Made by `make crds` from operator/fairlead/api/. Do not edit.\n"
    return head + yaml.safe_dump(definition(kind), sort_keys=False, width=100, allow_unicode=True)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        (folder / f"{kind.plural}.yaml").write_text(render(kind))


if __name__ == "__main__":
    for named in sys.argv[1:]:
        main(Path(named))
