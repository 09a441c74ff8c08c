"""Where a starting slot is, and what the log should hear of it while everybody waits."""

from dataclasses import dataclass

from fairlead_scoring.slot.trace import Location
from fairlead_scoring.slot.wire import Head

STAGES = {"import": "its import", "init": "init()"}


@dataclass
class Progress:
    """What the slot said last. ``since`` is when the stage began, in seconds of any one clock."""

    script: str
    since: float = 0.0
    stage: str = "import"
    location: Location | None = None

    @property
    def doing(self) -> str:
        return STAGES[self.stage]

    def note(self, head: Head, now: float) -> None:
        """Take in a frame of the slot."""
        if head["stage"] != self.stage:
            self.since = now
        self.stage = head["stage"]
        self.location = head.get("location")

    def report(self, now: float) -> str:
        """Return the line for the log of a start that takes long."""
        where = ", now at {file}:{line} ({code})".format(**self.location) if self.location else ""
        return (
            f"{self.script} has been in {self.doing} for {now - self.since:.0f} s{where}. The "
            "service is not ready before init() returns."
        )
