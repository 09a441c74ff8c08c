"""The operator's log: whatever is in a value, a line is one decision of ours."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from fairlead import operator_log
from fairlead.operator_log import MAX_VALUE_CHARS, CleanFormatter, configure

FORGED = "score.py:1\n10:03:11 webservice other/innocent gen=4  Ready True Serving"
HOSTILE = [
    pytest.param(FORGED, id="a line of its own"),
    pytest.param(FORGED.replace("\n", "\r"), id="carriage return"),
    pytest.param(FORGED.replace("\n", "\u2028"), id="line separator"),
    pytest.param(FORGED.replace("\n", "\x85"), id="next line"),
    pytest.param(FORGED.replace("\n", "\x0b"), id="vertical tab"),
    pytest.param("\x1b[2J\x1b[31mgone", id="colours"),
    pytest.param("\x1b]0;title\x07", id="title"),
    pytest.param("a\x00b\x08c\u202ed", id="control characters and marks"),
    pytest.param("https://me:hunter2@h.example/x?sig=hunter2", id="secrets"),
    pytest.param("password=hunter2", id="password"),
]


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    """What was logged; afterwards structlog logs as it did before."""
    yield io.StringIO()
    structlog.reset_defaults()


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("where", ["event", "object", "location"])
def test_no_value_is_more_than_a_part_of_its_line(
    out: io.StringIO, form: str, value: str, where: str
) -> None:
    configure(form, out)
    said = {"event": "Ready", "object": "demo/credit", "location": "score.py:1", where: value}
    structlog.get_logger().info(said.pop("event"), **said)
    logged = out.getvalue()
    assert len(logged.splitlines()) == 1
    assert logged.removesuffix("\n").isprintable()
    assert "hunter2" not in logged


def test_a_line_of_text_begins_with_the_object(out: io.StringIO) -> None:
    configure("text", out)
    structlog.get_logger().info(
        "Ready", kind="webservice", object="demo/credit", generation=4, status="True"
    )
    assert out.getvalue()[8:] == " webservice demo/credit gen=4  Ready True\n"


def test_json_keeps_numbers_and_truth(out: io.StringIO) -> None:
    configure("json", out)
    structlog.get_logger().warning("m", generation=4, seconds=1.5, done=True, nothing=None)
    line = json.loads(out.getvalue())
    assert (line["generation"], line["seconds"], line["done"], line["nothing"]) == (
        4,
        1.5,
        True,
        None,
    )
    assert line["level"] == "warning"


def test_a_value_without_end_is_cut(out: io.StringIO) -> None:
    configure("text", out)
    structlog.get_logger().info("m", why=100_000 * "x")
    assert len(out.getvalue()) < MAX_VALUE_CHARS + 100


def fail(message: str) -> None:
    raise ValueError(message)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_is_whole_and_begins_no_line(out: io.StringIO, form: str) -> None:
    configure(form, out)
    try:
        fail(f"{FORGED}\npassword=hunter2")
    except ValueError:
        structlog.get_logger().exception("internal error", object="demo/credit")
    first, *others = out.getvalue().splitlines()
    assert "internal error" in first
    assert "Traceback (most recent call last):" in out.getvalue()
    assert "test_operator_log.py" in out.getvalue()
    assert "hunter2" not in out.getvalue()
    assert all(line.startswith("    ") for line in others)


def test_what_libraries_log_begins_no_line_either() -> None:
    formatter = CleanFormatter("%(name)s %(message)s")
    try:
        fail(FORGED)
    except ValueError:
        record = logging.LogRecord(
            "kopf", logging.ERROR, "f", 1, "%s \x1b[31m", (FORGED,), sys.exc_info()
        )
    first, *others = formatter.format(record).split("\n")
    assert first == "kopf score.py:1"
    assert "Traceback (most recent call last):" in "\n".join(others)
    assert all(line.startswith("    ") for line in others)


def test_libraries_log_from_warnings_up(out: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    configure("text", out)
    logging.getLogger("kopf").info("chatter")
    logging.getLogger("kopf").warning("something")
    assert out.getvalue().endswith("kopf something\n")
    assert len(out.getvalue().splitlines()) == 1


def test_every_key_that_may_have_several_lines_is_indented() -> None:
    said = operator_log.as_text(None, "", {"event": "e", "traceback": "a\nb", "exception": "c"})
    assert said.strip().split("\n") == ["e", "    c", "    a", "    b"]
