"""Branch coverage of the operator by its unit and golden tests, with a floor for each package.

``python -m tests.branch_coverage`` runs these tests, prints one line for each package and ends with
1 where a test fails or a package is below its floor. The floors are in ``pyproject.toml``, under
``[tool.fairlead.branch-coverage]``: raise one when you have raised what it bounds.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.counted_pytest import CHECKOUT, OPERATOR

TESTS = (
    *("tests/unit", "tests/golden"),
    *(
        "--ignore=tests/unit/scoring",
        "--ignore=tests/unit/benchmarks",
        "--ignore=tests/unit/cluster",
        "--ignore=tests/unit/faults",
        "--ignore=tests/unit/test_regular_expressions.py",
    ),
)


@dataclass(frozen=True)
class Package:
    """How much of one package was run; counts of statements and of branches."""

    name: str
    statements: int
    statements_run: int
    branches: int
    branches_run: int

    @property
    def statement_rate(self) -> float:
        return _rate(self.statements_run, self.statements)

    @property
    def branch_rate(self) -> float:
        """Percent; of the statements where there is no branch."""
        if not self.branches:
            return self.statement_rate
        return _rate(self.branches_run, self.branches)


def _rate(run: int, there_are: int) -> float:
    return 100.0 * run / there_are if there_are else 100.0


def packages(files: Mapping[str, Any]) -> list[Package]:
    """Sum slipcover's lists, file by file, up to the packages and modules right below fairlead."""
    sums: dict[str, list[int]] = {}
    for path, file in files.items():
        name = Path(path).relative_to(OPERATOR).parts[0].removesuffix(".py")
        counts = [*_all_and_run(file, "lines"), *_all_and_run(file, "branches")]
        sums[name] = [a + b for a, b in zip(sums.get(name, [0] * 4), counts, strict=True)]
    return [Package(name, *counts) for name, counts in sorted(sums.items()) if name != "__init__"]


def _all_and_run(file: Mapping[str, Sequence[object]], what: str) -> tuple[int, int]:
    run = len(file[f"executed_{what}"])
    return run + len(file[f"missing_{what}"]), run


def problems(measured: Iterable[Package], floors: Mapping[str, float]) -> list[str]:
    """What has to be mended: in the tests, or in the table of floors."""
    rates = {package.name: package.branch_rate for package in measured}
    return [
        *(f"{name} has no floor" for name in sorted(rates.keys() - floors.keys())),
        *(f"there is no package {name}" for name in sorted(floors.keys() - rates.keys())),
        *(
            f"{name}: {rates[name]:.1f} % of its branches were run, its floor is {floor:g} %"
            for name, floor in sorted(floors.items())
            if name in rates and rates[name] < floor
        ),
    ]


def table(measured: Iterable[Package], floors: Mapping[str, float]) -> Iterator[str]:
    yield f"{'package':<16}{'statements':>11}{'branches':>10}{'of':>6}{'floor':>7}"
    for package in measured:
        floor = f"{floors[package.name]:g}" if package.name in floors else "none"
        rates = f"{package.statement_rate:>9.1f} %{package.branch_rate:>8.1f} %"
        yield f"{package.name:<16}{rates}{package.branches:>6}{floor:>7}"


def counted(data: Path) -> tuple[str, ...]:
    """The command that runs pytest and leaves in ``data`` what was run."""
    return (sys.executable, "-m", "tests.counted_pytest", str(data))


def judge(data: Path) -> bool:
    """Print what was run of each package; whether that is enough of all of them."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    floors = project["tool"]["fairlead"]["branch-coverage"]
    measured = packages(json.loads(data.read_text())["files"] if data.exists() else {})
    sys.stdout.write("\n".join(["", *table(measured, floors), "", ""]))
    found = problems(measured, floors)
    sys.stdout.write("".join(f"{problem}\n" for problem in found))
    sys.stdout.flush()
    return not found


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "counts.json"
        code = subprocess.run([*counted(data), "-q", *TESTS], cwd=CHECKOUT, check=False).returncode
        return int(not judge(data)) or code


if __name__ == "__main__":
    sys.exit(main())
