import json
from typing import Any

import pytest

from fairlead_scoring.slot.inputs import Plain, read_query
from fairlead_scoring.slot.interrupt import ScoringTimeout
from fairlead_scoring.slot.request import Request
from fairlead_scoring.slot.responses import INTERNAL_ERROR_MESSAGE, RUN_FAILED_MESSAGE, Answer
from fairlead_scoring.slot.scoring import Scorer
from fairlead_scoring.slot.script import Script


def scorer(run: Any, *, timeout: int = 1000, debug: bool = False) -> Scorer:
    script = Script(init=lambda: None, run=run, input=Plain("data"), takes_headers=False)
    return Scorer(script, timeout, debug)


def request(body: bytes = b"1", method: str = "POST", query: str = "", **headers: str) -> Request:
    names = [[name.replace("_", "-"), value] for name, value in headers.items()]
    return Request({"id": "r", "method": method, "query": query, "headers": names}, body)


def message(found: Answer) -> Any:
    return json.loads(found.body)["message"]


def test_the_time_in_run_is_measured() -> None:
    found = scorer(lambda data: [data]).answer(request())
    assert found.elapsed is not None
    assert found == Answer(200, b'["1"]', elapsed=found.elapsed)
    assert found.head(7) == {
        "type": "answer",
        "seq": 7,
        "status": 200,
        "headers": (("content-type", "application/json"),),
        "failed": False,
        "elapsed": found.elapsed,
        "more": False,
    }


@pytest.mark.parametrize(
    "result", [{1}, b"bytes", object(), (number for number in [1]), {(1, 2): 3}]
)
def test_what_is_no_json_is_our_failure_not_the_scripts(result: object) -> None:
    found = scorer(lambda data: data and result).answer(request())
    assert (found.status, found.failed, found.elapsed) == (500, False, None)
    assert message(found) == INTERNAL_ERROR_MESSAGE


def test_a_result_without_end_is_no_json() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert scorer(lambda data: data and endless).answer(request()).status == 500


def raising(error: BaseException) -> Any:
    def run(data: object) -> None:
        raise error if data else AssertionError

    return run


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SystemExit(4), RUN_FAILED_MESSAGE),
        (KeyboardInterrupt(), RUN_FAILED_MESSAGE),
        (ScoringTimeout(), "Scoring timeout after 1000 ms"),
    ],
)
def test_what_would_end_the_process_ends_the_request(error: BaseException, words: str) -> None:
    found = scorer(raising(error)).answer(request())
    assert (found.status, found.failed, message(found)) == (500, True, words)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(ValueError("secret"), RUN_FAILED_MESSAGE, id="any"),
        pytest.param(
            TimeoutError(), "Scoring timeout after 1000 ms", id="the script's own timeout"
        ),
    ],
)
def test_only_in_debug_mode_is_a_client_told_why(error: Exception, words: str) -> None:
    hidden = scorer(raising(error)).answer(request())
    assert (hidden.status, hidden.failed, json.loads(hidden.body)) == (
        500,
        True,
        {"message": words},
    )
    told = scorer(raising(error), debug=True).answer(request())
    assert (told.status, told.failed, message(told)) == (500, True, words)
    traceback = json.loads(told.body)["traceback"]
    assert traceback.startswith("Traceback (most recent call last):\n")
    assert traceback.splitlines()[-1] in ("ValueError: secret", "TimeoutError")


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        ("application/json; charset=utf-8", "a=é"),
        ("application/x-www-form-urlencoded", ""),
        ("Application/X-WWW-Form-Urlencoded ; charset=utf-8", ""),
        ("multipart/form-data", "a=é"),
        ("", "a=é"),
    ],
)
def test_a_form_comes_without_its_data(content_type: str, data: str) -> None:
    sent = {**WSGI, "headers": [["content-type", content_type]]}
    found = scorer(lambda data: data).answer(Request(sent, "a=é".encode()))
    assert json.loads(found.body) == data


WSGI = {
    "id": "r",
    "method": "POST",
    "path": "/score",
    "query": "",
    "version": "1.1",
    "scheme": "http",
    "client": None,
}


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", {}),
        ("a=1&b=%5B1%5D&c=null", {"a": 1, "b": [1], "c": None}),
        ("a=x&a=2", {"a": ["x", 2]}),
        ("a=&b", {"a": "", "b": ""}),
        ("a=%C3%A9&b=Ã©", {"a": "é", "b": "é"}),
        ("a=%FF", {"a": "%FF"}),
        ("a=1;b=2", {"a": "1;b=2"}),
    ],
)
def test_a_query_is_read_value_by_value(query: str, values: dict[str, Any]) -> None:
    assert read_query(query) == values


def test_a_query_that_no_parser_can_read_is_an_error_of_ours() -> None:
    found = scorer(lambda data: data).answer(request(method="GET", query="a=" + "[" * 100_000))
    assert (found.status, found.failed, message(found)) == (500, False, INTERNAL_ERROR_MESSAGE)
