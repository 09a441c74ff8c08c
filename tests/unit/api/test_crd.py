"""The types, the files in ``crds/`` and the examples say the same."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from pydantic import BaseModel, Field

from fairlead.api.crd import DEFINITIONS, definition, render
from fairlead.api.meta import API_VERSION, KINDS, WEBSERVICE, Kind
from fairlead.api.refs import Manifest
from fairlead.api.schema import structural
from fairlead.api.wire import Wire

ROOT = Path(__file__).parents[3]
PARAMETRIZED = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)


@PARAMETRIZED
def test_the_committed_file_is_what_the_types_give(kind: Kind) -> None:
    file = ROOT / "crds" / f"{kind.plural}.yaml"
    assert file.read_text() == render(kind), "run `make crds`"


@PARAMETRIZED
def test_the_chart_carries_the_same_bytes(kind: Kind) -> None:
    file, chart = f"{kind.plural}.yaml", ROOT / "charts/fairlead/files/crds"
    assert (chart / file).read_bytes() == (ROOT / "crds" / file).read_bytes(), "run `make crds`"
    assert {path.name for path in chart.iterdir()} == {f"{kind.plural}.yaml" for kind in KINDS}


@PARAMETRIZED
def test_every_field_is_described(kind: Kind) -> None:
    """`kubectl explain` reads like documentation, at any depth."""
    schema = definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert schema["description"].endswith(".")
    metadata = schema["properties"].pop("metadata")
    assert metadata == {"type": "object"}  # the API server refuses a definition that says more
    assert list(undescribed(schema)) == []


def test_a_field_without_a_description_is_seen() -> None:
    class Inner(Wire):
        silent: Annotated[int, Field(ge=0)]

    class Outer(Wire):
        inner: Annotated[tuple[Inner, ...], Field(max_length=1)]
        """A list."""

    assert list(undescribed(structural(Outer))) == ["silent"]


@PARAMETRIZED
def test_nothing_is_left_that_is_not_structural(kind: Kind) -> None:
    def walk(schema: Any) -> None:
        if isinstance(schema, dict):
            assert not {"$ref", "anyOf", "oneOf", "const", "$defs"} & schema.keys()
            assert schema.get("additionalProperties") is not False
            for value in schema.values():
                walk(value)

    walk(definition(kind)["spec"]["versions"][0]["schema"])


@PARAMETRIZED
def test_a_person_sees_readiness_and_reason_first(kind: Kind) -> None:
    columns = definition(kind)["spec"]["versions"][0]["additionalPrinterColumns"]
    assert [column["name"] for column in columns][:2] == ["Ready", "Reason"]
    assert [column["name"] for column in columns][-2:] == ["Age", "Message"]


@PARAMETRIZED
def test_an_object_that_nobody_has_looked_at_says_so(kind: Kind) -> None:
    schema = definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    [ready] = schema["properties"]["status"]["default"]["conditions"]
    assert (ready["type"], ready["status"], ready["reason"]) == ("Ready", "Unknown", "Pending")


def test_the_autoscaler_has_no_default_of_its_own() -> None:
    """A default would make `replicas` and an autoscaler meet in every object."""
    webservices = next(kind for kind in KINDS if kind.kind == "Webservice")
    schema = definition(webservices)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert "default" not in schema["properties"]["spec"]["properties"]["autoscale"]


def test_the_examples_are_objects_of_our_kinds() -> None:
    by_kind = {kind.kind: DEFINITIONS[kind].spec for kind in KINDS}
    documents = [
        document
        for file in sorted((ROOT / "examples").rglob("*.yaml"))
        for document in yaml.safe_load_all(file.read_text())
        if document.get("apiVersion") == API_VERSION
    ]
    assert {document["kind"] for document in documents} == set(by_kind)
    for document in documents:
        by_kind[document["kind"]].model_validate(document["spec"])


class Unbounded(Wire):
    text: str


class Union(Wire):
    either: Annotated[int, Field(ge=0)] | Annotated[str, Field(max_length=5)]


class Pattern(Wire):
    text: Annotated[str, Field(max_length=5, pattern="^a")]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        pytest.param(Unbounded, "Unbounded.text: a string needs maxLength", id="no bound"),
        pytest.param(Union, "a union has no structural form", id="a union"),
        pytest.param(Pattern, "Pattern.text: pattern has no structural form", id="unknown keyword"),
    ],
)
def test_what_a_crd_cannot_hold_is_refused_with_its_place(
    model: type[BaseModel], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        structural(model)


OUTSIDE = ("other/credit", "../other/credit", "%2e%2e", ".", "..", "/credit", "credit/", "a b", "")
A_RULE = re.compile(r"self\.matches\('(?P<pattern>.+)'\)")


@PARAMETRIZED
def test_no_field_names_another_namespace(kind: Kind) -> None:
    """A reference is a name; where it is looked for is never the object's to say."""
    spec = definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"][
        "spec"
    ]
    fields = list(properties(spec))
    names = {name.lower() for name, _ in fields}
    assert {name for name in names if "namespace" in name or name.endswith("ownerref")} == set()
    references = [schema for name, schema in fields if name == "name"]
    assert references
    for schema in references:
        patterns = [m["pattern"] for m in map(A_RULE.search, rules_of(schema)) if m]
        assert patterns
        taken = [text for text in OUTSIDE if all(re.search(p, text) for p in patterns)]
        assert taken == []


def undescribed(schema: Any) -> Iterator[str]:
    """The names of fields that say nothing of themselves, or do not end their sentence."""
    for name, inner in properties(schema):
        if not str(inner.get("description", "")).endswith((".", '."')):
            yield name


def rules_of(schema: Any) -> list[str]:
    return [rule["rule"] for rule in schema.get("x-kubernetes-validations", ())]


def properties(schema: Any) -> Iterator[tuple[str, Any]]:
    """The names and schemas of all fields, at any depth."""
    for name, inner in schema.get("properties", {}).items():
        yield name, inner
        yield from properties(inner)
    for several in ("items", "additionalProperties"):
        if isinstance(schema.get(several), dict):
            yield from properties(schema[several])


def test_what_scales_a_webservice_finds_a_number_and_the_pods() -> None:
    [version] = definition(WEBSERVICE)["spec"]["versions"]
    scale = version["subresources"]["scale"]
    schema = version["schema"]["openAPIV3Schema"]
    types = {name: _at(schema, path)["type"] for name, path in scale.items()}
    assert types == {
        "specReplicasPath": "integer",
        "statusReplicasPath": "integer",
        "labelSelectorPath": "string",
    }
    others = (definition(kind)["spec"]["versions"][0] for kind in KINDS if kind is not WEBSERVICE)
    assert all(other["subresources"].keys() == {"status"} for other in others)


def _at(schema: Manifest, path: str) -> Manifest:
    """The schema of a field, such as ``.spec.replicas``."""
    for name in path.removeprefix(".").split("."):
        schema = schema["properties"][name]
    return schema
