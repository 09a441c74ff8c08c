"""How a slot's process ended: exit code, signal, or the kernel's out-of-memory killer."""

import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fairlead_scoring.front.slots.in_flight import Outcome

OOM_COUNTERS = (
    Path("/sys/fs/cgroup/memory.events"),  # cgroup v2
    Path("/sys/fs/cgroup/memory/memory.oom_control"),  # cgroup v1
)
CRASH_SIGNALS = {
    signal.SIGSEGV,
    signal.SIGABRT,
    signal.SIGBUS,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGTRAP,
    signal.SIGSYS,
}


@dataclass(frozen=True)
class ProcessExit:
    """``code`` is the exit code; negative, it is a signal's number.

    ``disconnected``: it closed its pipe to the front, went on, and was killed for that.
    """

    code: int
    out_of_memory: bool = False
    disconnected: bool = False

    @property
    def description(self) -> str:
        """What the process did, as the end of a sentence: ``was killed by SIGSEGV``."""
        if self.out_of_memory:
            return "used more memory than the container may have and was killed by the kernel"
        if self.disconnected:
            return "closed its connection to the server and was killed"
        if self.code < 0:
            return f"was killed by {_signal_name(-self.code)}"
        return f"ended with exit code {self.code}"

    @property
    def outcome(self) -> Outcome:
        """The outcome of a request that was in the process."""
        if self.out_of_memory:
            return Outcome.OUT_OF_MEMORY
        if self.code >= 0:
            return Outcome.EXITED
        return Outcome.CRASHED if -self.code in CRASH_SIGNALS else Outcome.KILLED


def oom_kills(counters: Iterable[Path] = OOM_COUNTERS) -> int:
    """Return how often the kernel killed a process of this container because memory ran out.

    0 where the counter cannot be read.
    """
    for path in counters:
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return 0


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
