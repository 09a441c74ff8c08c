"""docs/reliability.md: every row is there, says how far it holds, and names tests that exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
ROWS = [f"R{number}" for number in range(1, 25)] + [f"S{number}" for number in range(1, 18)]
TEST = re.compile(r"`(tests/[^`\s]+\.py)::(\w+)`")
RESULT = re.compile(r"\*\*(Holds|In part|Not yet)\*\*: \S.+\.")


def table() -> dict[str, list[str]]:
    """Each row's fault, result and tests."""
    lines = (CHECKOUT / "docs/reliability.md").read_text().splitlines()
    cells = [line.strip("| ").split(" | ") for line in lines if re.match(r"\| [RS]\d", line)]
    assert len({row[0] for row in cells}) == len(cells)
    return {row[0]: row[1:] for row in cells}


@cache
def functions_of(file: str) -> frozenset[str]:
    path = CHECKOUT / file
    tree = ast.parse(path.read_text()) if path.is_file() else ast.Module([], [])
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions))


def test_every_row_is_there_in_its_order() -> None:
    assert list(table()) == ROWS


@pytest.mark.parametrize("row", ROWS)
def test_a_row_names_tests_that_exist_and_says_what_they_show(row: str) -> None:
    _, result, shown_by = table()[row]
    said = RESULT.fullmatch(result)
    named = TEST.findall(shown_by)
    assert said, "the result is Holds, In part or Not yet, and a sentence"
    assert named or said[1] == "Not yet", "no test shows it"
    assert len(named) == shown_by.count("::"), "a test is not written as `path::name`"
    assert [f"{file}::{name}" for file, name in named if name not in functions_of(file)] == []


def test_what_does_not_exist_is_seen() -> None:
    assert functions_of("tests/unit/no_such_test.py") == frozenset()
    assert "test_what_does_not_exist_is_seen" in functions_of(
        "tests/unit/test_reliability_table.py"
    )
