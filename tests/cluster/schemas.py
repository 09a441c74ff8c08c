"""The schemas for kubeconform: Kubernetes' own OpenAPI document, made strict, and ours.

kubeconform would fetch them from GitHub; the same document lies in the Go module of Kubernetes.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import golang
from tests.cluster.places import Places
from tests.cluster.programs import source_of

DOCUMENT = Path("api/openapi-spec/swagger.json")
TEMPLATE = "{{ .ResourceKind }}{{ .KindSuffix }}.json"
VERSIONS = "x-kubernetes-group-version-kind"
EITHER: dict[str, Any] = {"oneOf": [{"type": "string"}, {"type": "integer"}]}

Schema = dict[str, Any]


def schemas(places: Places, folder: Path) -> str:
    """Write a file for each kind of Kubernetes and of ours; return kubeconform's location."""
    go = golang.located(places) or golang.install(places)
    document = json.loads((source_of(go, "k8s.io/kubernetes") / DOCUMENT).read_text())
    definitions = {name: strict(each) for name, each in document["definitions"].items()}
    (folder / "definitions.json").write_text(json.dumps({"definitions": definitions}))
    for name, definition in definitions.items():
        for kind in definition.get(VERSIONS, ()):
            reference = {"$ref": f"definitions.json#/definitions/{name}"}
            path = file_name(kind["group"], kind["version"], kind["kind"])
            (folder / path).write_text(json.dumps(reference))
    for crd in (places.checkout / "crds").glob("*.yaml"):
        _write_own(yaml.safe_load(crd.read_text()), folder)
    return f"{folder}/{TEMPLATE}"


def _write_own(definition: Schema, folder: Path) -> None:
    spec = definition["spec"]
    for version in spec["versions"]:
        path = file_name(spec["group"], version["name"], spec["names"]["kind"])
        schema = strict(version["schema"]["openAPIV3Schema"])
        schema["properties"]["metadata"] = {"type": "object"}
        (folder / path).write_text(json.dumps(schema))


def file_name(group: str, version: str, kind: str) -> str:
    """As kubeconform makes it from ``TEMPLATE``: pod-v1.json, deployment-apps-v1.json."""
    parts = (kind, group.partition(".")[0], version)
    return f"{'-'.join(part.lower() for part in parts if part)}.json"


def strict(schema: Schema) -> Schema:
    """The same schema, refusing what it does not name, in JSON Schema's words."""
    if schema.get("format") == "int-or-string" or schema.get("x-kubernetes-int-or-string"):
        return EITHER
    made = dict(schema)
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = strict(made[key])
    if "properties" in made:
        made["properties"] = {name: strict(each) for name, each in made["properties"].items()}
        made.setdefault("additionalProperties", False)
    return made
