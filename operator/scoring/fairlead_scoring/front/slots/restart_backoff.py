"""When a slot that exited is started again, and when that has failed too often."""

from collections.abc import Callable

FIRST_DELAY_S = 1.0  # before the second restart in a row; the first is immediate
MAX_DELAY_S = 60.0
MAX_CONSECUTIVE_EXITS = 5  # then liveness fails
STABLE_AFTER_S = 60.0  # a slot that has lived so long starts a new row


class RestartBackoff:
    """The exits of one slot and its successors in a row, that is without an answer between."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._exits = 0
        self._ready_since: float | None = None
        self._starts_at = clock()

    @property
    def remaining_s(self) -> float:
        """The seconds until the next start, 0 once that has come."""
        return max(0.0, self._starts_at - self._clock())

    @property
    def failing(self) -> bool:
        """Whether it has exited so often that a restart of the whole container may help."""
        self._reset_if_stable()
        return self._exits >= MAX_CONSECUTIVE_EXITS

    def record_ready(self) -> None:
        self._ready_since = self._clock()

    def reset(self) -> None:
        """A request was answered: whatever ended the slot before does not always do so."""
        self._exits = 0

    def record_exit(self) -> float:
        """Return the seconds to wait before the next start."""
        self._reset_if_stable()
        self._exits += 1
        self._ready_since = None
        delay_s = 0.0
        if self._exits > 1:
            delay_s = float(min(MAX_DELAY_S, FIRST_DELAY_S * 2 ** (self._exits - 2)))
        self._starts_at = self._clock() + delay_s
        return delay_s

    def _reset_if_stable(self) -> None:
        stable_since = self._ready_since
        if stable_since is not None and self._clock() - stable_since >= STABLE_AFTER_S:
            self.reset()
