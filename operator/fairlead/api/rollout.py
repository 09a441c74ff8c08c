"""How a Webservice goes from one revision to the next, and what is remembered of it."""

from typing import Annotated

from pydantic import Field

from fairlead.api.status import FailureStatus, Timestamp
from fairlead.api.wire import StatusWire, Wire

LEAST_DEADLINE_S = 30
MOST_DEADLINE_S = 86_400
Reference = Annotated[str, Field(max_length=640)]  # a stored reference, and a digest
SecretText = Annotated[str, Field(max_length=253)]
DEADLINE_RULE = (
    "!has(self.rollout) || !has(self.rollout.progressDeadlineSeconds) || "
    "self.rollout.progressDeadlineSeconds > "
    "(has(self.probes) ? self.probes.initialDelaySeconds : 310)",
    "rollout.progressDeadlineSeconds must be greater than probes.initialDelaySeconds (310 if not "
    "given), for init() may take that long",
)


class RolloutOptions(Wire):
    """What happens where a new revision does not get ready. What serves goes on serving in any
    case."""

    progress_deadline_seconds: (
        Annotated[int, Field(ge=LEAST_DEADLINE_S, le=MOST_DEADLINE_S)] | None
    ) = None
    """How long a rollout may stand still until it counts as failed; 300 s more than
    probes.initialDelaySeconds if not given."""
    auto_rollback: bool = False
    """True: what has failed by then is replaced by the image that served last. spec stays as it is,
    and the same is not tried again until the image, or what this spec says of the pods, changes."""


class LastGood(StatusWire):
    """What was rolled out last with all its replicas ready."""

    image: Reference
    """The image."""
    pull_secret: SecretText | None = None
    """The Secret that nodes pull it with, if it has one of its own."""


class RolledBack(StatusWire):
    """That the wanted revision has failed, and is not tried again."""

    at: Timestamp
    """When it was given up."""
    failure: FailureStatus
    """Why it did not get ready."""


class Revision(StatusWire):
    """The image that serves, and the image that is wanted (equal when all is well)."""

    active: Reference | None = None
    """The image that serves."""
    target: Reference | None = None
    """The image that is wanted."""
    pull_secret: SecretText | None = None
    """The Secret that nodes pull the wanted image with, if it has one of its own."""
    pods: Annotated[str, Field(max_length=63)] | None = None
    """The label fairlead.dev/revision of the pods that are wanted."""
    since: Timestamp | None = None
    """Since when these are wanted."""
    last_good: LastGood | None = None
    rolled_back: RolledBack | None = None
