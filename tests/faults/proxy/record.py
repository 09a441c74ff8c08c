"""What was asked of the API server: every request, in order."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.proxy.request import ApiRequest, subject


@dataclass
class Recorded:
    """One request. ``forwarded``: the API server has seen it. ``status`` is that of the answer,
    None while (or where) there was none; ``fault`` names what was done to it; times are seconds of
    a monotonic clock."""

    number: int
    request: ApiRequest
    body: bytes
    started: float = field(default_factory=time.monotonic)
    forwarded: bool = False
    status: int | None = None
    fault: str = ""

    @property
    def is_done_write(self) -> bool:
        """A write that was refused (an object that exists already is not created) is none."""
        return self.request.is_write and self.forwarded and (self.status or 500) < 400

    @property
    def subject(self) -> str:
        return subject(self.request, self.body)


class Record:
    """Every request that arrived; may be read from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[Recorded] = []

    def begin(self, request: ApiRequest, body: bytes) -> Recorded:
        with self._lock:
            recorded = Recorded(len(self._requests), request, body)
            self._requests.append(recorded)
        return recorded

    def requests(self, match: Callable[[ApiRequest], bool] = lambda _: True) -> list[Recorded]:
        with self._lock:
            return [recorded for recorded in self._requests if match(recorded.request)]

    def writes(self) -> list[Recorded]:
        """Writes that the API server has done, in order."""
        return [recorded for recorded in self.requests() if recorded.is_done_write]

    def subjects(self, since: int = 0) -> list[str]:
        """What was written, in order; the second of the same is numbered: ``… #2``.

        ``since``: the number of writes that are left out, and not counted.
        """
        counts = Counter[str]()
        names = []
        for recorded in self.writes()[since:]:
            counts[recorded.subject] += 1
            number = counts[recorded.subject]
            names.append(recorded.subject if number == 1 else f"{recorded.subject} #{number}")
        return names
