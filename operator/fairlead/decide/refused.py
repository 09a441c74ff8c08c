"""What an object asks for and cannot have: everything that is wrong, said in one stage."""

from collections.abc import Sequence
from datetime import datetime

from fairlead.api.conditions import false
from fairlead.api.status import FailureStatus
from fairlead.decide.decision import StageResult
from fairlead.finding import Finding


def refused(
    type_: str, found: Sequence[Finding], known: FailureStatus | None, now: datetime
) -> StageResult:
    """One stage for all that is wrong; the first finding gives the reason."""
    first = found[0]
    remedies = dict.fromkeys(finding.remedy for finding in found if finding.remedy)
    failure = FailureStatus(
        reason=first.reason,
        class_=first.class_,
        message=" Also: ".join(finding.message for finding in found),
        remedy=" ".join(remedies) or None,
        location=first.location,
        since=known.since if known and known.reason == first.reason else now,
    )
    return StageResult(false(type_, failure.reason, failure.message), failure, stalled=True)
