"""Ends a ``run()`` that takes too long by an exception on the main thread, so that it cleans up.

The front asks for it: by a frame that names the request, which nobody reads while ``run()`` runs,
and by a signal, whose handler reads it. So no other request is ever interrupted. The signals are
real-time signals, which libraries leave alone.
"""

import faulthandler
import signal
import sys
from types import FrameType
from typing import Optional

from . import trace
from .own_log import log
from .request import Request
from .wire import Channel

INTERRUPT_SIGNAL = signal.SIGRTMIN + 10
STACK_SIGNAL = signal.SIGRTMIN + 11  # writes the stack even from inside a call into C
FRAME_TIMEOUT_S = 1.0  # the frame and the signal take different ways
STDERR = 2
INTERRUPTED = (
    "run() in request %s has taken longer than SCORING_TIMEOUT_MS allows and is interrupted. "
    "It was at:\n%s"
)
OVERDUE = "run() in request %s has taken longer than SCORING_TIMEOUT_MS allows. It is at:\n%s"


class ScoringTimeout(BaseException):
    """``run()`` took longer than SCORING_TIMEOUT_MS.

    No ``Exception``, or a handler in the middle of ``run()`` would go on with the request.
    """


class Interrupter:
    """Knows which request is in ``run()``; ``begin()`` and ``end()`` say so."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._running: Optional[Request] = None
        self._seq = 0

    def install(self) -> None:
        """Handle the front's signals; on the main thread, where user code is to run."""
        signal.signal(INTERRUPT_SIGNAL, self._handle)
        faulthandler.register(STACK_SIGNAL, file=STDERR, all_threads=False)

    def begin(self, seq: int, request: Request) -> None:
        self._seq, self._running = seq, request

    def end(self) -> None:
        """From now on nothing is interrupted."""
        self._running = None

    def _handle(self, _number: int, frame: Optional[FrameType]) -> None:
        request = self._running
        if request is None or not self._is_asked_for(self._seq):
            return
        self._running = None  # once is enough: whoever swallows it is killed
        log.error(INTERRUPTED, request.id, trace.stack(frame))
        self._channel.send({"type": "interrupted", "seq": self._seq})
        raise ScoringTimeout

    def _is_asked_for(self, seq: int) -> bool:
        try:
            while self._channel.wait(FRAME_TIMEOUT_S):
                head, _ = self._channel.receive()
                if head["type"] == "interrupt" and head["seq"] == seq:
                    return True
        except (EOFError, OSError):  # the front is gone: the main thread will find out
            return False
        return False


def log_overdue(request: Request, thread: int) -> None:
    """Log where ``run()`` is on another thread, which cannot be interrupted."""
    log.error(OVERDUE, request.id, trace.stack(sys._current_frames().get(thread)))
