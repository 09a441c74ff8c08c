"""Documents whose examples are run: blocks of code with what stands behind their language.

``python score.py`` is a file; ``console`` holds commands behind `$`, each with what it answers, in
which `…` stands for anything, and blanks and line ends count alike.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANYTHING = "…"


@dataclass(frozen=True)
class Block:
    """``about``: the word behind the language."""

    language: str
    about: str
    text: str
    line: int


def blocks(document: Path) -> Iterator[Block]:
    text = document.read_text()
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(found[1], found[2] or "", found[3], line)


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """Each command with the answer that is expected."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, answer = part.partition("\n")
        yield command, answer


def answers(expected: str, got: str) -> bool:
    """Whether ``got`` is what stands there."""
    parts = [re.escape(_plain(part)) for part in expected.split(ANYTHING)]
    pattern = r"\s*" + r".*?".join(rf"\s*{part}\s*" if part else "" for part in parts) + r"\s*"
    return re.fullmatch(pattern, _plain(got), re.DOTALL) is not None


def _plain(text: str) -> str:
    return " ".join(text.split())
