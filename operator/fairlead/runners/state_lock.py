"""One operator for one state folder: two would end each other's tasks."""

import fcntl
import os
from pathlib import Path
from typing import BinaryIO

from fairlead.runners.regular_file import open_regular

LOCK_FILE = "lock"
MAX_PID_CHARS = 20


class StateFolderError(OSError):
    """The state folder cannot be used; the text says why and what to do."""


class StateLock:
    """Held until ``release``, or until the process ends in whatever way."""

    def __init__(self, folder: Path) -> None:
        """Raises ``StateFolderError``."""
        self._path = folder / LOCK_FILE
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = _opened(self._path)
        except OSError as error:
            raise StateFolderError(
                f"the state folder {folder} cannot be used ({error.strerror or error}). Make it "
                "writable, make room on its disk, or set FAIRLEAD_STATE_FOLDER to another folder."
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise StateFolderError(
                f"another operator{_holder(self._path)} uses the state folder {folder}. End it, or "
                "set FAIRLEAD_STATE_FOLDER to another folder."
            ) from error
        self._note_holder()

    def release(self) -> None:
        self._file.close()

    def _note_holder(self) -> None:
        """For the message above only, so that a full disk may keep it from being written."""
        try:
            os.ftruncate(self._file.fileno(), 0)
            os.pwrite(self._file.fileno(), str(os.getpid()).encode(), 0)
        except OSError:
            return


def _opened(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    return os.fdopen(descriptor, "rb+")


def _holder(path: Path) -> str:
    try:
        with open_regular(path) as file:
            pid = file.read(MAX_PID_CHARS).decode()
    except (OSError, UnicodeDecodeError):
        return ""
    return f" (pid {pid})" if pid.isdecimal() else ""
