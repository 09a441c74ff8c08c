"""A log that comes in pieces shows no secret, wherever the pieces are cut."""

import pytest

from fairlead.logs.redacted_lines import MAX_HELD_CHARS, RedactedLines

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nq8Vv/x\n-----END RSA PRIVATE KEY-----\n"
LOG = f"begun größer\ntoken=hunter2\n{KEY}over\n"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 20, 1000])
def test_secrets_are_hidden_wherever_it_is_cut(size: int) -> None:
    lines, content = RedactedLines(), LOG.encode()
    pieces = [lines.feed(content[at : at + size]) for at in range(0, len(content), size)]
    text = "".join(pieces) + lines.finish()
    assert text == "begun größer\ntoken=***\n***\nover\n"


def test_a_line_is_shown_once_it_is_whole() -> None:
    lines = RedactedLines()
    assert [lines.feed(b"half a"), lines.feed(b" line\nand"), lines.finish()] == [
        "",
        "half a line\n",
        "and",
    ]


@pytest.mark.parametrize("endless", [2 * MAX_HELD_CHARS * "x", KEY[:32] + MAX_HELD_CHARS * "x\n"])
def test_what_never_ends_is_not_held_for_ever(endless: str) -> None:
    lines = RedactedLines()
    assert lines.feed(endless.encode())
    assert lines.finish() == ""


def test_what_is_no_text_is_made_one() -> None:
    lines = RedactedLines()
    assert lines.feed(b"a\xff\n") + lines.feed(b"\xc3") + lines.finish() == "a\ufffd\n\ufffd"
