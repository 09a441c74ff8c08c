"""Modules that libraries import where they are installed, for purposes that are not ours."""

import sys
from typing import Any, cast


def leave_out(*names: str) -> None:
    """Have whoever imports one of these from now on find that it is not installed, as they expect
    it may be. What has been imported already stays."""
    modules = cast("dict[str, Any]", sys.modules)
    for name in names:
        modules.setdefault(name, None)  # what the import system has for it
