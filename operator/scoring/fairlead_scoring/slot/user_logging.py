"""What user code logs: by its ``logging.json``, as in the reference server, or ``print()``."""

import builtins
import functools
import io
import json
import logging
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Iterable, Optional, TextIO

from .console import console
from .layout import UserFileError
from .logs import PRINT_LOGGER_NAME, REFERENCE_LOGGER_NAME, ConsoleHandler
from .own_log import effective_handlers, log

plain_print = builtins.print


def configure_user_logging(folders: Iterable[Path]) -> None:
    """Configure logging by the first ``logging.json`` in ``folders``, if there is one.

    The server's loggers stay enabled even if it does not mention them. Raise ``UserFileError`` if
    it is invalid.
    """
    for path in (folder / "logging.json" for folder in folders):
        if path.is_file():
            _configure(path)
            return


def redirect_print() -> None:
    """Make ``print()`` of user code a line of the log, as in the reference server.

    What is written to ``sys.stdout`` directly appears line by line.
    """
    stdout = _line_buffered_stdout()

    @functools.wraps(plain_print)
    def print_to_log(*values: object, sep: Optional[str] = None, **options: Any) -> None:
        if (options.get("file") or sys.stdout) is stdout:
            log_print((" " if sep is None else sep).join(map(str, values)), stdout)
        else:  # redirected on purpose, with ``file`` or contextlib.redirect_stdout()
            plain_print(*values, sep=sep, **options)

    builtins.print = print_to_log


def log_print(text: str, stdout: TextIO) -> None:
    """Log it as the reference's logger for ``print()`` would, but past ``logging`` where it can.

    That is faster, and a script that disables loggers has not meant its own output. One that
    redirects descriptor 1 has.
    """
    logger = logging.getLogger(PRINT_LOGGER_NAME)
    if logger.getEffectiveLevel() > logging.INFO:
        return
    if _has_users_handlers(logger) and not logger.disabled:
        logger.info("%s", text)
        return
    streams = console()
    line = streams.line(logging.INFO, PRINT_LOGGER_NAME, text)
    if streams.out.target.redirected:
        with suppress(OSError, ValueError):  # as in logging: the script may have closed it
            stdout.write(line.decode())
    else:
        streams.out.write_patiently(line)


def reference_level() -> int:
    """Return the level that the reference's logger is set to: it is that of the access log, too."""
    return logging.getLogger(REFERENCE_LOGGER_NAME).getEffectiveLevel()


def _line_buffered_stdout() -> TextIO:
    """Make ``sys.stdout`` write each line at once, and return it; nothing has used it yet."""
    reconfigure: Any = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(line_buffering=True)
    else:  # Python 3.6
        before: Any = sys.stdout
        encoding, errors = before.encoding, before.errors
        opened = io.TextIOWrapper(before.detach(), encoding, errors, line_buffering=True)
        sys.stdout = sys.__stdout__ = opened  # type: ignore[misc]
    return sys.stdout


def _has_users_handlers(logger: logging.Logger) -> bool:
    return not all(isinstance(one, ConsoleHandler) for one in effective_handlers(logger))


def _configure(path: Path) -> None:
    from logging.config import dictConfig  # slow to import, and mostly not needed

    try:
        dictConfig(json.loads(path.read_text("utf-8")))
    except Exception as error:  # it may name any class of the user's
        raise UserFileError(f"{path} cannot be used: {error}") from error
    reference = logging.getLogger(REFERENCE_LOGGER_NAME)
    for logger in (reference, logging.getLogger(PRINT_LOGGER_NAME)):
        logger.disabled = False
    if _has_users_handlers(reference):
        log.adopt(reference)
