"""The settings of debug mode, for a developer's machine, never for production."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fairlead_scoring.front.config.config_file import configuration_error
from fairlead_scoring.front.config.values import (
    MAX_PORT,
    read_host,
    read_int,
    read_seconds,
    read_switch,
)

DEBUG_PORT = 5678
LOOPBACK = "127.0.0.1"  # who attaches can run any code: nobody else does, unless it is asked for


@dataclass(frozen=True)
class DebugSettings:
    """``enabled``: answers carry tracebacks, a changed script is loaded, a debugger may attach.

    ``listen_host`` and ``listen_port`` are where it attaches (None: nowhere); the first slot
    waits ``wait_s`` for it before it imports the script. ``connect_port`` is the port of a debugger
    that each slot connects to, whether enabled or not: so does the reference server.
    ``edits`` is a folder that need not be there: once it is, the script is loaded from it, and not
    from the app root, which may be read-only.
    """

    enabled: bool = False
    listen_host: str = LOOPBACK
    listen_port: int | None = None
    wait_s: float = 0.0
    connect_port: int | None = None
    edits: Path | None = None

    @property
    def without_wait(self) -> "DebugSettings":
        """The same for a slot that waits for no debugger."""
        return replace(self, wait_s=0.0)

    def as_json(self) -> dict[str, Any] | None:
        """Return the ``debug`` field of the start frame."""
        if not self.enabled and self.connect_port is None:
            return None
        return {
            "enabled": self.enabled,
            "listen_host": self.listen_host,
            "listen_port": self.listen_port,
            "wait_s": self.wait_s,
            "connect_port": self.connect_port,
        }


def read_debug_settings(environ: Mapping[str, str]) -> DebugSettings:
    """Raise ``SettingsError`` with a message that names the setting."""
    connect_port = _connect_port(environ)
    if not read_switch(environ, "FAIRLEAD_DEBUG"):
        return DebugSettings(connect_port=connect_port)
    port = read_int(environ, "FAIRLEAD_DEBUG_PORT", DEBUG_PORT, minimum=0, maximum=MAX_PORT)
    host = read_host(environ, "FAIRLEAD_DEBUG_HOST") or LOOPBACK
    wait_s = read_seconds(environ, "FAIRLEAD_DEBUG_WAIT_SECONDS", 0.0)
    edits = environ.get("FAIRLEAD_DEBUG_EDITS")
    return DebugSettings(
        enabled=True,
        listen_host=host,
        listen_port=port or None,
        wait_s=wait_s,
        connect_port=connect_port,
        edits=Path(edits).absolute() if edits else None,
    )


def _connect_port(environ: Mapping[str, str]) -> int | None:
    text = environ.get("AZUREML_DEBUG_PORT")
    try:
        return int(text) if text else None
    except ValueError as error:
        problem = "Input should be a valid integer, unable to parse string as an integer"
        raise configuration_error("AZUREML_DEBUG_PORT", problem) from error
