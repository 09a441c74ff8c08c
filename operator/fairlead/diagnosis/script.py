"""The entry script, read without being run: is it there, does it parse, can the server call it?

The server's rules for ``init()`` and ``run()`` are those of Azure ML's own (contract §12).
"""

import ast
import io
import sys
import tokenize
import warnings
from collections.abc import Iterator, Mapping

from fairlead.api.reasons import Reason
from fairlead.diagnosis.bindings import bindings
from fairlead.finding import Finding, Problem, combine, quoted
from fairlead.diagnosis.signature import check_signatures
from fairlead.inputs.source_file import missing_file

Version = tuple[int, int]


def check_script(
    files: Mapping[str, bytes], entry_script: str, python: Version | None
) -> Finding | None:
    """Return what keeps ``entry_script`` from being served, all of it at once, or None.

    ``python`` is the version it will run on where that is known. A syntax error that a Python newer
    than ours may not see is none.
    """
    if entry_script not in files:
        reason = Reason.ENTRY_SCRIPT_NOT_FOUND
        return missing_file(files, entry_script, "spec.entryScript", reason)
    text = _decoded(files[entry_script])
    tree = text if isinstance(text, Problem) else _parsed(text, python)
    if not isinstance(tree, Problem):
        problems = list(_incomplete(tree))
    elif _newer(python):
        problems = []
    else:
        problems = [tree]
    return combine(entry_script, problems) if problems else None


def _decoded(content: bytes) -> str | Problem:
    """Return the text as Python would read it: UTF-8, or what a coding comment says."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line, why = content.count(b"\n", 0, error.start) + 1, f"it is not {error.encoding}"
    except SyntaxError as error:  # in the first two lines
        line, why = 1, "it is not UTF-8" if "missing" in str(error.msg) else str(error.msg)
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
        line, why = error.lineno or 0, error.msg + (f": {quoted(error.text)}" if error.text else "")
    except (RecursionError, MemoryError):
        why = "it is nested too deeply to be parsed"
    except ValueError as error:  # null bytes
        why = str(error)
    read = ".".join(map(str, version))
    remedy = f"Correct it (it was read as Python {read})."
    if python is None:
        remedy += " If it is meant for a newer Python, ask for that in the conda file: python=3.x."
    return Problem(Reason.ENTRY_SCRIPT_INVALID, line, why, remedy)


def _newer(python: Version | None) -> bool:
    return python is not None and python > sys.version_info[:2]


def _incomplete(tree: ast.Module) -> Iterator[Problem]:
    bound = bindings(tree)
    if bound is None:  # a star import or the like: only running it can tell
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
