"""What the Kubernetes API can answer, told by what should happen next."""


class OperatorError(Exception):
    """A machine-readable reason, a human-readable message, and the seconds to keep away."""

    def __init__(self, reason: str, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after = retry_after


class WaitingError(OperatorError):
    """Not a failure yet: look again, at growing intervals."""


class StalledError(OperatorError):
    """Somebody must change something; look again slowly, for they may have."""
