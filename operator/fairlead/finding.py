"""What every diagnosis comes to: one named failure, in the words of the person who can act."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from fairlead.api.failure_class import FailureClass
from fairlead.api.reasons import Reason
from fairlead.redact import redacted

MAX_PROBLEMS = 12  # that one message tells
MAX_PROBLEMS_READ = 100  # of one file: a reader goes no further
MAX_MESSAGE_CHARS = 1200  # characters of what is said of one file: status holds several of them
MAX_REDACTED_CHARS = 20_000  # characters that are searched for secrets: more than a secret has
MAX_QUOTED_CHARS = 100  # characters of the user's text that a message repeats


@dataclass(frozen=True)
class Finding:
    """A cause: ``message`` says what happened and where, ``remedy`` what to do about it.

    ``requirement``: the line of the environment file that is to blame; ``message`` then begins with
    it, so that the user's file and line can be put in front. ``retryable``: it may pass by itself.
    ``container``: of a pod, the one that it is about; None: the scoring container.
    """

    reason: Reason
    class_: FailureClass
    message: str
    remedy: str | None = None
    location: str | None = None
    requirement: str | None = None
    retryable: bool = False
    container: str | None = None


@dataclass(frozen=True)
class Problem:
    """One thing wrong at one line of one of the user's files (0: the file as a whole)."""

    reason: Reason
    line: int
    message: str
    remedy: str


def combine(file: str, problems: Iterable[Problem]) -> Finding:
    """Return one finding that tells everything wrong with ``file``, in the order of its lines.

    A reader that stopped at ``MAX_PROBLEMS_READ`` may have left others unread.
    """
    ordered = sorted(problems, key=lambda problem: problem.line)
    first, *others = ordered[:MAX_PROBLEMS]
    location = f"{file}:{first.line}" if first.line else file
    told = [f"{location}: {first.message}", *(_told(problem) for problem in others)]
    if len(ordered) >= MAX_PROBLEMS_READ:
        told.append("and many more")
    elif len(ordered) > MAX_PROBLEMS:
        told.append(f"and {len(ordered) - MAX_PROBLEMS} more")
    remedies = dict.fromkeys(problem.remedy for problem in (first, *others))
    return Finding(
        reason=first.reason,
        class_=FailureClass.USER,
        message=_cut("; ".join(told) + "."),
        remedy=_cut(" ".join(remedies)),
        location=location,
    )


def _cut(text: str) -> str:
    return text if len(text) <= MAX_MESSAGE_CHARS else f"{text[:MAX_MESSAGE_CHARS]}…"


def _told(problem: Problem) -> str:
    return f"line {problem.line}: {problem.message}" if problem.line else problem.message


def quoted(text: str) -> str:
    """Return the user's own text for a message, in backticks."""
    return f"`{shown(text)}`"


def shown(text: str, most: int = MAX_QUOTED_CHARS) -> str:
    """Return the user's own text for a message: on one line, without secrets, short."""
    line = " ".join(redacted(text[:MAX_REDACTED_CHARS]).split())
    return line if len(line) <= most else f"{line[:most]}…"


def listed(names: Collection[str], most: int = 10) -> str:
    """Return ``a, b and c``, or the first ``most`` and how many more there are."""
    head, left = list(names)[:most], len(names) - most
    if left > 0:
        return f"{', '.join(head)} and {left} more"
    return " and ".join([", ".join(head[:-1]), head[-1]] if len(head) > 1 else head)
