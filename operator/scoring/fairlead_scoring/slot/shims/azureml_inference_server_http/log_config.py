"""What a ``logging.json`` written for the reference server names of it."""

import logging
import time
from typing import Optional

FORMAT = "%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s"


class AMLLogFormatter(logging.Formatter):
    """The reference server's line, in UTC."""

    @staticmethod
    def converter(seconds: Optional[float]) -> time.struct_time:
        return time.gmtime(seconds)

    def __init__(self, fmt: str = FORMAT, datefmt: Optional[str] = None, style: str = "%") -> None:
        super().__init__(fmt=fmt, datefmt=datefmt, style=style)  # type: ignore[arg-type]


class RootAccessFilter(logging.Filter):
    """Keeps health probes out of an access log."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "GET / HTTP/1.1" not in record.getMessage()
