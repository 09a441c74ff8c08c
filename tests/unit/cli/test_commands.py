"""Small parts of the commands."""

import io
import json
import sys
from pathlib import Path

import pytest
import typer

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.cli.local_commands import (
    _cut,
    _last,
    absolute_model,
    body_of,
    could_be_a_name,
)
from fairlead.cli.output import pairs, table, write
from fairlead.cli.progress import Progress
from fairlead.cli.service_options import variables_of
from fairlead.cli.told import code_of, columns, finding_lines
from fairlead.local.errors import refusal


def test_a_table_is_as_wide_as_it_must_be() -> None:
    assert table(("A", "BB"), [("aaa", "b"), ("a", "")]) == ["A     BB", "aaa   b", "a"]
    assert pairs([("A", "1"), ("Long", "2"), ("None", "")]) == ["A:     1", "Long:  2"]


def test_forms(capsys: pytest.CaptureFixture[str]) -> None:
    write({"ä": [1]}, "yaml")
    write({"ä": [1]}, "json")
    assert capsys.readouterr().out == 'ä:\n- 1\n{\n  "ä": [\n    1\n  ]\n}\n'


def test_json_holds_nothing_that_a_terminal_heeds(capsys: pytest.CaptureFixture[str]) -> None:
    write({"a": "\x1b[2J\x9b1m\u202e"}, "json")
    write({"a": "\x1b[2J\x9b1m\u202e"}, "yaml")
    out = capsys.readouterr().out
    assert json.loads(out.partition("a: ")[0]) == {"a": "\x1b[2J\x9b1m\u202e"}
    assert not set(out) & set("\x1b\x9b\u202e")


@pytest.mark.parametrize(
    ("class_", "reason", "code"),
    [
        (FailureClass.USER, Reason.PORT_TAKEN, 1),
        (FailureClass.INFRASTRUCTURE, Reason.ENGINE_UNREACHABLE, 3),
        (FailureClass.NETWORK, Reason.PACKAGE_INDEX_UNREACHABLE, 3),
        (FailureClass.USER, Reason.SERVICE_NOT_FOUND, 4),
    ],
)
def test_exit_codes(class_: FailureClass, reason: Reason, code: int) -> None:
    assert code_of(refusal(reason, "", "", class_)) == code


def test_a_finding_in_colours_has_a_red_reason_and_the_end_of_the_log() -> None:
    failure = {"reason": "R", "message": "m", "logTail": "\n".join(map(str, range(40)))}
    lines = list(finding_lines(failure, 80, coloured=True))
    assert lines[0] == f"{typer.style('R', fg='red', bold=True)}: m"
    assert lines[1:3] == ["  Log:", "    10"]
    assert list(finding_lines({"reason": "R", "message": "m"}, 80, coloured=False)) == ["R: m"]


def test_columns_are_those_of_the_terminal_within_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    for said, taken in (("60", 60), ("10", 40), ("500", 100)):
        monkeypatch.setenv("COLUMNS", said)
        assert columns() == taken


def test_progress_without_a_terminal_is_a_line_for_each_phase() -> None:
    out = io.StringIO()
    with Progress(verbose=False, stream=out) as progress:
        progress.phase("packages")
        progress.write("Collecting numpy")
        progress.write("Warning: mind the gap")
    assert out.getvalue() == "Installing packages ...\nWarning: mind the gap\n"


def test_progress_tells_all_or_nothing() -> None:
    out = io.StringIO()
    with Progress(verbose=True, stream=out) as progress:
        progress.write("Collecting numpy\nand scipy")
    with Progress(verbose=True, stream=out, quiet=True) as progress:
        progress.phase("packages")
        progress.write("Warning: nobody reads this")
    assert out.getvalue() == "  Collecting numpy\n  and scipy\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal_is_one_living_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    with Progress(verbose=False, stream=out) as progress:
        progress.phase("packages")
        progress.write("Collecting [numpy]")
        progress.write("Warning: mind the gap")
    assert "mind the gap" in out.getvalue()
    assert progress.seconds >= 0


def test_the_last_lines_of_a_log() -> None:
    pieces = [b"1\n2\n3\n", b"4\n"]
    assert list(_last(pieces, None)) == pieces
    assert list(_cut(pieces, 2)) == [b"2\n3\n", b"4\n"]
    assert list(_cut(pieces, 0)) == [b"", b"4\n"]


def test_a_body_is_an_argument_a_file_or_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.json").write_bytes(b"{}")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"in")))
    assert body_of("[1]", None) == b"[1]"
    assert body_of(None, tmp_path / "a.json") == b"{}"
    assert body_of("-", None) == b"in"
    monkeypatch.setattr(sys, "stdin", Terminal())
    with pytest.raises(typer.BadParameter):
        body_of(None, None)


def test_what_may_be_a_name_and_what_is_a_body() -> None:
    assert could_be_a_name("credit-2")
    assert not any(map(could_be_a_name, ('{"a": 1}', "[1]", "no name", "a.b")))


def test_a_models_path_is_taken_from_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute_model("m.pkl") == f"m.pkl={tmp_path}/m.pkl"
    assert absolute_model("credit=m.pkl") == f"credit={tmp_path}/m.pkl"


def test_variables() -> None:
    assert variables_of(["A=1", "B=x=y", "C="]) == {"A": "1", "B": "x=y", "C": ""}
    with pytest.raises(typer.BadParameter):
        variables_of(["=1"])
