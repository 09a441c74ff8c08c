"""A termination message is read as far as it goes, and nothing of it forges a line of ours."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.inputs.startup_record import (
    MAX_TEXT_CHARS,
    SCHEMA,
    KnownModel,
    Location,
    StartupRecord,
    read_record,
)

TEXT = (Path(__file__).parents[2] / "contract/startup-record.json").read_text()
RECORD: dict[str, Any] = json.loads(TEXT)
MESSAGE = "Model sklearn_regresion_model.pkl not found in cache"


def read(**changes: Any) -> StartupRecord:
    record = read_record(json.dumps({**RECORD, **changes}))
    assert record
    return record


def cut_after(part: str) -> StartupRecord | None:
    return read_record(TEXT[: TEXT.index(part) + len(part)])


def test_the_whole_record() -> None:
    record = read_record(TEXT)
    assert record
    assert (record.stage, record.message, str(record.location)) == ("init", MESSAGE, "score.py:12")
    assert record.models == (KnownModel(name="sklearn_regression_model.pkl", versions=(1,)),)


@pytest.mark.parametrize(
    ("part", "exception", "message", "location", "models"),
    [
        ('"stage": "init"', "an exception", "", None, None),
        ("azureml.exceptions.ModelNotFoundExc", "an exception", "", None, None),
        ('ModelNotFoundException"', "azureml.exceptions.ModelNotFoundException", "", None, None),
        ('"message": "Model', "azureml.exceptions.ModelNotFoundException", "Model", None, None),
        ('"line": 1', "azureml.exceptions.ModelNotFoundException", MESSAGE, None, None),
        (
            '"line": 12, "function": "in',
            "azureml.exceptions.ModelNotFoundException",
            MESSAGE,
            Location(file="score.py", line=12, function="in"),
            None,
        ),
        (
            '"models": [{"name": "skl',
            "azureml.exceptions.ModelNotFoundException",
            MESSAGE,
            "score.py:12",
            None,
        ),
        (
            '"traceback": "Trace',
            "azureml.exceptions.ModelNotFoundException",
            MESSAGE,
            "score.py:12",
            (KnownModel(name="sklearn_regression_model.pkl", versions=(1,)),),
        ),
    ],
)
def test_a_record_that_was_cut_is_read_as_far_as_it_goes(
    part: str,
    exception: str,
    message: str,
    location: object,
    models: object,
) -> None:
    record = cut_after(part)
    assert record
    assert (record.stage, record.exception, record.message) == ("init", exception, message)
    assert record.models == models
    if isinstance(location, str):
        assert str(record.location) == location
    else:
        assert record.location == location


@pytest.mark.parametrize("end", range(0, len(TEXT), 7))
def test_no_cut_says_what_the_whole_does_not(end: int) -> None:
    whole, record = read_record(TEXT), read_record(TEXT[:end])
    assert whole
    if record is not None:
        assert record.stage == whole.stage
        assert record.exception in (whole.exception, "an exception")
        assert whole.message.startswith(record.message)
        assert str(record.location) in (str(whole.location), "None")
        assert record.models in (whole.models, None)


@pytest.mark.parametrize("part", [SCHEMA, '"stage": "ini'])
def test_without_a_stage_there_is_no_record(part: str) -> None:
    assert cut_after(part) is None


def test_a_location_forges_no_line() -> None:
    forged = "a.py\n10:00 ERROR \x1b[31mowned\u202e\r\nb.py"
    record = read(
        location={"file": forged, "line": 3, "function": "f\ng", "code": "x\ty"},
        exception="E\nF",
        stage="init\n",
        causes=[{"exception": "A\nB", "message": "C\nD"}],
        models=[{"name": "m\nn", "versions": [1]}],
    )
    assert str(record.location) == "a.py 10:00 ERROR owned b.py:3"
    assert record.location
    assert (record.location.function, record.location.code) == ("f g", "x y")
    assert (record.exception, record.stage) == ("E F", "init")
    assert str(record.causes[0].exception) == "A B"
    assert record.models
    assert record.models[0].name == "m n"


def test_secrets_are_not_read() -> None:
    record = read(
        message="login failed: password=hunter2",
        traceback="line 1\n  connect('postgres://me:hunter2@db/x')\n",
        location={"file": "score.py", "line": 1, "code": "token='abcdefgh'"},
    )
    assert "hunter2" not in record.model_dump_json()
    assert "abcdefgh" not in record.model_dump_json()
    assert record.traceback == "line 1\n  connect('postgres://***@db/x')\n"


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"location": {"file": "score.py"}}, "location", None),
        ({"location": {"file": "score.py", "line": 10**30}}, "location", None),
        ({"location": {"file": "score.py", "line": -1}}, "location", None),
        ({"location": "score.py:3"}, "location", None),
        ({"causes": 3}, "causes", ()),
        ({"message": ["a"]}, "message", ""),
        ({"exception": None}, "exception", "an exception"),
        ({"elapsedSeconds": -1}, "elapsed_seconds", 0.0),
        (
            {"models": [{"name": "a", "versions": [0]}, {"name": "b"}, 7]},
            "models",
            (KnownModel(name="b"),),
        ),
    ],
)
def test_what_does_not_fit_is_left_out(change: dict[str, Any], field: str, value: object) -> None:
    record = read(**change)
    assert getattr(record, field) == value
    assert record.stage == "init"


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Killed",
        f'"{SCHEMA}"',
        f'["{SCHEMA}"]',
        f'{{"x": "{SCHEMA}", "stage": "init"}}',
        f'{{"schema": "{SCHEMA}", "stage": {{}}}}',
        f'{{"schema": "{SCHEMA}", "stage": "init", "line": {"1" * 5000}}}',
        f'{{"schema": "{SCHEMA}", "stage": ' + "[" * 10_000,
    ],
)
def test_another_message_is_no_record(message: str) -> None:
    assert read_record(message) is None


def test_a_record_is_bounded() -> None:
    record = read(message="x" * 10_000, traceback="y" * 100)
    assert len(record.message) == MAX_TEXT_CHARS
    assert read_record(json.dumps(RECORD).replace(MESSAGE, "x" * 1_000_000)) is not None


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    changes=st.dictionaries(st.sampled_from([*RECORD, "other"]), ANYTHING), end=st.integers(0, 4096)
)
def test_whatever_a_container_leaves_behind_is_read_or_left(
    changes: dict[str, Any], end: int
) -> None:
    record = read_record(json.dumps({**RECORD, **changes}, ensure_ascii=False)[:end])
    if record is not None:
        texts = (record.stage, record.exception, record.message, str(record.location))
        assert not any(re.search("[\x00-\x1f\x7f-\x9f\u2028-\u202e]", text) for text in texts)


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_any_text_behind_the_schema_is_read_or_left(text: str) -> None:
    read_record(f'{{"schema": "{SCHEMA}", "stage": "init", {text}')
    read_record(f'{{"schema": "{SCHEMA}", "stage": "init", "message": "{text}')
