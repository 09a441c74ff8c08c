"""The projected token of the task's ServiceAccount, read anew each time: the kubelet renews it."""

from pathlib import Path

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.sources.base import SourceError

MAX_TOKEN_BYTES = 64 * 1024


def identity_token(path: Path, variable: str) -> str:
    """Raises ``SourceError``. ``variable`` names the file to people."""
    try:
        with path.open() as file:
            return file.read(MAX_TOKEN_BYTES).strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SourceError(
            Reason.CREDENTIALS_INVALID,
            f"The token of the task's ServiceAccount ({variable}) cannot be read: {why}.",
            "See how workload identity is set up for the ServiceAccount; it is tried again.",
            FailureClass.AUTH,
            retryable=True,
        ) from error
