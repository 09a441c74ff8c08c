"""Requests to a service, one after the other, from the first that it answers until the end."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

import httpx

from tests.plain_http import CLIENT

PAUSE_S, TIMEOUT_S = 0.1, 10.0


@dataclass
class Poll:
    """``address`` returns None while there is none. Failures are times and what went wrong."""

    address: Callable[[], str | None]
    answered: int = 0
    failures: list[tuple[float, str]] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Poll":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join(2 * TIMEOUT_S)

    def failed_before(self, end: float) -> list[str]:
        """What went wrong before the service was deleted on purpose."""
        return [what for at, what in self.failures if at < end]

    def _run(self) -> None:
        while not self._done.wait(PAUSE_S):
            if address := self.address():
                started, wrong = time.monotonic(), self._ask(address)
                if not wrong:
                    self.answered += 1
                elif self.answered:
                    self.failures.append((started, wrong))

    def _ask(self, address: str) -> str:
        try:
            answer = CLIENT.post(address, json={}, timeout=TIMEOUT_S)
        except httpx.TransportError as error:
            return repr(error)
        return "" if answer.status_code == httpx.codes.OK else f"{answer.status_code} {answer.text}"
