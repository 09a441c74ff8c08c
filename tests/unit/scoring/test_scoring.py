import json
from typing import Any

import pytest

from fairlead_scoring.slot.scoring import Answer, answer, read_query
from fairlead_scoring.slot.script import Script


def script(run: Any) -> Script:
    return Script(init=lambda: None, run=run, data_name="data", takes_headers=False)


def request(method: str = "POST", query: str = "", **headers: str) -> dict[str, Any]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"id": "r", "method": method, "query": query, "headers": names}


def test_the_time_in_run_is_measured() -> None:
    found = answer(script(lambda data: [data]), request(), b"1")
    assert found.elapsed is not None
    assert Answer(found.status, found.body, found.failed) == Answer(200, b'["1"]')
    assert found.head() == {
        "type": "answer",
        "status": 200,
        "failed": False,
        "elapsed": found.elapsed,
    }


@pytest.mark.parametrize(
    "result", [{1}, b"bytes", object(), (number for number in [1]), {(1, 2): 3}]
)
def test_what_is_no_json_is_our_failure_not_the_scripts(result: object) -> None:
    found = answer(script(lambda data: data and result), request(), b"1")
    assert (found.status, found.failed, found.elapsed) == (500, False, None)


def test_a_result_without_end_is_no_json() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert answer(script(lambda data: data and endless), request(), b"1").status == 500


def test_a_process_that_wants_to_end_is_let_go() -> None:
    def run(data: str) -> None:
        raise SystemExit(data)

    with pytest.raises(SystemExit):
        answer(script(run), request(), b"1")


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        ("application/json; charset=utf-8", "a=é"),
        ("application/x-www-form-urlencoded", ""),
        ("Multipart/Form-Data; boundary=x", ""),
        ("", "a=é"),
    ],
)
def test_forms_come_without_their_data(content_type: str, data: str) -> None:
    found = answer(script(lambda data: data), request(content_type=content_type), "a=é".encode())
    assert json.loads(found.body) == data


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", {}),
        ("a=1&b=%5B1%5D&c=null", {"a": 1, "b": [1], "c": None}),
        ("a=x&a=2", {"a": ["x", 2]}),
        ("a=&b", {"a": "", "b": ""}),
        ("a=" + "[" * 100_000, {"a": "[" * 100_000}),
    ],
)
def test_a_query_is_read_value_by_value(query: str, values: dict[str, Any]) -> None:
    assert read_query(query) == values
