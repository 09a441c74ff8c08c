"""What a task may say: it ran foreign code, perhaps."""

import json
from typing import Any

import pytest

from fairlead.contract import (
    MAX_RESULT_BYTES,
    EnvironmentRecipe,
    TaskFailure,
    read_result,
    timed_out,
)
from tests.unit.decide.test_model import VERSION

DIGEST, HASH = f"sha256:{'a' * 64}", "a" * 64
GOOD: dict[str, dict[str, Any]] = {
    "ingest": {"version": 1, "versions": [VERSION]},
    "resolve": {"baseDigest": DIGEST, "environmentHash": HASH, "lastVersion": 0},
    "environment": {"digest": DIGEST, "python": "3.11.2", "seconds": 46.6, "built": True},
    "assemble": {"digest": DIGEST, "sizeBytes": 1, "seconds": 1.2},
}


def test_a_source_that_took_too_long_names_its_own_setting() -> None:
    told = timed_out("source", 600.0).remedy
    assert told
    assert "raise FAIRLEAD_CODE_TIMEOUT_SECONDS of the operator" in told


RECIPE = {
    "baseImage": "python:3.12-slim",
    "requirements": [{"text": "numpy==2.1.0", "line": 2, "file": ""}],
    "conda": {"channels": [{"text": "x", "line": 0, "file": ""}], "packages": [], "cuda": "12"},
}


def test_a_recipe_comes_back_as_it_was_sent() -> None:
    sent = EnvironmentRecipe.model_validate(RECIPE)
    assert RECIPE.items() <= sent.to_wire().items()
    assert EnvironmentRecipe.model_validate_json(json.dumps(sent.to_wire())) == sent


@pytest.mark.parametrize(
    "wrong",
    [
        {"requirements": [{"text": "numpy", "line": 2, "url": "x"}]},
        {"requirements": [{"text": "numpy"}]},
        {"conda": {"channels": [], "mirror": "x"}},
    ],
)
def test_a_recipe_that_says_what_we_do_not_know_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        EnvironmentRecipe.model_validate(RECIPE | wrong)


def result(**content: Any) -> bytes:
    return json.dumps(content).encode()


@pytest.mark.parametrize("program", GOOD)
def test_a_result_is_taken(program: str) -> None:
    ok = read_result(program, result(ok=GOOD[program])).ok
    assert ok is not None
    assert GOOD[program].items() <= ok.items()


@pytest.mark.parametrize(
    ("program", "change"),
    [
        ("ingest", {"version": 2}),
        ("ingest", {"versions": []}),
        ("ingest", {"versions": [{**VERSION, "path": "../x"}]}),
        ("ingest", {"versions": [{**VERSION, "path": ".."}]}),
        ("ingest", {"versions": [{**VERSION, "modelName": "a/b"}]}),
        ("ingest", {"versions": [{**VERSION, "layer": "latest"}]}),
        ("ingest", {"versions": [{**VERSION, "artifact": "http://169.254.169.254/x y"}]}),
        ("ingest", {"versions": [{**VERSION, "sizeBytes": 2**60}]}),
        ("resolve", {"environmentHash": "../../../../etc/"}),
        ("resolve", {"baseDigest": "sha256:1"}),
        ("resolve", {"lastVersion": -1}),
        ("resolve", {"lastVersion": 10**30}),
        ("resolve", {"environmentPython": "3.11\nRUN x"}),
        ("resolve", {"versions": [{"version": 1, "digest": DIGEST, "hash": "x"}]}),
        ("environment", {"python": "3"}),
        ("environment", {"seconds": float("nan")}),
        ("environment", {"seconds": float("inf")}),
        ("assemble", {"digest": DIGEST + "\n"}),
        ("assemble", {"sizeBytes": -1}),
    ],
)
def test_what_does_not_fit_is_no_result(program: str, change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        read_result(program, result(ok={**GOOD[program], **change}))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b"{}", b"[" * 100_000])
def test_what_is_no_result_at_all(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"validation error|says neither"):
        read_result("assemble", content)


def test_a_result_has_a_bound() -> None:
    with pytest.raises(ValueError, match="is longer than"):
        read_result("assemble", b" " * (MAX_RESULT_BYTES + 1))


def test_what_a_failure_says_forges_no_line_and_shows_no_secret() -> None:
    said = {
        "reason": "StepFailed",
        "class": "User",
        "message": "boom\n10:00:00 Ready True\x1b[2J password=hunter2",
        "remedy": "x" * 10_000,
        "location": "Dockerfile\r:3",
        "logTail": "one\ntwo\x00 token=abcdef",
    }
    failure = read_result("environment", result(failure=said)).failure
    assert isinstance(failure, TaskFailure)
    assert failure.message == "boom 10:00:00 Ready True password=***"
    assert failure.remedy == "x" * 4096
    assert failure.location == "Dockerfile :3"
    assert failure.log_tail == "one\ntwo token=***"
