"""kustomize is told of every field of ours that names another object: no more, and no fewer."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from fairlead.api.crd import definition
from fairlead.api.meta import GROUP, INFERENCE_IMAGE, KINDS, MODEL

CONFIGURATION = Path(__file__).parents[2] / "examples/kustomize/fairlead.yaml"
NAMED = {  # what a field's refusal says that it names
    "must be the name of a ConfigMap in the same namespace": "ConfigMap",
    "must be the name of a PersistentVolumeClaim in the same namespace": "PersistentVolumeClaim",
    "must be the name of a Secret in the same namespace": "Secret",
    "must be the name of a ServiceAccount in the same namespace": "ServiceAccount",
}
OBJECT = "must be the name of an object in the same namespace"
OURS = {"spec/models/name": MODEL.kind, "spec/imageRef/name": INFERENCE_IMAGE.kind}
Reference = tuple[str, str, str]
"""The kind that is named, the kind that names it, and the path of the field."""


def references(
    kind: str, schema: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[Reference]:
    """Fields of a schema that name an object of the same namespace, by what refuses others."""
    for rule in schema.get("x-kubernetes-validations", ()):
        place, says = "/".join(path), str(rule.get("message", ""))
        named = NAMED.get(says) or (OURS[place] if says.startswith(OBJECT) else None)
        if named and schema.get("type") == "string":
            yield named, kind, place
    for name, below in (schema.get("properties") or {}).items():
        yield from references(kind, below, (*path, name))
    if isinstance(schema.get("items"), dict):
        yield from references(kind, schema["items"], path)


def configured() -> set[Reference]:
    entries = yaml.safe_load(CONFIGURATION.read_text())["nameReference"]
    fields = [(entry["kind"], field) for entry in entries for field in entry["fieldSpecs"]]
    assert {field["group"] for _, field in fields} == {GROUP}
    return {(named, field["kind"], field["path"]) for named, field in fields}


def test_every_reference_is_configured() -> None:
    schemas = {
        kind.kind: definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        for kind in KINDS
    }
    found = {one for kind, schema in schemas.items() for one in references(kind, schema)}
    assert len(found) >= 9
    assert configured() == found
