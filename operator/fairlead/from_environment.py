"""A model whose fields environment variables set: a prefix, and the field's name, in either case.

What is given as an argument counts more. A variable that no field has is somebody else's.
"""

import os
from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class FromEnvironment(BaseModel):
    """Raises ``pydantic.ValidationError``, also for a default that may not be."""

    model_config = ConfigDict(validate_default=True)
    prefix: ClassVar[str] = ""

    def __init__(self, **given: Any) -> None:
        known = type(self)
        super().__init__(**{**_variables(known.prefix, known.model_fields), **given})


def _variables(prefix: str, names: Iterable[str]) -> dict[str, str]:
    """The texts of those fields that a variable is set for."""
    named = {name.lower(): value for name, value in os.environ.items()}
    wanted = {name: f"{prefix}{name}".lower() for name in names}
    return {name: named[variable] for name, variable in wanted.items() if variable in named}
