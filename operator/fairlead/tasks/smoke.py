"""Try an image before it gets its tag: its import, ``init()``, and ``run()`` of a sample."""

import sys

from fairlead.contract import SmokeRequest, SmokeResult
from fairlead.tasks.program import TaskContext, run
from fairlead.tasks.trial import tried


def smoke(request: SmokeRequest, task: TaskContext) -> SmokeResult:
    """Return how long it took. Raises ``TaskFailedError``."""
    return SmokeResult.model_validate(tried("smoke", request, task))


if __name__ == "__main__":
    sys.exit(run(SmokeRequest, smoke))
