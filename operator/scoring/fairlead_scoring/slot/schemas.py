"""What the user's ``inference-schema`` knows of ``run()``. It is used, but never imported by us.

A function that is decorated has brought the package along; without it no function is decorated.
"""

import sys
from types import ModuleType
from typing import Any, Callable, Collection, Optional, Tuple

ALL_VERSIONS = ("2.0", "3.0", "3.1")
EMPTY = {"type": "object", "example": {}}
Run = Callable[..., object]


def is_decorated(run: Run) -> bool:
    package = _package()
    return bool(package and package.is_schema_decorated(run))


def input_and_output(run: Run) -> Tuple[Any, Any]:
    """Return the two schemas as Swagger has them, empty objects where none was given."""
    package = _package()
    if package is None or not is_decorated(run):
        return EMPTY, EMPTY
    return package.get_input_schema(run), package.get_output_schema(run)


def versions(run: Run) -> Collection[str]:
    """Return the versions of Swagger that can tell of the decorators' types."""
    supported = getattr(_package(), "get_supported_versions", None)  # newer packages
    found: Collection[str] = supported(run) if supported else ALL_VERSIONS
    return found


def _package() -> Optional[ModuleType]:
    return sys.modules.get("inference_schema.schema_util")
