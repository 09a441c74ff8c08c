"""Fairlead's shim for ``ptvsd``, the debugger of old scripts: its calls, answered by debugpy.

It ended with Python 3.8; debugpy is what it has become. Without debugpy nothing can attach, and
nobody waits: a script that was left with these calls in it runs all the same.
"""

import importlib
from typing import Any, Optional, Tuple

__all__ = ["break_into_debugger", "enable_attach", "is_attached", "wait_for_attach"]
__version__ = "4.3.2"

debugger = importlib.import_module("_fairlead_slot.debugging").debugger
Address = Tuple[str, int]
ADDRESS: Address = ("0.0.0.0", 5678)


def enable_attach(address: Address = ADDRESS, **_options: Any) -> Address:
    """Let a debugger attach from now on."""
    debugger.listen(*address)
    return address


def wait_for_attach(timeout: Optional[float] = None) -> None:
    """Wait until a debugger is attached, ``timeout`` seconds at most; in debug mode the runtime has
    waited, as long as it is told."""
    debugger.wait_for_script(timeout)


def is_attached() -> bool:
    return bool(debugger.is_attached())


def _nowhere() -> None:
    """There is no debugger to break into."""


break_into_debugger = getattr(debugger.package(), "breakpoint", _nowhere)
