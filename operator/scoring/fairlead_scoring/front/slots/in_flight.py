"""One request in a slot, from the frame that carries it to the last frame of its answer."""

import time
from enum import Enum
from typing import Protocol

from fairlead_scoring.slot.wire import Head


class Outcome(str, Enum):
    """``x-fairlead-outcome``: why the front answers 500 in the script's place."""

    TIMEOUT = "timeout"  # run() took longer than SCORING_TIMEOUT_MS; its process was killed
    OUT_OF_MEMORY = "out_of_memory"  # the kernel killed the process: memory ran out
    CRASHED = "crashed"  # the process died of a fault of its own: SIGSEGV, SIGABRT and the like
    KILLED = "killed"  # somebody else killed the process, by a signal
    EXITED = "exited"  # run() ended its process: sys.exit(), os._exit()


class Asker(Protocol):
    """Whoever has asked a slot something. Of the first two exactly one is called, once."""

    def answered(self, head: Head, body: bytes) -> None:
        """The script has answered; where the head says ``more``, chunks follow."""

    def unanswered(self, outcome: Outcome) -> None:
        """The script will not answer."""

    def chunk(self, body: bytes, *, more: bool) -> None:
        """The next piece of the answer has come."""

    def broken_off(self) -> None:
        """The rest of the answer will not come."""


class Exchange:
    """``over`` is whether the slot has sent all that it will send; ``overdue``, whether its request
    has been answered without it. ``began`` is in seconds of the monotonic clock."""

    __slots__ = ("_answered", "_asker", "began", "over", "overdue", "seq")

    def __init__(self, seq: int, asker: Asker) -> None:
        self.seq = seq
        self.began = time.monotonic()
        self.over = self.overdue = self._answered = False
        self._asker = asker

    @property
    def running(self) -> bool:
        """Whether ``run()`` has not returned yet, and somebody waits for that."""
        return not self._answered

    def receive(self, head: Head, body: bytes) -> None:
        """Take in a frame of the slot that belongs to this request."""
        kind = head["type"]
        self.over = kind == "abort" or not head["more"]
        if self.overdue:  # too late
            return
        if kind == "answer":
            self._answered = True
            self._asker.answered(head, body)
        elif kind == "abort":
            self._asker.broken_off()
        else:
            self._asker.chunk(body, more=head["more"])

    def expire(self) -> None:
        self.overdue = True
        self.fail(Outcome.TIMEOUT)

    def fail(self, outcome: Outcome) -> None:
        """Nothing more will come."""
        if self._answered:
            self._asker.broken_off()
        else:
            self._answered = True
            self._asker.unanswered(outcome)
