"""What the Kubernetes API can answer, told by what should happen next."""

from collections.abc import Sequence


class OperatorError(Exception):
    """A machine-readable reason, a human-readable message, and the seconds to keep away.

    ``fields``: paths in the refused object that the API server named; ``terminating``: it refused
    because the namespace is being deleted.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        retry_after: float = 0.0,
        *,
        fields: Sequence[str] = (),
        terminating: bool = False,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after = retry_after
        self.fields = tuple(fields)
        self.terminating = terminating


class WaitingError(OperatorError):
    """Not a failure yet: try again, at growing intervals."""


class StalledError(OperatorError):
    """Somebody must change something; try again slowly, for they may have."""


class ExpiredError(WaitingError):
    """The API server no longer has the version that a list or a watch was to go on from."""


class ReplacedError(WaitingError):
    """The object is not the one that was observed: it is gone, or another has its name."""


class LeaseLostError(Exception):
    """Another operator may work by now, so this one must not."""
