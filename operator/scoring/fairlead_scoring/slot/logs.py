"""Logging, the same in both processes: the reference server's line, in UTC, without secrets."""

from __future__ import annotations

import logging
import sys
import time
from typing import TextIO

from .redaction import redact

LINE_FORMAT = "%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s"
LOGGER_NAME = "fairlead"
REFERENCE_LOGGER_NAME = "azmlinfsrv"  # scripts and logging.json may name it
PRINT_LOGGER_NAME = f"{REFERENCE_LOGGER_NAME}.print"


class Formatter(logging.Formatter):
    @staticmethod
    def converter(seconds: float | None) -> time.struct_time:
        return time.gmtime(seconds)

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def configure() -> None:
    """Log our own lines to stdout, our errors to stderr, and keep what other loggers write.

    The root logger has no handler on purpose: a script's ``logging.basicConfig()`` must still work.
    Records without a handler go through ``lastResort``, from INFO on.
    """
    out, err = _handler(sys.stdout, logging.INFO), _handler(sys.stderr, logging.ERROR)
    out.addFilter(lambda record: record.levelno < logging.ERROR)
    for ours in map(logging.getLogger, (LOGGER_NAME, REFERENCE_LOGGER_NAME)):
        ours.handlers = [out, err]
        ours.propagate = False
        ours.setLevel(logging.INFO)
    logging.lastResort = _handler(sys.stderr, logging.INFO)
    logging.getLogger().setLevel(logging.INFO)


def _handler(stream: TextIO, level: int) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    handler.setLevel(level)
    handler.setFormatter(Formatter(LINE_FORMAT))
    return handler
