"""An environment file while it is read: what it asks for so far, and all that is wrong with it."""

from dataclasses import dataclass, field

from fairlead.api.reasons import Reason
from fairlead.finding import MAX_PROBLEMS_READ, Problem
from fairlead.requirement import CondaRecipe, Requirement

MAX_REQUIREMENTS = 500
MAX_CONSTRAINTS = 2000  # of one file: often the whole of what somebody has installed
MAX_OPTIONS = 50  # of one file
MAX_INCLUDES = 20  # of one file, and of all together


@dataclass(frozen=True)
class Include:
    """Another file that a line names (``-r``, or ``-c``: ``constraints``).

    ``before``: how many requirements of the file stand before the line.
    """

    path: str
    line: int
    constraints: bool = False
    before: int = 0


Found = Requirement | Include | Problem


@dataclass
class Reading:
    """Reading goes on after a problem, up to a bound. ``ended``: nothing more is to be read.

    ``options``: each as one of pip's words and its value (``--extra-index-url https://…``).
    """

    python: str | None = None
    python_line: int | None = None
    requirements: list[Requirement] = field(default_factory=list)
    options: list[Requirement] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    conda: CondaRecipe | None = None
    variables: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    ended: bool = False
    most: int = MAX_REQUIREMENTS

    def take(self, found: Found) -> None:
        match found:
            case Problem():
                self.problems.append(found)
                self.ended |= len(self.problems) >= MAX_PROBLEMS_READ
            case Include():
                self._include(found)
            case Requirement() if found.text.startswith("--"):
                self._option(found)
            case Requirement() if len(self.requirements) >= self.most:
                self.too_many(found.line)
            case Requirement():
                self.requirements.append(found)

    def wrong(self, line: int, message: str, remedy: str) -> None:
        self.take(Problem(Reason.ENVIRONMENT_FILE_INVALID, line, message, remedy))

    def too_many(self, line: int) -> None:
        what = f"it asks for more than {self.most} packages"
        remedy = "Name only what the script imports: pip adds what that needs."
        self.wrong(line, what, remedy)
        self.ended = True

    def _include(self, found: Include) -> None:
        if len(self.includes) >= MAX_INCLUDES:
            words = f"it names more than {MAX_INCLUDES} other files"
            self.wrong(found.line, words, "Join some of them.")
            self.ended = True
            return
        before = len(self.requirements)
        self.includes.append(Include(found.path, found.line, found.constraints, before))

    def _option(self, found: Requirement) -> None:
        if len(self.options) >= MAX_OPTIONS:
            words = f"it has more than {MAX_OPTIONS} options"
            self.wrong(found.line, words, "Keep those that are needed.")
            self.ended = True
            return
        self.options.append(found)
