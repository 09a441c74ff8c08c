"""``print()`` of user code becomes a line of the log, as in the reference server (contract §12)."""

from __future__ import annotations

import builtins
import functools
import logging
import sys
from typing import Any

from .logs import PRINT

logger = logging.getLogger(PRINT)
plain_print = builtins.print


def redirect() -> None:
    """Redirect ``print()``; what is written to ``sys.stdout`` directly appears line by line."""
    stdout = sys.stdout
    stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]

    @functools.wraps(plain_print)
    def print_to_log(*values: object, sep: str | None = None, **options: Any) -> None:
        if (options.get("file") or sys.stdout) is stdout:
            logger.info("%s", (" " if sep is None else sep).join(map(str, values)))
        else:  # elsewhere on purpose; contextlib.redirect_stdout() is a way to say so
            plain_print(*values, sep=sep, **options)

    builtins.print = print_to_log
