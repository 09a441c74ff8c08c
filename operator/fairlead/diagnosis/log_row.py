"""One row of the tables that tell what a build's output means."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.diagnosis.build_output import Case, Facts, Phase

RETRIED = "It is tried again."


def no_facts(_: Case) -> Facts:
    """The groups of the pattern are enough."""
    return {}


@dataclass(frozen=True)
class Row:
    """``message`` and ``remedy`` may use the groups of ``pattern`` and what ``facts`` adds.

    ``facts`` returning None: the pattern fits, and yet this is not the cause.
    """

    phases: tuple[Phase, ...]
    pattern: re.Pattern[str]
    reason: Reason
    class_: FailureClass
    message: str
    remedy: str
    retryable: bool = False
    facts: Callable[[Case], Facts | None] = no_facts


def line(pattern: str) -> re.Pattern[str]:
    """``^`` and ``$`` mean a line of the output."""
    return re.compile(pattern, re.MULTILINE)
