"""Settings are text: how a number, a duration, a switch or a list of origins is written."""

import ipaddress
import re
from collections.abc import Mapping

INVALID_SETTING_EXIT_CODE = 2
MAX_INT = 10**9
MAX_PORT = 65535
MAX_DURATION_S = 3600.0
SWITCH_VALUES = ("true", "false")
REGEX_CHARACTERS = set("*\\]?$^[]()")  # an origin with one of these is a regular expression


class SettingsError(Exception):
    """A setting has an invalid value. ``code`` is the exit code of the process."""

    def __init__(self, message: str, code: int = INVALID_SETTING_EXIT_CODE) -> None:
        super().__init__(message)
        self.code = code


def read_int(
    environ: Mapping[str, str],
    name: str,
    default: int,
    *,
    minimum: int = 1,
    maximum: int = MAX_INT,
) -> int:
    """Raise ``SettingsError`` with a message that names the setting, as all of these do."""
    text = environ.get(name) or str(default)
    if not text.isdecimal() or not minimum <= int(text) <= maximum:
        raise SettingsError(
            f"{name} is {text!r}, but must be a whole number from {minimum} to {maximum}."
        )
    return int(text)


def read_optional_int(
    environ: Mapping[str, str], name: str, *, minimum: int = 1, maximum: int = MAX_INT
) -> int | None:
    """Return None where the setting is absent or empty."""
    if not environ.get(name):
        return None
    return read_int(environ, name, minimum, minimum=minimum, maximum=maximum)


def read_seconds(
    environ: Mapping[str, str], name: str, default: float, *, minimum: float = 0
) -> float:
    text = environ.get(name) or str(default)
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not minimum <= found <= MAX_DURATION_S:  # also refuses nan and inf
        raise SettingsError(
            f"{name} is {text!r}, but must be a number of seconds from {minimum:g} to "
            f"{MAX_DURATION_S:g}."
        )
    return found


def read_bool(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Whether the setting is ``true`` in any case, as the reference server reads it."""
    return environ.get(name, str(default)).lower() == "true"


def read_switch(environ: Mapping[str, str], name: str) -> bool:
    """Whether a setting of our own is ``true``; absent or empty, it is ``false``."""
    text = environ.get(name) or "false"
    if text.lower() not in SWITCH_VALUES:
        raise SettingsError(f"{name} is {text!r}, but must be true or false.")
    return text.lower() == "true"


def read_host(environ: Mapping[str, str], name: str = "FAIRLEAD_HOST") -> str:
    """An address to listen at; empty where none is set."""
    text = environ.get(name) or ""
    try:
        return str(ipaddress.ip_address(text)) if text else ""
    except ValueError:
        problem = "must be an address such as 127.0.0.1"
        raise SettingsError(f"{name} is {text!r}, but {problem}.") from None


class AllowedOrigins:
    """``AML_CORS_ORIGINS``: names and regular expressions, separated by commas; ``*`` for any.

    Raise ``ValueError`` if a regular expression is invalid.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        origins = [origin.strip() for origin in text.split(",")]
        self._any = "*" in origins
        self._names = sorted(one for one in origins if REGEX_CHARACTERS.isdisjoint(one))
        self._patterns = [_pattern(one) for one in origins if not REGEX_CHARACTERS.isdisjoint(one)]

    @property
    def several(self) -> bool:
        """Whether the allowed origin depends on the request's ``Origin``."""
        return bool(self._patterns) or len(self._names) > 1

    def allowed(self, origin: str) -> str:
        """Return ``Access-Control-Allow-Origin`` for a request's ``Origin``, empty for none."""
        if not origin:
            return "*" if self._any else next(iter(self._names), "")
        named = origin.lower() in (name.lower() for name in self._names)
        return origin if named or any(one.match(origin) for one in self._patterns) else ""


def _pattern(origin: str) -> re.Pattern[str]:
    try:
        return re.compile(".*" if origin == "*" else origin, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"{origin!r} is no regular expression: {error}") from error
