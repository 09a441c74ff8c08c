"""What a web server answers in a file's place, told by its status, kind and first bytes."""

import pytest

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.sources.answers import is_page, may_be_page, not_a_file, page, words

WHAT = "https://h/m"


@pytest.mark.parametrize(
    ("status", "reason", "class_"),
    [
        (404, Reason.MODEL_SOURCE_NOT_FOUND, FailureClass.USER),
        (410, Reason.MODEL_SOURCE_NOT_FOUND, FailureClass.USER),
        (401, Reason.MODEL_SOURCE_DENIED, FailureClass.AUTH),
        (403, Reason.MODEL_SOURCE_DENIED, FailureClass.AUTH),
        (409, Reason.MODEL_SOURCE_DENIED, FailureClass.USER),
        (499, Reason.MODEL_SOURCE_DENIED, FailureClass.USER),
        (429, Reason.MODEL_SOURCE_UNREACHABLE, FailureClass.NETWORK),
        (503, Reason.MODEL_SOURCE_UNREACHABLE, FailureClass.NETWORK),
        (599, Reason.MODEL_SOURCE_UNREACHABLE, FailureClass.NETWORK),
        (206, Reason.MODEL_SOURCE_UNREACHABLE, FailureClass.NETWORK),
    ],
)
def test_each_status_has_its_reason(status: int, reason: Reason, class_: FailureClass) -> None:
    error = not_a_file(WHAT, status, "text/plain", b"said")
    assert (error.reason, error.class_, error.retryable) == (reason, class_, True)
    assert str(error).startswith(f"{WHAT} answers {status}")
    assert '("said")' in str(error)


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("text/plain", b"", ""),
        ("text/plain", b"Not today.\n", ' ("Not today")'),
        ("text/html", b"<html><title>Sign in</title>", ' ("Sign in")'),
        ("text/html", b"<html>", ""),
        ("application/xml", b"<Error><Message>Denied.</Message></Error>", ' ("Denied")'),
        ("application/json", b'{"message": "no"}', ' ("no")'),
        ("application/json", b'{"error": {"message": "inner"}, "detail": "x"}', ' ("inner")'),
        ("application/json", b'{"error": "plain"}', ' ("plain")'),
        ("application/json", b'{"a": 1}', ""),
        ("application/json", b'{"a', ' ("{"a")'),
        ("text/plain", b"\xff\xfe", ""),
        ("text/plain", b"cut \xc3", ' ("cut")'),
        ("text/plain", b"cut \xc3 in the middle of it", ""),
    ],
)
def test_what_the_server_says_is_found(kind: str, body: bytes, said: str) -> None:
    assert words(kind, body) == said


def test_a_page_is_one_by_its_kind_and_its_beginning() -> None:
    assert may_be_page("text/html; charset=utf-8")
    assert not may_be_page("application/octet-stream")
    assert is_page(b"\xef\xbb\xbf\n<!DOCTYPE html>")
    assert not is_page(b"\x80\x04pickle")
    assert str(page(WHAT, b"<html>")).startswith(f"{WHAT} answers with a web page and not")
