"""Documents whose examples are run: blocks of code with what stands behind their language.

``python score.py`` is a file; ``console`` holds commands behind `$`, each with what it answers, in
which `…` stands for anything, and blanks and line ends count alike.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANYTHING = "…"
CONSOLE = "console"
OURS = {"fairlead": str(Path(sys.executable).with_name("fairlead")), "sed": "sed", "grep": "grep"}
DEADLINE_S = 300.0


@dataclass(frozen=True)
class Block:
    """``about``: the word behind the language."""

    language: str
    about: str
    text: str
    line: int

    @property
    def is_file(self) -> bool:
        return bool(self.about) and self.language != CONSOLE


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


@dataclass(frozen=True)
class Reader:
    """Somebody with a folder, who types what stands in a document; ``programs``: where each is."""

    folder: Path
    environ: Mapping[str, str]
    programs: Mapping[str, str] = field(default_factory=lambda: OURS)
    deadline_s: float = DEADLINE_S

    def save(self, block: Block) -> None:
        (self.folder / block.about).write_text(block.text)

    def run(self, command: str, *more: str) -> str:
        """What it prints, on both ways."""
        program, *words = shlex.split(command)
        return subprocess.run(
            [self.programs[program], *words, *more],
            cwd=self.folder,
            env={**os.environ, "COLUMNS": "100", **self.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=self.deadline_s,
            check=False,
        ).stdout
