"""Run an image under load, and measure it."""

import sys

from fairlead.contract import ProfileRequest, ProfileResult
from fairlead.tasks.program import TaskContext, run
from fairlead.tasks.trial import tried


def profile(request: ProfileRequest, task: TaskContext) -> ProfileResult:
    """Return what its runtime measured. Raises ``TaskFailedError``."""
    return ProfileResult.model_validate(tried("profile", request, task))


if __name__ == "__main__":
    sys.exit(run(ProfileRequest, profile))
