"""One request in a slot, from the frame that carries it to the last frame of its answer."""

import time
from enum import StrEnum
from typing import Protocol

from fairlead_scoring.slot.wire import FrameHead


class Outcome(StrEnum):
    """``x-fairlead-outcome``: why the front answers 500 in the script's place."""

    TIMEOUT = "timeout"  # run() took longer than SCORING_TIMEOUT_MS and was interrupted
    OUT_OF_MEMORY = "out_of_memory"  # the kernel killed the process: memory ran out
    CRASHED = "crashed"  # the process died of a fault of its own: SIGSEGV, SIGABRT and the like
    KILLED = "killed"  # somebody else killed the process, by a signal
    EXITED = "exited"  # run() ended its process: os._exit()


class AnswerListener(Protocol):
    """Receives what becomes of a request. Of the first two exactly one is called, once."""

    def on_answer(self, head: FrameHead, body: bytes) -> None:
        """The script has answered; where the head says ``more``, chunks follow."""

    def on_failure(self, outcome: Outcome) -> None:
        """The script will not answer."""

    def on_chunk(self, body: bytes, *, more: bool) -> None:
        """The next piece of the answer has come."""

    def on_abort(self) -> None:
        """The rest of the answer will not come."""


class InFlightRequest:
    """``done`` is whether the slot has sent all that it will send; ``timed_out``, whether the
    request has been answered without it; ``interrupted``, whether ``run()`` was by then.
    ``started_at`` is in seconds of the monotonic clock."""

    __slots__ = (
        "_answered", "_listener", "done", "interrupted", "seq", "started_at", "timed_out",
    )  # fmt: skip

    def __init__(self, seq: int, listener: AnswerListener) -> None:
        self.seq = seq
        self.started_at = time.monotonic()
        self.done = self.timed_out = self.interrupted = self._answered = False
        self._listener = listener

    @property
    def running(self) -> bool:
        """Whether ``run()`` has not returned yet, and the time-out has not passed."""
        return not self._answered

    def receive(self, head: FrameHead, body: bytes) -> None:
        """Process a frame of the slot that belongs to this request."""
        kind = head["type"]
        if kind == "interrupted":
            self.interrupted = True
            return
        self.done = kind == "abort" or not head["more"]
        if self.timed_out:
            return
        if kind == "answer":
            self._answered = True
            self._listener.on_answer(head, body)
        elif kind == "abort":
            self._listener.on_abort()
        else:
            self._listener.on_chunk(body, more=head["more"])

    def time_out(self) -> None:
        self.timed_out = True
        self.fail(Outcome.TIMEOUT)

    def fail(self, outcome: Outcome) -> None:
        """Nothing more will come from the slot."""
        if self._answered:
            self._listener.on_abort()
        else:
            self._answered = True
            self._listener.on_failure(outcome)
