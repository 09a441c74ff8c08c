"""What the environment and the command line say."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fairlead_scoring.slot.layout import Layout, read_layout

PORT = 5001
DRAIN_SECONDS = 5.0
TERMINATION_LOG = "/dev/termination-log"


class SettingsError(Exception):
    """A setting has a value that cannot be meant so."""


@dataclass(frozen=True)
class Settings:
    """``keys`` is the folder of the two keys, None where no key is asked for."""

    layout: Layout
    port: int
    slots: int
    drain_seconds: float
    keys: Path | None
    termination_log: Path


def read_settings(arguments: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Raise ``SettingsError`` with a sentence that names the setting."""
    keys = environ.get("FAIRLEAD_KEYS_DIR")
    return Settings(
        layout=read_layout(environ),
        port=_port(arguments) or _whole(environ, "FAIRLEAD_PORT", PORT, most=65535),
        slots=_whole(environ, "FAIRLEAD_MAX_CONCURRENT_REQUESTS", 1, most=1000),
        drain_seconds=_seconds(environ, "FAIRLEAD_DRAIN_SECONDS", DRAIN_SECONDS),
        keys=Path(keys) if keys else None,
        termination_log=Path(environ.get("FAIRLEAD_TERMINATION_LOG") or TERMINATION_LOG),
    )


def _port(arguments: Sequence[str]) -> int | None:
    parser = argparse.ArgumentParser(prog="fairlead_scoring", description="Serve a score.py.")
    parser.add_argument("--port", type=int, help=f"default: FAIRLEAD_PORT, else {PORT}")
    port: int | None = parser.parse_args(arguments).port
    return port


def _whole(environ: Mapping[str, str], name: str, default: int, *, most: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise SettingsError(f"{name} is {text!r}, but must be a whole number from 1 to {most}.")
    return int(text)


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name) or str(default)
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:  # noqa: PLR2004 - an hour; also refuses nan and inf
        raise SettingsError(f"{name} is {text!r}, but must be a number of seconds from 0 to 3600.")
    return seconds
