"""Settings are text: what a number, a time or a switch may look like."""

from collections.abc import Mapping

DAY = 24 * 3600


class SettingsError(Exception):
    """A setting has a value that cannot be meant so. ``code`` is the exit code that follows."""

    def __init__(self, message: str, code: int = 2) -> None:
        super().__init__(message)
        self.code = code


def whole(
    environ: Mapping[str, str], name: str, default: int, *, least: int = 1, most: int = 10**9
) -> int:
    """Raise ``SettingsError`` with a sentence that names the setting, as all of these do."""
    text = environ.get(name) or str(default)
    if not text.isdecimal() or not least <= int(text) <= most:
        raise SettingsError(
            f"{name} is {text!r}, but must be a whole number from {least} to {most}."
        )
    return int(text)


def optional_whole(
    environ: Mapping[str, str], name: str, *, least: int = 1, most: int = 10**9
) -> int | None:
    """None where it is not set."""
    return whole(environ, name, least, least=least, most=most) if environ.get(name) else None


def seconds(
    environ: Mapping[str, str], name: str, default: float, *, least: float = 0, most: float = 3600
) -> float:
    text = environ.get(name) or str(default)
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not least <= found <= most:  # also refuses nan and inf
        raise SettingsError(
            f"{name} is {text!r}, but must be a number of seconds from {least:g} to {most:g}."
        )
    return found


def switch(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Whether it says ``true``, in whatever case: the reference server's idea of a switch."""
    return environ.get(name, str(default)).lower() == "true"
