"""What pip says that it has installed, taken down as it passes by on its way to the log."""

import re

from fairlead.engines.base import Log
from fairlead.images.pip_install import INSTALLED

MAX_INSTALLED = 5000
_LINE = re.compile(rf"{INSTALLED}([A-Za-z0-9][A-Za-z0-9._-]{{0,200}}(?:==| @ )\S{{1,500}})")


class InstalledLog:
    """A ``Log`` in front of another. Foreign code may say such a line, too: it says something about
    its own environment."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._found = dict[str, None]()

    @property
    def installed(self) -> tuple[str, ...]:
        """As `pip freeze` writes them, in its order."""
        return tuple(self._found)

    def phase(self, name: str) -> None:
        self._log.phase(name)

    def write(self, text: str) -> None:
        self._log.write(text)
        for line in text.splitlines():
            found = _LINE.fullmatch(line)
            if found and len(self._found) < MAX_INSTALLED:
                self._found[found[1]] = None
