"""The documents say what the code says."""

import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

from fairlead.api import reasons
from fairlead.api.attribute_docstrings import attribute_docstrings
from fairlead.api.reasons import Reason
from fairlead.settings import Settings
from fairlead_scoring.front.config import read_limits, settings
from fairlead_scoring.front.http.router import ROUTES
from fairlead_scoring.front.queue import admission
from fairlead_scoring.front.queue.admission import RejectionReason
from fairlead_scoring.front.slots import in_flight
from fairlead_scoring.front.slots.in_flight import Outcome
from fairlead_scoring.front.slots.restart_backoff import MAX_CONSECUTIVE_EXITS

FRONT = Path(settings.__file__).parents[1]
DOCS = Path(__file__).parents[2] / "docs"


def reasons_in_code(module: ModuleType = reasons) -> dict[str, str]:
    """Each reason with the comment behind it."""
    source = inspect.getsource(module)
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


DOCSTRINGS = attribute_docstrings(Settings)


def described(name: str) -> str:
    return " ".join(DOCSTRINGS[name].split())


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_in_the_same_words(name: str) -> None:
    documented = rows("settings.md")[f"FAIRLEAD_{name.upper()}"]
    assert documented[1] == described(name)


def test_no_setting_is_documented_that_does_not_exist() -> None:
    assert set(rows("settings.md")) == {
        f"FAIRLEAD_{name.upper()}" for name in Settings.model_fields
    }


def test_every_refusal_and_outcome_of_the_runtime_is_documented_in_the_same_words() -> None:
    documented = {name: cells[0] for name, cells in rows("scoring.md").items()}
    in_code = reasons_in_code(admission) | reasons_in_code(in_flight)
    assert set(in_code) == {
        *map(str.lower, RejectionReason.__members__),
        *map(str.lower, Outcome.__members__),
    }
    assert {name: documented.get(name) for name in in_code} == in_code
    assert f"at least {MAX_CONSECUTIVE_EXITS} times in a row" in documented["crashing"]


def variables_in_code() -> set[str]:
    """Every variable that the runtime's front asks the environment for."""
    source = "".join(path.read_text() for path in FRONT.rglob("*.py"))
    names = set(
        re.findall(r'"((?:FAIRLEAD|AZUREML|AML|SERVICE|SERVER|SCORING|WORKER)_[A-Z_]+)"', source)
    )
    source = (FRONT.parent / "slot" / "layout.py").read_text()
    names |= set(re.findall(r'"((?:AZUREML|AML)_[A-Z_]+)"', source))
    made_for_scripts, prefix = {"SERVER_PORT"}, {"FAIRLEAD_"}
    return (names | {"HEALTH_PORT", "SEPERATE_HEALTH_ENDPOINT"}) - (made_for_scripts | prefix)


def test_every_variable_of_the_runtime_is_documented() -> None:
    documented = {name.rstrip("` †") for name in rows("scoring.md") if name.upper() == name}
    assert {name for name in documented if not name.startswith("/")} == variables_in_code()


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("FAIRLEAD_PORT", settings.PORT),
        ("HEALTH_PORT", settings.HEALTH_PORT),
        ("SCORING_TIMEOUT_MS", settings.SCORING_TIMEOUT_MS),
        ("FAIRLEAD_MAX_BODY_MB", read_limits.MAX_BODY_MB),
        ("FAIRLEAD_BODY_BUDGET_MB", read_limits.BODY_BUDGET_MB),
        ("FAIRLEAD_HEAD_SECONDS", read_limits.HEAD_TIMEOUT_S),
        ("FAIRLEAD_BODY_SECONDS", read_limits.BODY_TIMEOUT_S),
        ("FAIRLEAD_WRITE_SECONDS", read_limits.WRITE_TIMEOUT_S),
        ("FAIRLEAD_INIT_WARNING_SECONDS", settings.INIT_WARNING_S),
        ("FAIRLEAD_DRAIN_SECONDS", settings.DRAIN_S),
        ("FAIRLEAD_TERMINATION_LOG", settings.TERMINATION_LOG),
    ],
)
def test_the_defaults_of_the_runtime_are_documented(name: str, default: object) -> None:
    said = f"{default:g}" if isinstance(default, float) else str(default)
    assert rows("scoring.md")[name][0].strip("`") == said


def test_every_route_of_the_runtime_is_documented() -> None:
    assert {name for name in rows("scoring.md") if name.startswith("/")} >= set(ROUTES)
