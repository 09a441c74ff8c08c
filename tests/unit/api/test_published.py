import copy
from collections.abc import Mapping
from typing import Any

import pytest

from fairlead.api.meta import GROUP, KINDS, VERSION, WEBSERVICE, Kind
from fairlead.api.published import missing_fields, schema_of


def schema(kind: Kind) -> dict[str, Any]:
    """As the API server publishes it."""
    found = copy.deepcopy(schema_of(kind))
    found["x-kubernetes-group-version-kind"] = [
        {"group": GROUP, "kind": kind.kind, "version": VERSION}
    ]
    return dict(found)


def published() -> dict[str, dict[str, Any]]:
    return {f"dev.fairlead.{VERSION}.{kind.kind}": schema(kind) for kind in KINDS}


def without(*path: str) -> Mapping[str, Any]:
    schemas = published()
    place = schemas[f"dev.fairlead.{VERSION}.Webservice"]
    for name in path[:-1]:
        place = place[name]
    del place[path[-1]]
    return schemas


def test_definitions_of_this_version_lack_nothing() -> None:
    assert missing_fields(published()) == {}


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("spec.autoscale", "spec.autoscale"),
        ("spec.autoscale.maxReplicas", "spec.autoscale.maxReplicas"),
        ("status.failure.logUri", "status.failure.logUri"),
    ],
)
def test_a_field_that_is_not_there_is_named(path: str, field: str) -> None:
    keys = [key for name in path.split(".") for key in ("properties", name)]
    assert missing_fields(without(*keys)) == {WEBSERVICE.crd_name: (field,)}


def test_a_field_of_an_items_schema_is_named() -> None:
    keys = ("properties", "status", "properties", "conditions", "items", "properties", "reason")
    assert missing_fields(without(*keys)) == {WEBSERVICE.crd_name: ("status.conditions[].reason",)}


def test_newer_definitions_lack_nothing() -> None:
    schemas = published()
    for one in schemas.values():
        one["properties"]["spec"]["properties"]["newer"] = {"type": "string"}
    assert missing_fields(schemas) == {}


def test_definitions_that_are_not_there_are_named_without_their_fields() -> None:
    assert missing_fields({}) == {kind.crd_name: () for kind in KINDS}
