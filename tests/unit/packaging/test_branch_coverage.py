"""The table of branch coverage: what it counts, and when it says no."""

import pytest

from tests.branch_coverage import Package, packages, problems, table
from tests.unit.packaging import project


def summary(statements: tuple[int, int], branches: tuple[int, int]) -> dict[str, dict[str, int]]:
    (num_statements, covered_lines), (num_branches, covered_branches) = statements, branches
    counts = {"num_statements": num_statements, "covered_lines": covered_lines}
    return {
        "summary": {**counts, "num_branches": num_branches, "covered_branches": covered_branches}
    }


FILES = {
    "operator/fairlead/__init__.py": summary((0, 0), (0, 0)),
    "operator/fairlead/decide/model.py": summary((10, 10), (4, 1)),
    "operator/fairlead/decide/image/build.py": summary((10, 5), (6, 4)),
    "operator/fairlead/errors.py": summary((4, 3), (0, 0)),
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
