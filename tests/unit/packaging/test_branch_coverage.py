"""The table of branch coverage: what it counts, and when it says no."""

import pytest

from tests.branch_coverage import Package, packages, problems, table
from tests.unit.packaging import project


def counts(statements: tuple[int, int], branches: tuple[int, int]) -> dict[str, list[object]]:
    """Of each how many there are, and how many of them were run."""
    ran: dict[str, list[object]] = {}
    for what, (all_, run) in {"lines": statements, "branches": branches}.items():
        ran |= {f"executed_{what}": [1] * run, f"missing_{what}": [1] * (all_ - run)}
    return ran


FILES = {
    "operator/fairlead/__init__.py": counts((0, 0), (0, 0)),
    "operator/fairlead/decide/model.py": counts((10, 10), (4, 1)),
    "operator/fairlead/decide/image/build.py": counts((10, 5), (6, 4)),
    "operator/fairlead/errors.py": counts((4, 3), (0, 0)),
}
MEASURED = [Package("decide", 20, 15, 10, 5), Package("errors", 4, 3, 0, 0)]


def test_files_count_for_the_package_they_lie_in() -> None:
    assert packages(FILES) == MEASURED
    assert [package.branch_rate for package in MEASURED] == [50.0, 75.0]


@pytest.mark.parametrize(
    ("floors", "said"),
    [
        ({"decide": 50, "errors": 75}, []),
        (
            {"decide": 51, "errors": 75},
            ["decide: 50.0 % of its branches were run, its floor is 51 %"],
        ),
        ({"decide": 50}, ["errors has no floor"]),
        ({"decide": 50, "errors": 0, "gone": 1}, ["there is no package gone"]),
    ],
)
def test_it_says_what_is_to_be_mended(floors: dict[str, float], said: list[str]) -> None:
    assert problems(MEASURED, floors) == said


def test_it_prints_a_line_for_each_package() -> None:
    assert list(table(MEASURED, {"decide": 45})) == [
        "package          statements  branches    of  floor",
        "decide               75.0 %    50.0 %    10     45",
        "errors               75.0 %    75.0 %     0   none",
    ]


def test_every_package_on_disk_has_a_floor() -> None:
    """``make coverage`` says so too; this says it within seconds."""
    assert set(project.pyproject()["tool"]["fairlead"]["branch-coverage"]) == project.packages()
