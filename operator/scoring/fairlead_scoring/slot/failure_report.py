"""Reports a start that failed: in the log, and as a record to the front."""

import itertools
import sys
from pathlib import Path
from typing import Iterator

from . import trace
from .layout import DEFAULT_SCRIPT, Layout
from .own_log import log
from .record import Failure, Record, explain, make_record
from .script import UserScriptError

MAX_LISTED = 200  # files and folders in the log


def report(error: UserScriptError, layout: Layout, elapsed_s: float) -> Record:
    """Log why the script cannot serve, and return the record of it."""
    log.error("%s", error)
    cause = error.__cause__
    if cause is None or error.stage == "script":  # then our own message is the better one
        at = trace.definition(error.function, layout.app_root) if error.function else None
        failure = Failure(error.stage, type(error).__name__, str(error), at)
    else:
        log.error("Encountered Exception %s", trace.formatted(cause))
        failure = explain(cause, error.stage, layout.app_root)
    _log_files(error, layout)
    return make_record(failure, layout.models, elapsed_s)


def folder_tree(path: Path, depth: int = 0) -> Iterator[str]:
    """Yield the name of ``path`` and, indented below it, of all files and folders in it."""
    indent = " " * 4 * depth
    if not path.is_dir():
        yield f"{indent}{path.name}"
        return
    yield f"{indent}{path.name}/"
    for child in sorted(path.iterdir()):
        yield from folder_tree(child, depth + 1)


def _log_files(error: UserScriptError, layout: Layout) -> None:
    """List the folder of a script that is missing, or the models of an ``init()`` that failed."""
    if error.stage == "import" and not layout.script.exists():
        if getattr(error.__cause__, "name", None) == layout.module == DEFAULT_SCRIPT:
            log.error("No score script found. Expected score script main.py.")
            log.error("Expected script to be found in PYTHONPATH: %s", sys.path)
        found = sorted(path.name for path in layout.app_root.glob("*"))
        log.error("Current contents of AML_APP_ROOT: %s", found[:MAX_LISTED])
    if error.stage == "init" and layout.model_dir and layout.model_dir.exists():
        lines = folder_tree(layout.model_dir)
        log.error("Model Directory Contents:")
        for line in itertools.islice(lines, MAX_LISTED):
            log.error("%s", line)
        if next(lines, None):
            log.error("Output Truncated. First %s lines shown.", MAX_LISTED)
