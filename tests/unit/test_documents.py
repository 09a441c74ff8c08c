"""The reader of documents whose examples are run."""

from pathlib import Path

import pytest

from tests.documents import Block, answers, blocks, commands


def test_blocks_and_commands(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text("# A\n\n```python a.py\nx = 1\n```\n\n```console\n$ one\n1\n$ two\n```\n")
    assert list(blocks(document)) == [
        Block("python", "a.py", "x = 1\n", 3),
        Block("console", "", "$ one\n1\n$ two\n", 7),
    ]
    assert list(commands(list(blocks(document))[1])) == [("one", "1\n"), ("two", "")]


@pytest.mark.parametrize(
    ("expected", "got", "fits"),
    [
        ("", "", True),
        ("", "something", False),
        ("…\nlast\n", "first\nlast\n", True),
        ("serves (… s).\n…", "serves (1.5 s).\nTry it\n", True),
        ("a b", "a\n   b", True),
        ("a", "a b", False),
        ("… a.c", "x abc", False),
    ],
)
def test_answers(expected: str, got: str, fits: bool) -> None:  # noqa: FBT001
    assert answers(expected, got) is fits
