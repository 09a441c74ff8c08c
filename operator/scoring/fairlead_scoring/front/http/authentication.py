"""The two keys of a service, read from files that the kubelet mounts and may change."""

import hmac
import logging
from pathlib import Path

from fairlead_scoring.slot.console import LOGGER_NAME

logger = logging.getLogger(LOGGER_NAME)
KEY_FILES = ("primaryKey", "secondaryKey")
MAX_READS = 5  # the kubelet may exchange the folder under a reader; it never does so twice at once
HOW_TO_SEND = (
    "Send the service's primary or secondary key in the header 'Authorization: Bearer <key>'. "
    "Whoever runs the service has the keys."
)
NO_KEY = f"This service needs a key, and the request has none. {HOW_TO_SEND}"
WRONG_KEY = (
    f"The key of the request is not one of this service's; it may have been renewed. {HOW_TO_SEND}"
)


class KeyAuthentication:
    """Admits who sends one of the keys; everybody where ``folder`` is None.

    The files are read again when they have changed: keys are renewed without a restart.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._stats: tuple[object, ...] | None = None
        self._keys: tuple[bytes, ...] = ()
        if folder:
            self._current_keys(folder)  # its errors are logged at the start

    def refusal(self, authorization: str) -> str | None:
        """Return why the value of the header is refused, or None."""
        if self._folder is None:
            return None
        scheme, _, key = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            return NO_KEY
        sent = key.strip().encode()
        matches = [hmac.compare_digest(sent, known) for known in self._current_keys(self._folder)]
        return None if any(matches) else WRONG_KEY

    def _current_keys(self, folder: Path) -> tuple[bytes, ...]:
        if _stats(folder) != self._stats:
            self._stats, self._keys = _read_together(folder)
            if not self._keys:
                logger.error("No key in %s: every request to /score is refused.", folder)
        return self._keys


def _read_together(folder: Path) -> tuple[tuple[object, ...], tuple[bytes, ...]]:
    """Return the keys as they lie there side by side, and what tells when they have changed.

    The kubelet puts another folder in the place of the one before and deletes that: files that are
    missing in between are read again, so that no key is refused that was not changed.
    """
    for _ in range(MAX_READS):
        before = _stats(folder)
        keys = tuple(filter(None, (_read(folder / name) for name in KEY_FILES)))
        if _stats(folder) == before:
            break
    return before, keys


def _stats(folder: Path) -> tuple[object, ...]:
    return tuple(_stat(folder / name) for name in KEY_FILES)


def _stat(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:  # reading it raises, too, and is logged
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except FileNotFoundError:
        return b""
    except OSError as error:
        logger.error("A key cannot be read: %s", error)  # noqa: TRY400 - no traceback
        return b""
