"""What one reconcile of one object leads to: its status, actions, wanted tasks."""

import math
from dataclasses import dataclass
from typing import Generic, TypeVar

from fairlead.api.conditions import Condition, summarise, unknown
from fairlead.api.meta import FIELD_MANAGER
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest, Ref
from fairlead.api.status import CommonStatus, FailureStatus
from fairlead.contract import Task

Status = TypeVar("Status", bound=CommonStatus, covariant=True)
MODEL_STAGES = ("Resolved", "Stored")
IMAGE_STAGES = ("InputsReady", "EnvironmentReady", "Assembled")
WEBSERVICE_STAGES = ("ImageReady", "Deployed", "Available", "Scaling")
KEYS_READY = "KeysReady"  # only where a service has keys
FRONT_READY = "FrontReady"  # only where a service has a front
EXPOSED = "Exposed"  # only where a service wants the name of a host
SETTLED = "Settled"  # only where others change what we set
"""The part conditions of each kind, in their order: each status has all of them."""
REQUEUE_SOON_S = 5.0  # seconds, while something is missing
REQUEUE_SLOW_S = 60.0
CLOCK_SLACK_S = 0.5  # what is due is not looked at a moment before
ON_RESYNC_S = math.inf  # no earlier than the next resync: what changes is watched


@dataclass(frozen=True)
class Apply:
    """Server-side apply; ``existing``: the object is there and ours, its uid is in the manifest;
    ``puts_back``: somebody has changed what we had set; ``adopts``: nobody owns it now; an
    ``optional`` one may be refused: nothing else waits for it, and no status tells of it."""

    manifest: Manifest
    existing: bool
    manager: str = FIELD_MANAGER
    puts_back: bool = False
    adopts: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Create:
    """Create once; that it exists already is as good.

    What cannot be read cannot be watched: it is asked for now and then, and at once if ``missing``
    (somebody has said that it is not there). ``news`` is to be said where it was not there,
    ``found`` where it was.
    """

    manifest: Manifest
    missing: bool = False
    news: Condition | None = None
    found: Condition | None = None


@dataclass(frozen=True)
class Delete:
    ref: Ref
    uid: str


Action = Apply | Create | Delete


@dataclass(frozen=True)
class StageResult:
    """One stage's word: its condition, why it fails, and whether waiting can still help.

    One that only ``informs`` has no say in whether the object is ready.
    """

    condition: Condition
    failure: FailureStatus | None = None
    stalled: bool = False
    informs: bool = False
    changes_in_s: float = math.inf
    """Seconds until it says something else although nothing happens."""


@dataclass(frozen=True)
class Decision(Generic[Status]):
    """Everything to do and everything to say, for one look at one object."""

    status: Status
    stages: tuple[StageResult, ...]
    actions: tuple[Action, ...] = ()
    tasks: tuple[Task, ...] = ()
    taken: tuple[str, ...] = ()
    """The tasks whose results are in the status now: they are not needed any more."""
    requeue_after: float = ON_RESYNC_S
    changes: tuple[str, ...] = ()
    """What is new, in a few words each, for the operator's log."""

    @property
    def due_in_s(self) -> float:
        """Seconds until there is something to do or to say although nothing happens."""
        changes = (stage.changes_in_s + CLOCK_SLACK_S for stage in self.stages)
        return min(self.requeue_after, *changes)

    @property
    def conditions(self) -> list[Condition]:
        parts = [stage.condition for stage in self.stages if not stage.informs]
        extras = [stage.condition for stage in self.stages if stage.informs]
        stalled = any(stage.stalled for stage in self.stages)
        return [*summarise(parts, stalled=stalled), *extras]

    @property
    def failure(self) -> FailureStatus | None:
        """The failure of the first stage that has one: the cause comes before what follows."""
        failures = (stage.failure for stage in self.stages)
        return next((failure for failure in failures if failure), None)


def not_reached(*types: str, why: str) -> tuple[StageResult, ...]:
    """The stages behind one that waits: they are there, and say what they wait for."""
    return tuple(StageResult(unknown(type_, Reason.PENDING, why)) for type_ in types)
