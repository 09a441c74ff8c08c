"""The two distributions' ``pyproject.toml``, as tests read them."""

import tomllib
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[3]
DISTRIBUTIONS = {"fairlead": CHECKOUT, "fairlead-scoring": CHECKOUT / "operator" / "scoring"}
OPERATOR = CHECKOUT / "operator" / "fairlead"


def pyproject(folder: Path = CHECKOUT) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text())


def packages() -> set[str]:
    """The packages and modules directly in ``fairlead``, as they lie on disk."""
    modules = {path.stem for path in OPERATOR.glob("*.py")} - {"__init__"}
    return modules | {path.parent.name for path in OPERATOR.glob("*/__init__.py")}
