"""The one way in which this program fails: a sentence a person can act on."""

from collections.abc import Sequence


class ClusterError(Exception):
    """What happened; what to do about it; the last useful lines of what was running."""

    def __init__(self, message: str, remedy: str = "", tail: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.tail = tuple(tail)
