"""``Dockerfile.steps`` taken apart into instructions, as the classic builder would read it.

Each comes back as one physical line, so that nothing in it can reach the instruction after it.
Source: the parser of moby/buildkit, ``frontend/dockerfile/parser/parser.go``.
"""

import re
from dataclasses import dataclass

_CONTINUED = re.compile(r"\\[ \t]*$")


@dataclass(frozen=True)
class Instruction:
    """``keyword`` in capitals; ``arguments`` on one line; ``line`` is the first of the user's."""

    line: int
    keyword: str
    arguments: str

    def __str__(self) -> str:
        return f"{self.keyword} {self.arguments}".rstrip()


def instructions(text: str) -> list[Instruction]:
    """Return the instructions of ``text``: comments dropped, continued lines joined.

    A last line that ends in a backslash keeps it: nothing follows that it could join.
    """
    found, parts, first = list[Instruction](), list[str](), 0
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue  # also between continued lines
        first = first if parts else number
        continued = _CONTINUED.search(line)
        parts.append(line[: continued.start()] if continued else line)
        if not continued:
            found.append(_instruction(first, "".join(parts)))
            parts = []
    if parts:
        found.append(_instruction(first, "".join(parts) + "\\"))
    return found


def _instruction(line: int, text: str) -> Instruction:
    keyword, *arguments = text.split(maxsplit=1) or [""]
    return Instruction(line, keyword.upper(), "".join(arguments).strip())
