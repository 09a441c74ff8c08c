"""How fast requests are worked off, and so when a refused one is worth another try."""

import math

WEIGHT = 0.2  # of the newest measurement in the moving average
UNKNOWN = 1.0  # seconds; what a request takes, as long as none has been measured
LONGEST = 3600  # seconds


class Pace:
    """A moving average of how long a request occupies its place, in seconds."""

    def __init__(self) -> None:
        self._average: float | None = None

    def note(self, seconds: float) -> None:
        """Take in how long one request has occupied its place."""
        before = seconds if self._average is None else self._average
        self._average = before + WEIGHT * (seconds - before)

    def retry_after(self, ahead: int, places: int) -> int:
        """Return the whole seconds, at least 1, in which ``ahead`` requests will be worked off."""
        each = UNKNOWN if self._average is None else self._average
        return min(LONGEST, max(1, math.ceil(ahead * each / max(1, places))))
