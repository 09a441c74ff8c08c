"""``init()`` and ``run()`` as the server calls them: what it would refuse, said before any build.

The rules are those of ``azureml-inference-server-http`` 1.5.1 (contract §12).
"""

import ast
from collections.abc import Iterator

from fairlead.api.reasons import Reason
from fairlead.diagnosis.bindings import Bindings
from fairlead.finding import Problem

Function = ast.FunctionDef | ast.AsyncFunctionDef
HEADERS_PARAMETER = "request_headers"
KEEPS_SIGNATURE = {"input_schema", "output_schema", "rawhttp"}


def check_signatures(bound: Bindings) -> Iterator[Problem]:
    """Yield what the server would refuse, where the script says it plainly enough to know."""
    if init := _definition(bound, "init"):
        yield from _check_init(init)
    if run := _definition(bound, "run"):
        yield from _check_run(run)


def _definition(bound: Bindings, name: str) -> Function | None:
    """The one ``def`` of ``name``, unless there are others, or a decorator may have changed it."""
    match bound.get(name, ()):
        case [(ast.FunctionDef() | ast.AsyncFunctionDef()) as function]:
            return function if _decorators(function) <= KEEPS_SIGNATURE else None
    return None


def _check_init(init: Function) -> Iterator[Problem]:
    if isinstance(init, ast.AsyncFunctionDef):
        yield _problem(init, "init() is async, so calling it does nothing", "Write `def init():`.")
    args = init.args
    required = len(args.posonlyargs) + len(args.args) - len(args.defaults)
    if required or None in args.kw_defaults:
        yield _problem(init, "init() is called without arguments", "Write `def init():`.")


def _check_run(run: Function) -> Iterator[Problem]:
    if isinstance(run, ast.AsyncFunctionDef):
        message = "run() is async, and the server answers 500 to every request of such a script"
        yield _problem(run, message, "Write `def run(data):` without async.")
    for bad in _refused_parameters(run.args):
        remedy = "Give run() plain parameters, such as run(data)."
        yield _problem(run, f"run() may not have {bad}", remedy)
    if {"input_schema", "rawhttp"} <= _decorators(run):
        remedy = "Keep one of the two."
        yield _problem(run, "run() has both @input_schema and @rawhttp", remedy)
    if not _takes_data(run.args):
        message = "run() has no parameter for the request"
        yield _problem(run, message, "Write `def run(data):`.")


def _refused_parameters(args: ast.arguments) -> list[str]:
    refused = [f"*{args.vararg.arg}"] if args.vararg else []
    refused += [f"**{args.kwarg.arg}"] if args.kwarg else []
    return refused + (["positional-only parameters (before the /)"] if args.posonlyargs else [])


def _takes_data(args: ast.arguments) -> bool:
    named = {arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)}
    return bool(named - {HEADERS_PARAMETER} or args.vararg or args.kwarg)


def _decorators(function: Function) -> set[str]:
    """The decorators' names, without the modules they come from."""
    calls = [d.func if isinstance(d, ast.Call) else d for d in function.decorator_list]
    return {ast.unparse(decorator).rpartition(".")[2] for decorator in calls}


def _problem(function: Function, message: str, remedy: str) -> Problem:
    return Problem(Reason.ENTRY_SCRIPT_INCOMPLETE, function.lineno, message, remedy)
