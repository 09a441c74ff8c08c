"""What user code logs: by its ``logging.json``, as in the reference server, or ``print()``."""

from __future__ import annotations

import builtins
import functools
import json
import logging
import sys
from pathlib import Path
from typing import Any, Iterable

from .layout import UserFileError
from .logs import LOGGER_NAME, PRINT_LOGGER_NAME, REFERENCE_LOGGER_NAME

logger = logging.getLogger(PRINT_LOGGER_NAME)
plain_print = builtins.print


def configure_user_logging(folders: Iterable[Path]) -> None:
    """Configure logging by the first ``logging.json`` in ``folders``, if there is one.

    Our loggers and ``print()`` stay enabled even if it does not mention them. Raise
    ``UserFileError`` if it is invalid.
    """
    for path in (folder / "logging.json" for folder in folders):
        if path.is_file():
            _configure(path)
            return


def redirect_print() -> None:
    """Make ``print()`` of user code a line of the log, as in the reference server.

    What is written to ``sys.stdout`` directly appears line by line.
    """
    stdout = sys.stdout
    stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]

    @functools.wraps(plain_print)
    def print_to_log(*values: object, sep: str | None = None, **options: Any) -> None:
        if (options.get("file") or sys.stdout) is stdout:
            logger.info("%s", (" " if sep is None else sep).join(map(str, values)))
        else:  # redirected on purpose, with ``file`` or contextlib.redirect_stdout()
            plain_print(*values, sep=sep, **options)

    builtins.print = print_to_log


def _configure(path: Path) -> None:
    from logging.config import dictConfig  # slow to import, and mostly not needed

    try:
        dictConfig(json.loads(path.read_text("utf-8")))
    except Exception as error:  # it may name any class of the user's
        raise UserFileError(f"{path} cannot be used: {error}") from error
    for name in (LOGGER_NAME, REFERENCE_LOGGER_NAME, PRINT_LOGGER_NAME):
        logging.getLogger(name).disabled = False
