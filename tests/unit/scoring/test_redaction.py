import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from fairlead_scoring.front.http.messages import Request
from fairlead_scoring.front.http.request_log import MAX_QUERY_CHARS, AccessLog
from fairlead_scoring.slot.console import Console
from fairlead_scoring.slot.redaction import MAX_PARAMETERS, redact, redact_query

SECRETS = json.loads((Path(__file__).parents[2] / "contract" / "secrets.json").read_text())
POSITIVE = [case for case in SECRETS if case["hidden"]]
MIN_LEAK_CHARS = 4  # fewer characters of a secret do not help anybody
PARTS = {
    "a web token": "t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVPmB92K27uhbUJU1",
    "a password in a URL": "u=https://admin:hunter2hunter3@host.example/",
    "a key": "AccountKey=abcdefghijklmnopqrstuvwxyz0123456789",
    "a key by its shape": "x=hf_ABCDEFGHIJKLMNOPQRSTUVWXYZ012345",
    "a quoted password": "d=%7B%22password%22%3A%22abcdefghijklmnop%22%7D",
}


@pytest.mark.parametrize("case", SECRETS, ids=lambda case: case["name"])
def test_it_hides_and_keeps_what_the_operator_does(case: dict[str, Any]) -> None:
    shown = redact(case["text"])
    assert [text for text in case["hidden"] if text in shown] == []
    assert [text for text in case["kept"] if text not in shown] == []


@pytest.mark.parametrize("case", SECRETS, ids=lambda case: case["name"])
def test_redacting_twice_changes_nothing_more(case: dict[str, Any]) -> None:
    assert redact(redact(case["text"])) == redact(case["text"])


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("https://me:hunter2@host/path", "https://***@host/path"),
        ("Authorization: Bearer abc", "Authorization: Bearer ***"),
        ('{"api_key": "abc", "x": 1}', '{"api_key": ***, "x": 1}'),
        ("connect(password='two words', port=1)", "connect(password=***, port=1)"),
        (f"hf_{'a' * 30} ghp_{'b' * 30} AKIA{'C' * 16}", "*** *** ***"),
        ("-----BEGIN PRIVATE KEY-----\ncut off", "***"),
    ],
)
def test_what_stands_in_the_place_of_a_secret(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "tokenizer = AutoTokenizer.from_pretrained('bert')",
        "tokenizer(pad_token='[PAD]', eos_token=end)",
        "password = os.environ['DB_PASSWORD']",
        "secret = client.get_secret",
        "connect(password=read_password(), token=tokens[0])",
        "raise ValueError('no secret here')",
    ],
)
def test_code_that_fetches_a_secret_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("encode", [str, quote, quote_plus], ids=["raw", "quote", "quote_plus"])
@pytest.mark.parametrize("case", POSITIVE, ids=lambda case: case["name"])
def test_no_secret_is_in_a_logged_query(case: dict[str, Any], encode: Any) -> None:
    shown = redact_query(f"a=1&data={encode(case['text'])}&b=2", MAX_QUERY_CHARS)
    assert shown.isascii()
    assert shown.isprintable()
    decoded_forms = [text for text in case["hidden"] if text in shown or quote(text) in shown]
    assert decoded_forms == []


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("a=1&b=c%20d&e", "a=1&b=c%20d&e"),
        ("", ""),
        ("a=1&sig=abc&b=2", "a=1&sig=***&b=2"),
        ("%74oken=abc", "%74oken=***"),
        ("password=abc(def", "password=***"),
        ("x=Bearer+abcdef123456", "x=***"),
        ("Bearer+abcdef123456", "***"),
        ("u=https://me:a&b@host/", "***"),
        ("a=\x85\x9b31m\xe9", "a=%85%9B31m%E9"),
    ],
)
def test_a_query_in_the_log(query: str, shown: str) -> None:
    assert redact_query(query, MAX_QUERY_CHARS) == shown


def test_of_a_long_query_whole_parameters_are_logged() -> None:
    assert redact_query("a=1&b=2&c=3", 11) == "a=1&b=2&c=3"
    assert redact_query("a=1&b=2&c=3", 10) == "a=1&b=2&..."
    assert redact_query("a=1&b=2&c=3", 7) == "a=1&b=2&..."
    assert redact_query("abc=1", 3) == "..."
    many = "&".join("a" * (MAX_PARAMETERS + 5))
    assert redact_query(many, MAX_QUERY_CHARS) == "a&" * MAX_PARAMETERS + "..."


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_a_secret_that_the_cut_goes_through_is_not_logged(part: str) -> None:
    """Wherever the cut is: the log has nothing of the secret but a few characters."""
    query = f"a=1&{part}&b=2"
    secret = part.partition("=")[2]
    for max_chars in range(len(query) + 1):
        shown = redact_query(query, max_chars)
        pieces = {secret[i : i + MIN_LEAK_CHARS] for i in range(len(secret) - MIN_LEAK_CHARS)}
        values = [one.partition("=")[2] for one in shown.split("&")]
        assert not [piece for piece in pieces if any(piece in value for value in values)], shown


def test_a_line_of_the_access_log_is_bounded(capfd: pytest.CaptureFixture[str]) -> None:
    request = Request("GET", ("/score", "token=abc&" + "x" * 8000), [])
    AccessLog(Console(guarded=False)).write(request, 200, 0.0015, "2")
    [line] = capfd.readouterr().out.splitlines()
    assert line.endswith(" - GET /score?token=***&... 200 1.500ms 2")
