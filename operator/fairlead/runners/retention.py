"""Which folders of ended attempts are kept, and for how long. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fairlead.settings import Settings

MAX_ATTEMPTS_OF_TASK = 3  # of one task that is tried again and again
DAY_S = 86_400.0


@dataclass(frozen=True)
class EndedAttempt:
    """The folder of an attempt that does not run. ``ended_at``: seconds since 1970."""

    folder: Path
    task: str
    ended_at: float
    size_bytes: int


@dataclass(frozen=True)
class RetentionLimits:
    max_folders: int
    max_bytes: int
    max_age_s: float

    @classmethod
    def of(cls, settings: Settings) -> "RetentionLimits":
        return cls(
            max_folders=settings.task_folders_max,
            max_bytes=settings.task_folders_max_bytes,
            max_age_s=settings.task_folders_max_days * DAY_S,
        )


def superfluous(
    attempts: Iterable[EndedAttempt], limits: RetentionLimits, now: float
) -> list[EndedAttempt]:
    """Return the attempts to remove: of one task all but the last three, and what is too old, too
    many or too much, the oldest first to go."""
    kept, total, of_task = 0, 0, Counter[str]()
    removed = []
    for attempt in sorted(attempts, key=lambda a: a.ended_at, reverse=True):
        of_task[attempt.task] += 1
        fits = (
            of_task[attempt.task] <= MAX_ATTEMPTS_OF_TASK
            and now - attempt.ended_at <= limits.max_age_s
            and kept < limits.max_folders
            and total + attempt.size_bytes <= limits.max_bytes
        )
        if fits:
            kept, total = kept + 1, total + attempt.size_bytes
        else:
            removed.append(attempt)
    return removed
