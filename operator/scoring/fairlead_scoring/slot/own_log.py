"""What a slot itself has to say: scripts cannot silence it, whatever they do to ``logging``.

``logging.json`` is asked once, before the script is imported: its handlers for the reference's
logger get these lines from then on. An error is on the console even if none of them shows it there.
"""

import logging
import sys
from contextlib import suppress
from typing import Any, List, Optional, Sequence

from .console import LOGGER_NAME, console, encoded
from .log_writer import LogWriter
from .redaction import redact


class OwnLog:
    """Its lines are redacted: they quote user code, clients and the environment."""

    def __init__(self, name: str = LOGGER_NAME) -> None:
        self._name = name
        self._level = logging.INFO
        self._outputs: List[Output] = []

    def info(self, text: str, *values: object) -> None:
        self._write(logging.INFO, text, values)

    def warning(self, text: str, *values: object) -> None:
        self._write(logging.WARNING, text, values)

    def error(self, text: str, *values: object) -> None:
        self._write(logging.ERROR, text, values)

    def adopt(self, logger: logging.Logger) -> None:
        """Write to this logger's handlers, as they are now, under its name, from its level on."""
        self._name, self._level = logger.name, logger.getEffectiveLevel()
        self._outputs = [Output(handler) for handler in effective_handlers(logger)]

    def _write(self, level: int, text: str, values: Sequence[object]) -> None:
        message = redact(text % values if values else text)
        shown = False
        if level >= self._level:
            record = logging.LogRecord(self._name, level, __file__, 0, message, (), None)
            for output in self._outputs:
                shown = output.write(record) or shown
        if not shown and (level >= logging.ERROR or not self._outputs):
            console().write(level, LOGGER_NAME, message)


class Output:
    """A handler as it was when ``logging.json`` had been read.

    What would go to the console is written there past the handler, which the script can change.
    """

    def __init__(self, handler: logging.Handler) -> None:
        self._handler = handler
        self._level, self._filters = handler.level, list(handler.filters)
        self._formatter = handler.formatter or logging.Formatter()
        self._writer = _console_writer(getattr(handler, "stream", None))

    def write(self, record: logging.LogRecord) -> bool:
        """Return whether the record is on the console now. Nothing is raised."""
        with suppress(Exception):  # the user's filters, formatters and handlers
            if record.levelno < self._level or not _passes(record, self._filters):
                return False
            if self._writer is None:
                self._handler.handle(record)
                return False
            self._writer.write(encoded(self._formatter.format(record)))
            return True
        return False


def effective_handlers(logger: logging.Logger) -> List[logging.Handler]:
    """Return the handlers that a record of this logger would reach."""
    found: List[logging.Handler] = []
    current: Any = logger
    while current is not None:
        found += current.handlers
        current = current.parent if current.propagate else None
    return found


def _console_writer(stream: object) -> Optional[LogWriter]:
    if stream is None:
        return None
    return {id(sys.stdout): console().out, id(sys.stderr): console().err}.get(id(stream))


def _passes(record: logging.LogRecord, filters: Sequence[Any]) -> bool:
    return all(one.filter(record) if hasattr(one, "filter") else one(record) for one in filters)


log = OwnLog()
