import json
import random
from pathlib import Path
from typing import Any

import pytest

from fairlead_scoring.slot.record import (
    MAX_RECORD_BYTES,
    Failure,
    causes,
    class_name,
    explain,
    fit,
    make_record,
    message,
    shortened,
)
from fairlead_scoring.slot.trace import printable

CONTRACT = Path(__file__).parents[2] / "contract" / "startup-record.json"


def record(**changes: Any) -> dict[str, Any]:
    return {**json.loads(CONTRACT.read_text()), **changes}


def test_the_contracts_record_fits_as_it_is() -> None:
    assert json.loads(fit(record())) == record()


def test_the_traceback_is_cut_first_from_its_middle() -> None:
    fitted = json.loads(fit(record(traceback=f"begin{'-' * 9000}end")))
    assert {**fitted, "traceback": ""} == record(traceback="")
    assert fitted["traceback"].startswith("begin---")
    assert fitted["traceback"].endswith("---end")
    assert "\n…\n" in fitted["traceback"]
    assert len(fit(record(traceback="-" * 9000))) == MAX_RECORD_BYTES


def test_then_the_models_are_cut() -> None:
    models = [{"name": f"model-{number:04}", "versions": [1, 2, 3]} for number in range(500)]
    fitted = json.loads(fit(record(models=models, traceback="-" * 9000)))
    assert fitted["traceback"] == "\n…\n"
    assert fitted["models"] == models[: len(fitted["models"])]
    assert len(fitted["models"]) > 25


@pytest.mark.parametrize("letters", ["a", "é", "\U0001f600", '"', "\x00", "\ud800", "a\n\t"])
def test_whatever_it_says_it_fits_and_can_be_read(letters: str) -> None:
    numbers = random.Random(len(letters))
    for _ in range(5):
        text = letters * numbers.randrange(20_000)
        failure = Failure(
            "init",
            text,
            text,
            location(text, text, text),
            [{"exception": text, "message": text}] * numbers.randrange(6),
            [printable(text)] * numbers.randrange(9),
            text,
        )
        written = fit(make_record(failure, Path("/nowhere"), elapsed=1.26))
        assert len(written) <= MAX_RECORD_BYTES
        found = json.loads(written)
        assert found["elapsedSeconds"] == 1.3
        assert list(found) == list(record())


@pytest.mark.parametrize(
    ("text", "kept", "result"),
    [("abcdef", 6, "abcdef"), ("abcdef", 3, "ab\n…\nf"), ("abcdef", 0, "\n…\n")],
)
def test_a_text_is_shortened_in_its_middle(text: str, kept: int, result: str) -> None:
    assert shortened(text, kept) == result


def location(file: str, function: str, code: str) -> dict[str, Any]:
    """As ``trace.location()`` makes it."""
    texts = {"file": file, "function": function, "code": code}
    return {"line": 1, **{name: printable(text) for name, text in texts.items()}}


def test_the_message_is_cut_last() -> None:
    message = "é" * 1000
    fitted = json.loads(fit(record(message=message, traceback="-" * 9000)))
    assert (fitted["traceback"], fitted["models"], fitted["causes"]) == ("\n…\n", [], [])
    assert fitted["message"].startswith("é" * 400)
    assert fitted["message"].endswith("é" * 400)
    assert fitted["location"] == record()["location"]


def test_no_value_has_a_control_character(tmp_path: Path) -> None:
    forged = "a\x1b[31mb\r\n\x9bc\x00\u202e\u2028d"
    (tmp_path / "m\n\x1b[1mx" / "1").mkdir(parents=True)
    failure = Failure(
        "init",
        forged,
        forged,
        location(forged, forged, forged),
        [{"exception": forged, "message": forged}],
        [printable(forged)],
        forged,
    )
    found = make_record(failure, tmp_path, elapsed=1.0)
    assert found["message"] == found["traceback"] == "ab\n?c???d"
    assert found["exception"] == found["location"]["file"] == found["frames"][0] == "ab ?c???d"
    assert found["models"] == [{"name": "m x", "versions": [1]}]
    texts = json.dumps({**found, "message": "", "traceback": ""}, ensure_ascii=False)
    assert texts.isprintable()


def test_a_secret_with_control_characters_in_it_is_hidden() -> None:
    failure = Failure("init", "E", "p\x1b[1massword=hunter2", traceback="tok\x1b[0men=abc9\nx")
    found = make_record(failure, Path("/nowhere"), elapsed=1.0)
    assert (found["message"], found["traceback"]) == ("password=***", "token=***\nx")


class OwnError(Exception):
    pass


class MuteError(Exception):
    def __str__(self) -> str:
        raise OSError


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except type(error):
        return error


@pytest.mark.parametrize(
    ("error", "name", "says"),
    [
        (ValueError("no"), "ValueError", "no"),
        (ValueError(), "ValueError", ""),
        (ValueError("a: b\nc"), "ValueError", "a: b\nc"),
        (KeyError("k"), "KeyError", "'k'"),
        (SystemExit(3), "SystemExit", "3"),
        (OwnError("x"), f"{OwnError.__module__}.OwnError", "x"),
    ],
)
def test_an_error_is_named_and_quoted(error: BaseException, name: str, says: str) -> None:
    assert (class_name(error), message(error)) == (name, says)


def test_an_error_that_cannot_speak_is_told_all_the_same() -> None:
    assert "failed>" in message(MuteError())


def test_a_private_module_is_left_out_of_the_name() -> None:
    sdk = type("ModelNotFoundException", (Exception,), {"message": "Model x not found"})
    sdk.__module__ = "azureml.exceptions._azureml_exception"
    assert class_name(sdk("a page of JSON")) == "azureml.exceptions.ModelNotFoundException"
    assert message(sdk("a page of JSON")) == "Model x not found"


def test_causes_are_told_as_a_traceback_tells_them() -> None:
    first, second = OSError("first"), KeyError("second")
    second.__context__ = first
    assert causes(raised(ValueError(), second)) == [second, first]
    hidden = ValueError()
    hidden.__context__, hidden.__suppress_context__ = first, True
    assert causes(hidden) == []
    circle = ValueError()
    first.__context__, circle.__context__ = circle, first
    assert causes(circle) == [first]


def test_an_error_outside_the_users_files_has_no_location(tmp_path: Path) -> None:
    explained = explain(raised(ValueError("x")), "init", tmp_path)
    assert (explained.location, explained.exception) == (None, "ValueError")
    assert explain(raised(ValueError("x")), "init", Path(__file__).parent).location == {
        "file": "test_record.py",
        "line": raised.__code__.co_firstlineno + 2,
        "function": "raised",
        "code": "raise error from cause",
    }
