"""The documents say what the code says."""

import inspect
import re
from pathlib import Path

import pytest

from fairlead.api import reasons
from fairlead.api.reasons import Reason
from fairlead.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"


def reasons_in_code() -> dict[str, str]:
    """Each reason with the comment behind it."""
    source = inspect.getsource(reasons)
    return dict(re.findall(r'^    [A-Z_]+ = "(\w+)"  # (.+)$', source, re.MULTILINE))


def rows(file: str) -> dict[str, list[str]]:
    """The rows of every table in a document, by their first cell."""
    lines = (DOCS / file).read_text().splitlines()
    cells = [line.strip("|").split(" | ") for line in lines if line.startswith("| `")]
    return {row[0].strip(" `"): [cell.strip() for cell in row[1:]] for row in cells}


def test_every_reason_has_its_comment() -> None:
    assert set(reasons_in_code()) == {reason.value for reason in Reason}


def test_every_reason_is_documented_in_the_same_words() -> None:
    documented = {name: cells[0] for name, cells in rows("reasons.md").items()}
    assert documented == reasons_in_code()


def described(name: str) -> str:
    field = Settings.model_fields[name]
    return " ".join((field.description or "").split())


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_in_the_same_words(name: str) -> None:
    documented = rows("settings.md")[f"FAIRLEAD_{name.upper()}"]
    assert documented[1] == described(name)


def test_no_setting_is_documented_that_does_not_exist() -> None:
    assert set(rows("settings.md")) == {
        f"FAIRLEAD_{name.upper()}" for name in Settings.model_fields
    }
