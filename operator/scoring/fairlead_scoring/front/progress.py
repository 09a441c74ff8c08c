"""Where a starting slot is, and what the log should hear of it while everybody waits."""

from dataclasses import dataclass

from fairlead_scoring.slot.trace import Location
from fairlead_scoring.slot.wire import Head

STAGES = {"import": "its import", "init": "init()"}
REPORT_INTERVAL = 30.0  # seconds


@dataclass
class Progress:
    """What the slot said last; it speaks more often than the log needs."""

    script: str
    stage: str = "import"
    location: Location | None = None
    next_report: float = REPORT_INTERVAL

    @property
    def doing(self) -> str:
        return STAGES[self.stage]

    def note(self, head: Head) -> str | None:
        """Take in a frame of the slot; return the line for the log, when one is due."""
        if head["stage"] != self.stage:
            self.next_report = REPORT_INTERVAL
        self.stage = head["stage"]
        self.location = at = head.get("location")
        seconds = head.get("seconds", 0.0)
        if seconds < self.next_report:
            return None
        self.next_report += REPORT_INTERVAL
        where = ", now at {file}:{line} ({code})".format(**at) if at else ""
        return (
            f"{self.script} has been in {self.doing} for {seconds:.0f} s{where}. The service is "
            "not ready before init() returns."
        )
