"""What files said, by their content: a file that has not changed is not read again."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from fairlead.inputs.parse import Parsed

MAX_CACHED_BYTES = 16 * 1024 * 1024  # of memory, about
ENTRY_BYTES = 2048  # of a result without requirements and steps, and of each requirement or option
USE_BYTES = 300  # of each name that a script asks for
FOREVER = float("inf")


@dataclass(frozen=True)
class _Result:
    parsed: Parsed
    until: float

    @property
    def bytes(self) -> int:
        environment = self.parsed.environment
        requirements = len(environment.requirements) if environment else 0
        requirements += len(environment.options) + len(environment.includes) if environment else 0
        uses = len(self.parsed.uses.imports) + len(self.parsed.uses.models)
        return ENTRY_BYTES * (1 + requirements) + USE_BYTES * uses + len(self.parsed.steps)


class Results:
    """The newest results, as many as ``MAX_CACHED_BYTES`` hold; ``clock`` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._results = OrderedDict[str, _Result]()
        self._bytes = 0

    def get(self, key: str) -> Parsed | None:
        result = self._results.get(key)
        if result is None:
            return None
        if result.until <= self._clock():
            self._drop(key)
            return None
        self._results.move_to_end(key)
        return result.parsed

    def put(self, key: str, parsed: Parsed, seconds: float = FOREVER) -> None:
        """Keep a result, for at most ``seconds``."""
        self._drop(key)
        self._results[key] = result = _Result(parsed, self._clock() + seconds)
        self._bytes += result.bytes
        while self._bytes > MAX_CACHED_BYTES:
            self._drop(next(iter(self._results)))

    def _drop(self, key: str) -> None:
        if key in self._results:
            self._bytes -= self._results.pop(key).bytes
