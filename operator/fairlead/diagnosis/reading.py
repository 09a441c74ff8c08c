"""What is gathered while a file of the user's is read: what it asks for, and all that is wrong."""

from dataclasses import dataclass, field

from fairlead.api.reasons import Reason
from fairlead.finding import Problem
from fairlead.contract import Requirement


@dataclass
class Reading:
    """An environment file, as far as it was read. Reading goes on after a problem."""

    python: str | None = None
    python_line: int | None = None
    requirements: list[Requirement] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def take(self, found: Requirement | Problem | None) -> None:
        if isinstance(found, Requirement):
            self.requirements.append(found)
        elif found is not None:
            self.problems.append(found)

    def wrong(self, line: int, message: str, remedy: str) -> None:
        self.problems.append(Problem(Reason.ENVIRONMENT_FILE_INVALID, line, message, remedy))
