"""``logging``, as it is set up in both processes: in the reference server's form, in UTC.

The front's own lines go through it. A slot's do not (``own_log``): scripts configure, replace and
disable everything that ``logging`` knows.
"""

import logging
import time
from typing import Optional

from .console import LOGGER_NAME, Console, console, encoded, open_console
from .redaction import redact

LINE_FORMAT = "%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s"
REFERENCE_LOGGER_NAME = "azmlinfsrv"  # scripts and logging.json may name it
PRINT_LOGGER_NAME = f"{REFERENCE_LOGGER_NAME}.print"


class Formatter(logging.Formatter):
    @staticmethod
    def converter(seconds: Optional[float]) -> time.struct_time:
        return time.gmtime(seconds)


class RedactingFormatter(Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class ConsoleHandler(logging.Handler):
    """Writes to stdout, and from ``error_level`` on to stderr.

    With ``patient`` it waits as long as the log is being read: then nothing of a burst is lost.
    """

    def __init__(self, formatter: logging.Formatter, error_level: int, *, patient: bool) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(formatter)
        self._error_level = error_level
        self._patient = patient

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = encoded(self.format(record))
        except Exception:  # noqa: BLE001 - what is formatted may be user code's
            self.handleError(record)
            return
        streams = console()
        writer = streams.err if record.levelno >= self._error_level else streams.out
        (writer.write_patiently if self._patient else writer.write)(line)


def configure_front() -> Console:
    """Write what the server's parts log, without secrets, and never wait for a reader."""
    opened = open_console(guarded=False)
    _configure(LOGGER_NAME, RedactingFormatter(LINE_FORMAT), patient=False)
    return opened


def configure_slot() -> Console:
    """Keep what the script logs from INFO on, as it is: it is the user's.

    The root logger has no handler on purpose: a script's ``logging.basicConfig()`` must still work.
    Records without a handler go through ``lastResort``.
    """
    opened = open_console(guarded=True)
    _configure(REFERENCE_LOGGER_NAME, Formatter(LINE_FORMAT), patient=True)
    return opened


def _configure(name: str, formatter: logging.Formatter, *, patient: bool) -> None:
    """The logger ``name`` has a handler of its own; records without one all go to stderr."""
    named = logging.getLogger(name)
    named.handlers = [ConsoleHandler(formatter, logging.ERROR, patient=patient)]
    named.propagate = False
    named.setLevel(logging.INFO)
    logging.lastResort = ConsoleHandler(formatter, logging.INFO, patient=patient)
    logging.getLogger().setLevel(logging.INFO)
