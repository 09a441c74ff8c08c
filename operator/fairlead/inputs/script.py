"""The entry script, parsed and never run: what it binds, and whether ``init()`` and ``run()`` fit.

The rules for the two functions are those of ``azureml-inference-server-http`` 1.5.1.
"""

import ast
import io
import sys
import tokenize
import warnings
from collections.abc import Iterator

from fairlead.api.reasons import Reason
from fairlead.finding import Finding, Problem, combine, quoted
from fairlead.inputs.bindings import Bindings, bindings, last_name
from fairlead.inputs.script_uses import ScriptUses, script_uses

MAX_SCRIPT_BYTES = 256 * 1024  # bytes; the densest text takes a second and 260 MB
MAX_SAID_CHARS = 200  # characters of Python's own words: they may repeat a name
Version = tuple[int, int]


def read_script(content: bytes, file: str, python: Version | None) -> ScriptUses | Finding:
    """Return what the script asks for, or what keeps it from being served, all of it at once.

    ``python`` is the version it will run on where that is known. A syntax error that a Python newer
    than ours may not see is none.
    """
    text = _decoded(content)
    if isinstance(text, Problem):
        return combine(file, [text])
    tree = _parsed(text, python)
    if isinstance(tree, Problem):
        newer = python is not None and python > sys.version_info[:2]
        return ScriptUses() if newer else combine(file, [tree])
    problems = list(_incomplete(tree))
    return combine(file, problems) if problems else script_uses(tree)


def _decoded(content: bytes) -> str | Problem:
    """Return the text as Python would read it: UTF-8, or what a coding comment says."""
    if len(content) > MAX_SCRIPT_BYTES:
        why = f"it is longer than {MAX_SCRIPT_BYTES // 1024} KiB"
        remedy = "Move data into files beside the script, and code into modules."
        return Problem(Reason.ENTRY_SCRIPT_INVALID, 0, why, remedy)
    encoding = "UTF-8"
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line, why = content.count(b"\n", 0, error.start) + 1, f"it is not {error.encoding}"
    except SyntaxError as error:  # in the first two lines
        said = str(error.msg)[:MAX_SAID_CHARS]
        line, why = 1, "it is not UTF-8" if "missing" in said else said
    except (LookupError, ValueError):  # of the encodings that are no texts' and the oldest ones
        line, why = 1, f"it is not {quoted(encoding)}"
    return Problem(Reason.ENTRY_SCRIPT_INVALID, line, why, "Save the script as UTF-8.")


def _parsed(text: str, python: Version | None) -> ast.Module | Problem:
    ours = sys.version_info[:2]
    version = min(python, ours) if python else ours
    line, why = 0, ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # for the script's author to see, not for our log
            return ast.parse(text, feature_version=version)
    except SyntaxError as error:
        said = error.msg[:MAX_SAID_CHARS]
        line, why = error.lineno or 0, said + (f": {quoted(error.text)}" if error.text else "")
    except (RecursionError, MemoryError):
        why = "it is nested too deeply to be parsed"
    except ValueError as error:  # null bytes
        why = str(error)
    read = ".".join(map(str, version))
    remedy = f"Correct it (it was read as Python {read})."
    if python is None:
        remedy += " If it is meant for a newer Python, ask for that in the conda file: python=3.x."
    return Problem(Reason.ENTRY_SCRIPT_INVALID, line, why, remedy)


def _incomplete(tree: ast.Module) -> Iterator[Problem]:
    bound = bindings(tree)
    if bound is None:  # a star import, exec and the like: only running it can tell
        return
    for name, what in (
        ("init", "loads the model once"),
        ("run", "answers one request, such as run(data)"),
    ):
        if name not in bound:
            message = f"no {name}() is defined at the top level"
            remedy = f"Define {name}(): it {what}."
            yield Problem(Reason.ENTRY_SCRIPT_INCOMPLETE, 0, message, remedy)
    yield from check_signatures(bound)


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
    """The decorators' names, without the modules they come from; empty for one without a name."""
    calls = [d.func if isinstance(d, ast.Call) else d for d in function.decorator_list]
    return {last_name(decorator) for decorator in calls}


def _problem(function: Function, message: str, remedy: str) -> Problem:
    return Problem(Reason.ENTRY_SCRIPT_INCOMPLETE, function.lineno, message, remedy)
