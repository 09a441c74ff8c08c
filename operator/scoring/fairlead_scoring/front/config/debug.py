"""The settings of debug mode, which is for a developer's machine and never for production."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairlead_scoring.front.config.config_file import configuration_error
from fairlead_scoring.front.config.values import seconds, switch, whole

PORT = 5678
HIGHEST_PORT = 65535


@dataclass(frozen=True)
class Debugging:
    """``mode``: clients are told tracebacks, a changed script is loaded, a debugger may attach.

    ``port`` is where it does (None: nowhere), after a wait of ``wait`` seconds before the script.
    ``dial`` is the port of a debugger that we connect to, in any mode: so does the reference.
    """

    mode: bool = False
    port: int | None = None
    wait: float = 0.0
    dial: int | None = None

    def as_json(self) -> dict[str, Any] | None:
        """What a slot is told of it."""
        if not self.mode and self.dial is None:
            return None
        return {"tell": self.mode, "listen": self.port, "wait": self.wait, "dial": self.dial}


def read_debugging(environ: Mapping[str, str]) -> Debugging:
    """Raise ``SettingsError`` with a sentence that names the setting."""
    dial = _dial(environ)
    if not switch(environ, "FAIRLEAD_DEBUG", default=False):
        return Debugging(dial=dial)
    port = whole(environ, "FAIRLEAD_DEBUG_PORT", PORT, least=0, most=HIGHEST_PORT)
    wait = seconds(environ, "FAIRLEAD_DEBUG_WAIT_SECONDS", 0.0)
    return Debugging(mode=True, port=port or None, wait=wait, dial=dial)


def _dial(environ: Mapping[str, str]) -> int | None:
    text = environ.get("AZUREML_DEBUG_PORT")
    try:
        return int(text) if text else None
    except ValueError as error:
        what = "Input should be a valid integer, unable to parse string as an integer"
        raise configuration_error("AZUREML_DEBUG_PORT", what) from error
