"""The user's entry script: imported, checked, and ready to be called (contract §12)."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Mapping, Optional

MODULE = "entry_module"  # the reference server's name for it; scripts and pickles may know it
HEADERS = "request_headers"


class UserScriptError(Exception):
    """Why the script cannot serve, in the reference server's words.

    ``stage`` is that of the start-up record. What the script itself raised is the cause;
    ``function`` is the one that does not fit, if it is that.
    """

    def __init__(
        self, stage: str, words: str, function: Optional[Callable[..., object]] = None
    ) -> None:
        super().__init__(words)
        self.stage = stage
        self.function = function


@dataclass(frozen=True)
class Script:
    """``run`` takes its data by the name of its first parameter, wherever that stands."""

    init: Callable[[], object]
    run: Callable[..., object]
    data_name: str
    takes_headers: bool

    def start(self) -> None:
        """Call ``init()``. Whatever it raises, ``sys.exit()`` included, is a failure to start."""
        try:
            self.init()
        except BaseException as error:
            raise UserScriptError("init", "User's init function failed") from error

    def score(self, data: str, headers: Mapping[str, str]) -> object:
        """Call ``run()``; what it raises is not caught here."""
        arguments: dict[str, Any] = {self.data_name: data}
        if self.takes_headers:
            arguments[HEADERS] = dict(headers)
        return self.run(**arguments)


def load(path: Path) -> Script:
    """Import the script at ``path``. Raise ``UserScriptError`` if it cannot serve."""
    module = _import(path)
    for name in ("init", "run"):
        if not hasattr(module, name):
            raise UserScriptError(
                "script", f"User script at {path} does not have a {name}() function defined."
            )
    return _checked(module.init, module.run)


def _import(path: Path) -> Any:
    """Execute the script. It is in ``sys.modules``, or its dataclasses could not be made."""
    spec = importlib.util.spec_from_file_location(MODULE, str(path))
    if spec is None or spec.loader is None:
        raise UserScriptError("import", f"User script at {path} does not end in .py.")
    module = sys.modules[MODULE] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        raise UserScriptError(
            "import", "Failed to import user script because it raised an unhandled exception"
        ) from error
    return module


def _checked(init: Callable[[], object], run: Callable[..., object]) -> Script:
    """Return the script, if ``run`` can be called the way we call it."""
    try:
        parameters = inspect.signature(run).parameters.values()
    except (TypeError, ValueError) as error:
        raise UserScriptError("script", f"run is not a function: {error}.") from error
    by_name = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [parameter.name for parameter in parameters]
    data_names = [name for name in names if name != HEADERS]
    if any(parameter.kind not in by_name for parameter in parameters):
        unfit = "run() cannot accept positional-only arguments, *args, or **kwargs."
    elif not names:
        unfit = "run() needs to accept an argument for input data."
    elif not data_names:
        unfit = f'run() needs to accept an argument other than "{HEADERS}".'
    else:
        return Script(init, run, data_names[0], takes_headers=HEADERS in names)
    raise UserScriptError("script", unfit, run)
