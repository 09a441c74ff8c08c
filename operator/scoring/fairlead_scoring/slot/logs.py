"""Logging, the same in both processes: the reference server's line, in UTC, without secrets."""

from __future__ import annotations

import logging
import sys
import time
from typing import TextIO

from .redaction import redact

FORMAT = "%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s"
NAME = "fairlead"


class Formatter(logging.Formatter):
    @staticmethod
    def converter(seconds: float | None) -> time.struct_time:
        return time.gmtime(seconds)

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def configure() -> None:
    """Send our own lines to stdout, our errors to stderr, and keep what others log.

    The root logger is left without a handler on purpose: a script's ``logging.basicConfig()`` must
    still work. What nobody handles goes through ``lastResort``, from INFO on.
    """
    ours = logging.getLogger(NAME)
    ours.handlers = [_handler(sys.stdout, logging.INFO), _handler(sys.stderr, logging.ERROR)]
    ours.handlers[0].addFilter(lambda record: record.levelno < logging.ERROR)
    ours.propagate = False
    logging.lastResort = _handler(sys.stderr, logging.INFO)
    for logger in (ours, logging.getLogger()):
        logger.setLevel(logging.INFO)


def _handler(stream: TextIO, level: int) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    handler.setLevel(level)
    handler.setFormatter(Formatter(FORMAT))
    return handler
