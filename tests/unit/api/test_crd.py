"""The types, the files in ``crds/`` and the examples say the same."""

from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from pydantic import BaseModel, Field

from fairlead.api.crd import DEFINITIONS, definition, render
from fairlead.api.meta import API_VERSION, KINDS, Kind
from fairlead.api.schema import structural
from fairlead.api.wire import Wire

ROOT = Path(__file__).parents[3]
PARAMETRIZED = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)


@PARAMETRIZED
def test_the_committed_file_is_what_the_types_give(kind: Kind) -> None:
    file = ROOT / "crds" / f"{kind.plural}.yaml"
    assert file.read_text() == render(kind), "run `make crds`"


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
        if document["apiVersion"] == API_VERSION
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
