"""Variables are refused by name and by value, and the runtime takes whatever is not."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from fairlead.api.inferenceimage import InferenceImageSpec
from fairlead.api.variables import (
    OF_THE_WEBSERVICE,
    OURS,
    VALUES,
    OneOf,
    Seconds,
    Value,
    WholeNumber,
    problems,
)
from fairlead.api.webservice import WebserviceSpec
from fairlead_scoring.front.config.settings import read_settings
from fairlead_scoring.front.config.values import SettingsError

IMAGE = {"source": {"inline": {"files": {"score.py": ""}}}, "entryScript": "score.py"}


def webservice(**variables: str) -> WebserviceSpec:
    spec = {"imageRef": {"name": "a"}, "environmentVariables": variables}
    return WebserviceSpec.model_validate(spec)


def image(**variables: str) -> InferenceImageSpec:
    return InferenceImageSpec.model_validate({**IMAGE, "environmentVariables": variables})


def edges(value: Value) -> tuple[list[str], list[str]]:
    """Texts at the edge: those that are accepted and those that are not."""
    if isinstance(value, OneOf):
        return list(value.values), ["", "yes", value.values[0].upper()]
    wrong = ["", "two", "-1", " 1", "1e3", "nan", "٣", "1" * 400, f"{value.maximum + 1}"]
    right = [f"{value.minimum:g}", str(value.maximum)]
    if isinstance(value, Seconds):
        return [*right, "2.5"], [*wrong, "1.", ".5", "1.2.3", f"{value.maximum}.1"]
    return right, [*wrong, "1.5", *([] if value.but is None else [str(value.but)])]


@pytest.mark.parametrize("name", VALUES)
def test_a_value_that_is_accepted_is_one_that_the_runtime_starts_with(name: str) -> None:
    accepted, refused = edges(VALUES[name])
    for text in accepted:
        assert list(problems({name: text}, {})) == []
        read_settings(
            [], {"SEPERATE_HEALTH_ENDPOINT": "true", "FAIRLEAD_DEBUG": "true", name: text}
        )
    for text in refused:
        assert list(problems({name: text}, {})) == [f"{name} must be {VALUES[name].words}"]


def test_the_runtime_refuses_nothing_that_is_accepted_by_its_name_alone() -> None:
    with pytest.raises(SettingsError):
        read_settings([], {"WORKER_COUNT": "two"})
    for name in VALUES:
        for text in ("two", "-1", "1" * 400):
            if _refused_by_the_runtime(name, text):
                assert list(problems({name: text}, {}))


def _refused_by_the_runtime(name: str, text: str) -> bool:
    try:
        read_settings([], {name: text, "FAIRLEAD_DEBUG": "true"})
    except SettingsError:
        return True
    return False


@pytest.mark.parametrize("name", OURS)
def test_what_fairlead_sets_is_refused_by_name(name: str) -> None:
    for spec in (webservice, image):
        with pytest.raises(ValidationError, match=f"{name} is set by Fairlead: "):
            spec(**{name: "x"})


def test_how_long_a_request_waits_is_said_by_the_webservice() -> None:
    [name] = OF_THE_WEBSERVICE
    assert webservice(**{name: "0"}).environment_variables == {name: "0"}
    with pytest.raises(ValidationError, match="environmentVariables of the Webservice"):
        image(**{name: "0"})


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(ValidationError) as refusal:
        webservice(WORKER_COUNT="two", FAIRLEAD_PORT="8080", FAIRLEAD_X="3")
    assert refusal.value.errors()[0]["msg"].split("; ") == [
        "WORKER_COUNT must be a whole number from 1 to 1000",
        "FAIRLEAD_PORT is set by Fairlead: the Service and the probes reach the pod at port 5001",
        "FAIRLEAD_X is none of the runtime's settings: docs/variables.md lists them",
    ]


def test_any_other_variable_is_the_users() -> None:
    variables = {"DB": "p@$$word", "HOME": "/data", "PATH": "", "SEPERATE_HEALTH_ENDPOINT": "true"}
    assert webservice(**variables).environment_variables == variables
    assert image(**variables).environment_variables == variables


def test_the_rules_of_the_schema_name_every_variable_of_the_table() -> None:
    extra = json.dumps(WebserviceSpec.model_json_schema()["properties"]["environmentVariables"])
    for name in (*OURS, *VALUES):
        assert f"'{name}' in self" in extra


def test_the_tables_are_documented_in_the_same_words() -> None:
    text = (Path(__file__).parents[3] / "docs/variables.md").read_text()
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    documented = {row[0].strip(" `"): row[1].strip() for row in rows}
    assert documented == {**OURS, **{name: value.words for name, value in VALUES.items()}}
    assert isinstance(VALUES["WORKER_COUNT"], WholeNumber)
