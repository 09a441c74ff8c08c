"""docs/troubleshooting.md, from its first command to its last, as somebody follows it."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents import answers, blocks, commands

DOCUMENT = Path(__file__).parents[3] / "docs/troubleshooting.md"
PROGRAMS = {"fairlead": str(Path(sys.executable).with_name("fairlead")), "sed": "sed"}
DEADLINE_S = 300


class Reader:
    """Somebody with an empty folder, and a state of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environ = {
            **os.environ,
            "COLUMNS": "100",
            "XDG_STATE_HOME": str(folder.parent / "state"),
            "XDG_CACHE_HOME": str(folder.parent / "cache"),
        }

    def run(self, command: str) -> str:
        """What it prints, on both ways."""
        program, *words = shlex.split(command)
        if words[:2] == ["local", "deploy"]:
            words.append("--no-container")
        return subprocess.run(
            [PROGRAMS[program], *words],
            cwd=self.folder,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        ).stdout


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    (tmp_path / "work").mkdir()
    one = Reader(tmp_path / "work")
    yield one
    one.run("fairlead local delete --all")


def test_the_document_does_what_it_says(reader: Reader) -> None:
    done = 0
    for block in blocks(DOCUMENT):
        if block.about:
            (reader.folder / block.about).write_text(block.text)
        if block.language != "console":
            continue
        for command, expected in commands(block):
            got = reader.run(command)
            where = f"{DOCUMENT.name}:{block.line}: $ {command}\n"
            assert answers(expected, got), f"{where}{expected}\n-- and not --\n{got}"
            done += 1
    assert done >= 20
    assert "There is no local web service" in reader.run("fairlead local ls")
