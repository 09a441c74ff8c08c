"""Writes lines to stdout or stderr without ever waiting for whoever reads them.

What cannot be written at once waits in a buffer, which a thread empties; what has no room there is
lost, counted, and told as soon as something can be written again.
"""

import threading
import time
from collections import deque
from typing import Callable, Deque

from .forking import in_forked_child
from .log_target import LogTarget

MAX_BUFFERED_BYTES = 2**20
PATIENT_SHARE = 0.5  # of the buffer: the rest is for lines that cannot wait
PATIENCE_S = 1.0  # how long a reader may take nothing until a patient writer gives up on it
FLUSH_TIMEOUT_S = 1.0
NOT_READ = "nobody read it"
DescribeLoss = Callable[[int, str], bytes]


class LogWriter:
    """Any thread may write. ``lost_lines`` counts what was lost since the start.

    ``describe_loss`` returns the line that tells how many were lost, and why.
    """

    def __init__(
        self,
        target: LogTarget,
        describe_loss: DescribeLoss,
        max_buffered_bytes: int = MAX_BUFFERED_BYTES,
    ) -> None:
        self.target = target
        self._describe_loss = describe_loss
        self._max_buffered_bytes = max_buffered_bytes
        self.lost_lines = 0
        self._reset()
        in_forked_child(self._reset)

    def write(self, line: bytes) -> None:
        """Write the line, or keep it, or count it as lost. Nothing is raised."""
        with self._lock:
            self._write(line, 1.0)

    def write_patiently(self, line: bytes) -> None:
        """The same, but wait for room in the buffer as long as the reader is taking anything."""
        with self._changed:
            while self._is_full(PATIENT_SHARE) and self._is_being_read():
                self._changed.wait(PATIENCE_S)
            self._write(line, PATIENT_SHARE)

    def flush(self, timeout_s: float = FLUSH_TIMEOUT_S) -> None:
        """Wait until everything is written, ``timeout_s`` seconds at most."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while self._pending and time.monotonic() < deadline:
                self._changed.wait(deadline - time.monotonic())

    def _reset(self) -> None:
        """Begin with nothing, in a process that was just forked, too: its parent has the rest.

        The lock may be taken twice by one thread: by a signal's handler or a finalizer that prints.
        """
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._pending: Deque[bytes] = deque()
        self._pending_bytes = 0
        self._lost, self._reason = 0, ""  # not told yet
        self._taken_at = time.monotonic()
        self._draining = False

    def _write(self, line: bytes, share: float) -> None:
        """``share`` is how much of the buffer may be used for it."""
        if self._lost:
            line = self._loss() + line
        if self._accept(line, share):
            self._lost = 0
        else:
            self._lose()

    def _accept(self, data: bytes, share: float) -> bool:
        """Write ``data``, or let the thread do it; else set the reason and return False."""
        if self._pending or self.target.blocks:
            return self._keep(data, share)
        try:
            written = self.target.write(data)
        except BlockingIOError:
            written = 0
        except OSError as error:
            self._reason = error.strerror or str(error)
            return False
        return written == len(data) or self._keep(data[written:], share)

    def _keep(self, data: bytes, share: float) -> bool:
        if self._is_full(share):
            self._reason = NOT_READ
            return False
        if not self._pending:
            self._taken_at = time.monotonic()
        self._pending.append(data)
        self._pending_bytes += len(data)
        if not self._draining:
            self._start_draining()
        return True

    def _lose(self) -> None:
        self._lost += 1
        self.lost_lines += 1

    def _loss(self) -> bytes:
        return self._describe_loss(self._lost, self._reason)

    def _is_full(self, share: float) -> bool:
        return self._pending_bytes > share * self._max_buffered_bytes

    def _is_being_read(self) -> bool:
        return time.monotonic() - self._taken_at < PATIENCE_S

    def _start_draining(self) -> None:
        thread = threading.Thread(target=self._drain, name="fairlead-log", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # there may be no more threads: the next line tries again
            return
        self._draining = True

    def _drain(self) -> None:
        """Write what waits, until nothing does. Only this thread takes anything out."""
        while self._has_pending():
            self.target.wait()
            try:
                written = self.target.write(self._pending[0])
            except BlockingIOError:
                continue
            except OSError as error:
                self._give_up_first(error.strerror or str(error))
            else:
                self._take(written)

    def _has_pending(self) -> bool:
        with self._lock:
            if not self._pending and self._lost and self._accept(self._loss(), 1.0):
                self._lost = 0
            self._draining = bool(self._pending)
            return self._draining

    def _take(self, size: int) -> None:
        """The reader has taken the first ``size`` bytes."""
        with self._changed:
            first = self._pending.popleft()
            self._pending_bytes -= size
            if size < len(first):
                self._pending.appendleft(first[size:])
            self._taken_at = time.monotonic()
            self._changed.notify_all()

    def _give_up_first(self, reason: str) -> None:
        with self._changed:
            self._pending_bytes -= len(self._pending.popleft())
            self._reason = reason
            self._lose()
            self._changed.notify_all()
