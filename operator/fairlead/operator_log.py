"""The operator's log: one line for each decision, whoever wrote what is in it.

``10:03:11 webservice default/diabetes gen=4  applied Deployment Service``

No value can begin a line of its own or colour the terminal, and none shows a secret. Only a
traceback has several lines, each of them indented.
"""

import logging
from typing import TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from fairlead.redact import one_line, redacted

MAX_VALUE_CHARS = 4096
MAX_TRACEBACK_CHARS = 16_384
TRACEBACKS = ("exception", "traceback")
INDENT = "\n    "


def configure(form: str, out: TextIO) -> None:
    """Log to ``out``, as text or as JSON; kopf and other libraries from warnings up."""
    text = form == "text"
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if text else "iso", utc=not text),
            structlog.processors.format_exc_info,
            cleaned,
            as_text if text else structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(out),
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(CleanFormatter("%(asctime)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def cleaned(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Every value as it may be shown; numbers stay what they are."""
    return {name: _cleaned(name, value) for name, value in event.items()}


def _cleaned(name: str, value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if name in TRACEBACKS:
        return redacted(str(value), MAX_TRACEBACK_CHARS).rstrip("\n")
    line = one_line(str(value))
    return line if len(line) <= MAX_VALUE_CHARS else f"{line[: MAX_VALUE_CHARS - 1]}…"


def as_text(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """The object first, then what was decided, then whatever else is known."""
    at, level, what = event.pop("timestamp", ""), event.pop("level", "info"), event.pop("event")
    tracebacks = [str(event.pop(name)) for name in TRACEBACKS if name in event]
    head = [str(event.pop(key)) for key in ("kind", "object") if key in event]
    generation = event.pop("generation", None)
    about = " ".join([*head, *([f"gen={generation}"] if generation is not None else [])])
    rest = " ".join(str(value) for value in event.values())
    loud = "" if level == "info" else f"{level.upper()} "
    line = f"{at} {loud}{about}{'  ' if about else ''}{what} {rest}".rstrip()
    return "".join((line, *(_indented(traceback) for traceback in tracebacks)))


class CleanFormatter(logging.Formatter):
    """What libraries log, by the same rule: further lines are indented."""

    def format(self, record: logging.LogRecord) -> str:
        first, *rest = redacted(super().format(record), MAX_TRACEBACK_CHARS).split("\n")
        return INDENT.join((first, *rest))


def _indented(text: str) -> str:
    return "".join(f"{INDENT}{line}" for line in text.split("\n"))
