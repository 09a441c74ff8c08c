"""Standard output or standard error, by a descriptor of our own that never waits for its reader.

User code closes, replaces and fills these streams. So the file behind a stream is held by another
descriptor; a pipe or a terminal is opened anew, because whether a write waits is a property of the
open file, which other processes share that expect their writes to wait.
"""

import os
import select
import socket
import stat
from typing import Optional, Tuple

FileIdentity = Tuple[int, int]  # the file's device and inode
REOPENED = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY
CLOSED = -1
POLL_INTERVAL_MS = 500  # user code may close a descriptor that is being waited for


class LogTarget:
    """The file that the descriptor ``stream`` (1 or 2) stands for when this object is made.

    With ``guarded`` it is checked before each write that our descriptor still is that file: user
    code runs in this process. ``blocks`` is whether a write may wait for the reader after all.
    """

    def __init__(self, stream: int, *, guarded: bool) -> None:
        self._stream = stream
        self._guarded = guarded
        self._identity = _identity(stream)
        self._descriptor = CLOSED
        self._socket: Optional[socket.socket] = None
        self.blocks = False
        self._open()

    @property
    def redirected(self) -> bool:
        """Whether the script has let the stream's descriptor stand for another file."""
        return _identity(self._stream) not in (None, self._identity)

    def write(self, data: bytes) -> int:
        """Write what can be written now, and return how many bytes that is.

        Raise ``BlockingIOError`` if it is none, ``OSError`` if none will ever be.
        """
        self._ensure_open()
        if self._socket is not None:
            return self._socket.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        return os.write(self._descriptor, data)

    def wait(self) -> None:
        """Wait until something can be written, or for half a second."""
        if not self.blocks and self._descriptor != CLOSED:
            poll = select.poll()
            poll.register(self._descriptor, select.POLLOUT)
            poll.poll(POLL_INTERVAL_MS)

    def _ensure_open(self) -> None:
        if not self._guarded or _identity(self._descriptor) == self._identity:
            return
        self._forget()
        if self._identity is None or _identity(self._stream) != self._identity:
            raise OSError(f"descriptor {self._stream} was closed or replaced by the script")
        self._open()

    def _forget(self) -> None:
        """Leave the descriptor alone: its number may belong to a file of the user's by now."""
        if self._socket is not None:
            self._socket.detach()
        self._descriptor, self._socket = CLOSED, None

    def _open(self) -> None:
        if self._identity is None:
            return
        mode = os.fstat(self._stream).st_mode
        waits = stat.S_ISFIFO(mode) or os.isatty(self._stream)
        reopened = _reopened(self._stream) if waits else None
        self.blocks = waits and reopened is None
        self._descriptor = os.dup(self._stream) if reopened is None else reopened
        if stat.S_ISSOCK(mode):
            self._socket = socket.socket(fileno=self._descriptor)


def _reopened(stream: int) -> Optional[int]:
    """Return a descriptor that does not block; None where /proc or the file's mode forbid it."""
    try:
        return os.open(f"/proc/self/fd/{stream}", REOPENED)
    except OSError:
        return None


def _identity(descriptor: int) -> Optional[FileIdentity]:
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino
