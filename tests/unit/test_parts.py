"""What ``python -m tests`` makes of a part in which tests failed."""

import re
from pathlib import Path

import pytest

from tests.__main__ import (
    AT_AN_API_SERVER,
    BESIDE_OPERATORS,
    CHANGING_DEFINITIONS,
    MAX_RUN_AGAIN,
    NOT_COUNTED,
    OWN_OPERATORS,
    UNDER_THE_INSTALLED,
    Kind,
    part,
)
from tests.branch_coverage import TESTS
from tests.cluster.steps import Steps

FAILS_ONCE = """
from pathlib import Path
def test_well(): pass
def test_once():
    seen = Path({seen!r})
    if not seen.exists():
        seen.touch()
        raise AssertionError("a limit that is none on a quiet machine")
"""
FAILS = "def test_well(): pass\ndef test_never(): raise AssertionError('as it is')\n"
MANY = "import pytest\n@pytest.mark.parametrize('n', range({n}))\ndef test_n(n): assert n < 0\n"


def outcome(folder: Path, tests: str) -> bool:
    (folder / "test_it.py").write_text(tests)
    with Steps() as steps, part("of a try", str(folder), kind=Kind()) as running:
        return running.end(steps)


def test_what_failed_by_chance_is_run_again_alone_and_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert outcome(tmp_path, FAILS_ONCE.format(seen=str(tmp_path / "seen")))
    shown = capfd.readouterr().out
    assert "1 failed, 1 passed" in shown
    assert "1 passed, 1 deselected" in shown or "run-last-failure" in shown
    assert "Tests of a try: passed, 1 of them the second time: test_it.py::test_once" in shown


def test_what_fails_twice_has_failed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert not outcome(tmp_path, FAILS)
    shown = capfd.readouterr().out
    assert "Tests of a try: failed, exit code 1" in shown
    _, _, end = shown.rpartition("Tests of a try: ")
    assert "E   AssertionError: as it is" in end
    assert "test_it.py::test_never" in end


def test_many_failures_are_no_chance(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert not outcome(tmp_path, MANY.format(n=MAX_RUN_AGAIN + 1))
    assert "once more" not in capfd.readouterr().out


def test_what_cannot_be_collected_has_failed(tmp_path: Path) -> None:
    assert not outcome(tmp_path, "import nothing_of_this_name\n")


def test_every_test_is_in_a_part() -> None:
    tests = Path(__file__).parents[1]
    checkout = tests.parent
    ignored = {one.removeprefix("--ignore=") for one in TESTS if one.startswith("--")}
    counted = (one for one in TESTS if not one.startswith("--"))
    taken = [*(one for one in NOT_COUNTED if not one.startswith("--")), *AT_AN_API_SERVER, *counted]
    for file in tests.rglob("test_*.py"):
        path = file.relative_to(checkout)
        assert any(path.is_relative_to(one) for one in taken), path
    assert ignored < set(NOT_COUNTED)  # what one part leaves out is in the other


def test_what_has_an_api_server_of_its_own_runs_there_alone() -> None:
    within = [
        one
        for one in AT_AN_API_SERVER
        if any(Path(one).is_relative_to(other) for other in NOT_COUNTED)
    ]
    assert within
    assert {f"--ignore={one}" for one in within} <= set(NOT_COUNTED)


def test_every_test_that_asks_for_the_cluster_is_in_a_part_that_has_one() -> None:
    """By the fixtures of ``tests/conftest.py`` that stand for it, in tests and in fixtures."""
    asks = re.compile(r"[(,\s](?:cluster|operator_image|buildkit): (?:Cluster|str)\b")
    checkout = Path(__file__).parents[2]
    taken = (
        *UNDER_THE_INSTALLED,
        *BESIDE_OPERATORS,
        *OWN_OPERATORS,
        *CHANGING_DEFINITIONS,
    )
    files = [
        *checkout.glob("tests/*/**/test_*.py"),
        *checkout.glob("tests/*/**/conftest.py"),
    ]
    asking = [path.relative_to(checkout) for path in files if asks.search(path.read_text())]
    assert len(asking) > 20
    assert [path for path in asking if not any(path.is_relative_to(one) for one in taken)] == []
