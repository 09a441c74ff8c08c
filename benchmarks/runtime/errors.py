"""The one way in which a peer drops out: a row of the tables says why, the others go on."""

from collections.abc import Sequence


class PeerError(Exception):
    """A server could not be installed or started, or answers wrongly; ``tail``: its last lines."""

    def __init__(self, message: str, tail: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.tail = tuple(tail)
