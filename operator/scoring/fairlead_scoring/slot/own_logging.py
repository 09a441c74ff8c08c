"""The user's ``logging.json``, which the reference server configures its logging by."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Iterable

from .layout import OwnFileError
from .logs import NAME, PRINT, REFERENCE


def take_over(folders: Iterable[Path]) -> None:
    """Configure logging by the first ``logging.json`` in ``folders``, if there is one.

    What is said by us, or with ``print()``, is not lost even if it does not mention our loggers.
    Raise ``OwnFileError`` if it cannot be used.
    """
    for path in (folder / "logging.json" for folder in folders):
        if path.is_file():
            _configure(path)
            return


def _configure(path: Path) -> None:
    from logging.config import dictConfig  # slow to import, and mostly not needed

    try:
        dictConfig(json.loads(path.read_text("utf-8")))
    except Exception as error:  # it may name any class of the user's
        raise OwnFileError(f"{path} cannot be used: {error}") from error
    for name in (NAME, REFERENCE, PRINT):
        logging.getLogger(name).disabled = False
