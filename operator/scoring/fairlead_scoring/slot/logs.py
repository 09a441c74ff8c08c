"""Logging, the same in both processes: the reference server's line, in UTC, without secrets."""

from __future__ import annotations

import logging
import sys
import time
from typing import TextIO

from .redaction import redact

FORMAT = "%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s"
NAME = "fairlead"
REFERENCE = "azmlinfsrv"  # the reference server's logger: scripts and logging.json know its name
PRINT = f"{REFERENCE}.print"


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
    out, err = _handler(sys.stdout, logging.INFO), _handler(sys.stderr, logging.ERROR)
    out.addFilter(lambda record: record.levelno < logging.ERROR)
    for ours in map(logging.getLogger, (NAME, REFERENCE)):
        ours.handlers = [out, err]
        ours.propagate = False
        ours.setLevel(logging.INFO)
    logging.lastResort = _handler(sys.stderr, logging.INFO)
    logging.getLogger().setLevel(logging.INFO)


def _handler(stream: TextIO, level: int) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    handler.setLevel(level)
    handler.setFormatter(Formatter(FORMAT))
    return handler
