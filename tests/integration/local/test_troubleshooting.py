"""docs/troubleshooting.md, from its first command to its last, as somebody follows it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents import CONSOLE, Reader, answers, blocks, commands

pytestmark = pytest.mark.usefixtures("default_port")

DOCUMENT = Path(__file__).parents[3] / "docs/troubleshooting.md"
DEPLOY = "fairlead local deploy "


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    (tmp_path / "work").mkdir()
    places = {"XDG_STATE_HOME": "state", "XDG_CACHE_HOME": "cache"}
    environ = {name: str(tmp_path / folder) for name, folder in places.items()}
    editor = {"EDITOR": "sed -i s/answer/prediction/", "VISUAL": ""}  # as the document says
    one = Reader(tmp_path / "work", environ | editor)
    yield one
    one.run("fairlead local delete --all")


def test_the_document_does_what_it_says(reader: Reader) -> None:
    """But for what needs a cluster: tests/e2e/test_troubleshooting.py does that."""
    done = 0
    for block in blocks(DOCUMENT):
        if block.is_file:
            reader.save(block)
        elif block.language == CONSOLE and not block.about:
            for command, expected in commands(block):
                got = reader.run(command, *(["--no-container"] * command.startswith(DEPLOY)))
                where = f"{DOCUMENT.name}:{block.line}: $ {command}\n"
                assert answers(expected, got), f"{where}{expected}\n-- and not --\n{got}"
                done += 1
    assert done >= 20
    assert "There is no local web service" in reader.run("fairlead local ls")
