"""When a slot that died is started again, and when that has been tried too often."""

from collections.abc import Callable

FIRST_DELAY = 1.0  # seconds; the first death in a row is repaired at once, the second after this
LONGEST_DELAY = 60.0
TOO_OFTEN = 5  # deaths in a row, and liveness turns red
STEADY = 60.0  # seconds that a slot must live for its deaths before to be forgotten


class Restarts:
    """The deaths of one slot and its successors, in a row: without an answer between them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._deaths = 0
        self._up_since: float | None = None

    @property
    def failing(self) -> bool:
        """Whether it has died so often that a restart of the whole container may help."""
        self._forget_old_deaths()
        return self._deaths >= TOO_OFTEN

    def started(self) -> None:
        self._up_since = self._clock()

    def answered(self) -> None:
        """A request was answered: whatever killed the slot before, it does not do so always."""
        self._deaths = 0

    def died(self) -> float:
        """Return the seconds to wait before the next start."""
        self._forget_old_deaths()
        self._deaths += 1
        self._up_since = None
        if self._deaths == 1:
            return 0.0
        return float(min(LONGEST_DELAY, FIRST_DELAY * 2 ** (self._deaths - 2)))

    def _forget_old_deaths(self) -> None:
        if self._up_since is not None and self._clock() - self._up_since >= STEADY:
            self._deaths = 0
