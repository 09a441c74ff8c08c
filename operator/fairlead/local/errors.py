"""Why something that was asked for was not done, in the words of the person who can act."""

from fairlead.api.failure_class import FailureClass
from fairlead.api.reasons import Reason
from fairlead.finding import Finding


class LocalError(Exception):
    """``log_tail``: the end of what a build or a service printed."""

    def __init__(self, finding: Finding, log_tail: str = "") -> None:
        super().__init__(finding.message)
        self.finding = finding
        self.log_tail = log_tail
        self.fields: dict[str, str] = {}
        """More that is known, by its name in ``status.failure``."""


def refusal(
    reason: Reason, message: str, remedy: str, class_: FailureClass = FailureClass.USER
) -> LocalError:
    """One finding, to be raised."""
    return LocalError(Finding(reason, class_, message, remedy))
