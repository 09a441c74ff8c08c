"""The user's entry script: imported, checked, and ready to be called."""

import importlib.util
import inspect
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, List, NamedTuple, Optional

from . import frameworks, schemas
from .inputs import Input, Plain, Raw, Schema
from .layout import DEFAULT_SCRIPT, SCRIPT_MODULE

REQUEST_HEADERS = "request_headers"
IMPORT_FAILED = "Failed to import user script because it raised an unhandled exception"


class UserScriptError(Exception):
    """Why the script cannot serve: the reference server's message.

    ``stage`` is that of the start-up record. What the script itself raised is the cause;
    ``function`` is the one that does not fit, if it is that.
    """

    def __init__(
        self, stage: str, message: str, function: Optional[Callable[..., object]] = None
    ) -> None:
        super().__init__(message)
        self.stage = stage
        self.function = function


class Script(NamedTuple):
    """``run`` takes what ``input`` makes of a request, by the names of its parameters."""

    init: Callable[[], object]
    run: Callable[..., object]
    input: Input
    takes_headers: bool

    def start(self) -> None:
        """Call ``init()``. Whatever it raises, ``sys.exit()`` included, is a failure to start."""
        try:
            self.init()
        except BaseException as error:
            raise UserScriptError("init", "User's init function failed") from error


def load(path: Path, name: str = SCRIPT_MODULE) -> Script:
    """Import the script at ``path`` as ``name``. Raise ``UserScriptError`` if it cannot serve.

    ``main``, which nobody has named, is wherever Python finds it.
    """
    module = _import_main() if name == DEFAULT_SCRIPT else _import(path, name)
    path = Path(getattr(module, "__file__", None) or path)
    with suppress(OSError):  # it may lie in an archive
        frameworks.preload(path.read_bytes())
    for function in ("init", "run"):
        if not hasattr(module, function):
            raise UserScriptError(
                "script", f"User script at {path} does not have a {function}() function defined."
            )
    return _checked(module.init, _run_of(module))


def _run_of(module: Any) -> Callable[..., object]:
    """Return ``run``; that of the script behind it, where the module is a generated driver.

    A driver only passes its arguments on, and not by name as ``@input_schema`` needs them.
    """
    driven = getattr(module, "driver_module", None)
    behind = driven if isinstance(driven, ModuleType) and hasattr(driven, "run") else module
    run: Callable[..., object] = behind.run
    return run


def _import_main() -> Any:
    try:
        __import__(DEFAULT_SCRIPT)
    except BaseException as error:
        raise UserScriptError("import", IMPORT_FAILED) from error
    return sys.modules[DEFAULT_SCRIPT]


def _import(path: Path, name: str) -> Any:
    """Execute the script. It is in ``sys.modules``, or its dataclasses could not be made."""
    spec = importlib.util.spec_from_file_location(name, str(path))
    if spec is None or spec.loader is None:
        raise UserScriptError("import", f"User script at {path} does not end in .py.")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        raise UserScriptError("import", IMPORT_FAILED) from error
    return module


def _checked(init: Callable[[], object], run: Callable[..., object]) -> Script:
    """Return the script, if ``run`` can be called with keyword arguments."""
    try:
        parameters = list(inspect.signature(run).parameters.values())
    except (TypeError, ValueError) as error:
        raise UserScriptError("script", f"run is not a function: {error}.") from error
    by_name = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    data = [parameter for parameter in parameters if parameter.name != REQUEST_HEADERS]
    if any(parameter.kind not in by_name for parameter in parameters):
        problem = "run() cannot accept positional-only arguments, *args, or **kwargs."
    elif not parameters:
        problem = "run() needs to accept an argument for input data."
    elif not data:
        problem = f'run() needs to accept an argument other than "{REQUEST_HEADERS}".'
    elif frameworks.wants_raw_http() and schemas.is_decorated(run):
        problem = "run() cannot be decorated with both @rawhttp and @input_schema"
    else:
        return Script(init, run, _input(run, data), takes_headers=len(data) < len(parameters))
    raise UserScriptError("script", problem, run)


def _input(run: Callable[..., object], data: List[inspect.Parameter]) -> Input:
    if frameworks.wants_raw_http():
        return Raw(data[0].name)
    if schemas.is_decorated(run):
        return Schema(data)
    return Plain(data[0].name)
