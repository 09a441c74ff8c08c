"""What a task prints, carried from a pipe to its log by a thread of its own.

A pipe and not the file itself: so the log is bounded whatever the task's processes print, and
however fast. Beyond the log's head a task is slowed down to what a disk takes without noticing.
"""

import os
import select
import threading

from fairlead.runners.attempt_log import AttemptLog

CHUNK_BYTES = 64 * 1024
POLL_MS = 200
MAX_BYTES_PER_S = 16 * 1024 * 1024  # beyond the head
DRAIN_TIMEOUT_S = 2.0  # seconds for what is still in the pipe when the task has ended


class LogPump:
    """Give ``input`` to the task as its standard output; then ``started`` and, once, ``finish``."""

    def __init__(self, log: AttemptLog) -> None:
        """Raises ``OSError`` where there are no more file descriptors."""
        self._log = log
        self._output, self.input = os.pipe()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="task-log", daemon=True)
        self._thread.start()

    def started(self) -> None:
        """The task has the pipe: our copy of its end would keep it open for ever."""
        if self.input >= 0:
            os.close(self.input)
            self.input = -1

    def finish(self) -> None:
        """Take the rest, and end. A process that survived and holds the pipe is not waited for."""
        self.started()
        self._thread.join(DRAIN_TIMEOUT_S)
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        poller = select.poll()
        poller.register(self._output, select.POLLIN | select.POLLHUP)
        try:
            while not self._stop.is_set():
                if not poller.poll(POLL_MS):
                    continue
                content = os.read(self._output, CHUNK_BYTES)
                if not content:
                    return
                self._log.write(content)
                if self._log.beyond_head:
                    self._stop.wait(len(content) / MAX_BYTES_PER_S)
        finally:
            os.close(self._output)
            self._log.close()
