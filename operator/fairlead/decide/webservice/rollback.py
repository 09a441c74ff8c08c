"""Which image is served where the one that is wanted has failed: the last that was all ready.

What has failed is written into the status first; the reconcile after that goes back. So nothing
that happens to the operator in between makes it try the same again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from fairlead.api.conditions import false
from fairlead.api.objects import Webservice
from fairlead.api.reasons import Reason
from fairlead.api.rollout import LastGood, Revision, RolledBack
from fairlead.api.status import FailureClass, FailureStatus
from fairlead.decide.decision import StageResult
from fairlead.decide.webservice.rollout import Rollout, live_revision
from fairlead.desired.deployment import deployment, progress_deadline_s, revision_of
from fairlead.evidence import ChildEvidence


@dataclass(frozen=True)
class Release:
    """An image, and the Secrets that nodes pull it with: its own, if it has one, and all."""

    image: str
    own_secret: str | None = None
    pull_secrets: Sequence[str] = ()


@dataclass(frozen=True)
class Choice:
    """``target`` is what is wanted, ``serve`` what the children are made from: the same, unless
    the target was ``given_up`` by the status already."""

    target: Release
    serve: Release
    pods: str | None
    """The label of the target's pods; None where there is no target."""
    since: datetime
    """Since when these are wanted."""
    last_good: LastGood | None
    given_up: RolledBack | None = None

    @property
    def turns_back(self) -> bool:
        """The target is given up just now: the children follow once the status says so."""
        return self.given_up is not None and self.serve == self.target

    def revision(self, active: str | None, progress: Rollout, *, applied: bool) -> Revision:
        """What the status says; ``active`` is the image that serves, ``applied``: the Deployment
        is what ``progress`` is of."""
        good = self.last_good
        if applied and progress.settled and progress.replicas.ready:
            good = LastGood(image=self.serve.image, pull_secret=self.serve.own_secret)
        return Revision(
            active=active,
            target=self.target.image or None,
            pull_secret=self.target.own_secret,
            pods=self.pods,
            since=self.since if self.pods else None,
            last_good=good,
            rolled_back=self.given_up,
        )


def choose(webservice: Webservice, target: Release, shared_secret: str, now: datetime) -> Choice:
    """Return what to serve, by what the status says of the target; ``shared_secret`` is the name
    of the one that is looked for in every namespace, empty where there is none."""
    known = webservice.status.revision or Revision()
    good = known.last_good
    if not target.image:
        return Choice(target, target, None, now, good)
    pods = revision_of(deployment(webservice, target.image, target.pull_secrets))
    if known.pods != pods:
        return Choice(target, target, pods, now, good)
    choice = Choice(target, target, pods, known.since or now, good)
    if known.rolled_back is None or good is None or not _goes_back(webservice, choice):
        return choice
    names = dict.fromkeys((good.pull_secret, shared_secret))
    serve = Release(good.image, good.pull_secret, tuple(name for name in names if name))
    return replace(choice, serve=serve, given_up=known.rolled_back)


def judge(
    webservice: Webservice,
    choice: Choice,
    live: ChildEvidence | None,
    progress: Rollout,
    failure: FailureStatus | None,
    now: datetime,
) -> Choice:
    """The same choice, with the target given up where it has failed for too long.

    ``failure`` is what keeps its replicas from being ready, if anything is known to.
    """
    if choice.given_up or live is None or not _goes_back(webservice, choice):
        return choice
    if progress.settled or live_revision(live) != choice.pods or not _overdue(live, choice.since):
        return choice
    why = failure or _unexplained(webservice, progress, now)
    return replace(choice, given_up=RolledBack(at=now, failure=why))


def rolled_back_stage(
    webservice: Webservice,
    choice: Choice,
    record: RolledBack,
    progress: Rollout,
    failure: FailureStatus | None,
) -> StageResult:
    """``Deployed`` where the target was given up, as ``record`` says; ``failure`` is of what is
    served instead."""
    cause = record.failure
    at = f"{record.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    good = choice.last_good.image if choice.last_good else ""
    message = (
        f"{choice.target.image} was given up at {at}, after {progress_deadline_s(webservice)} s "
        f"without progress, and {good} is served again.{_how_it_goes(choice, progress, failure)} "
        f"The cause, {cause.reason}: {cause.message}"
    )
    remedy = (
        f"{cause.remedy or ''} The next image, or a change of what the Webservice says of its "
        "pods, is rolled out at once; spec.rollout.autoRollback false tries the same again."
    )
    told = {"reason": Reason.ROLLED_BACK, "message": message, "remedy": remedy.strip()}
    shown = cause.model_copy(update={**told, "since": record.at, "next_retry_at": None})
    return StageResult(false("Deployed", Reason.ROLLED_BACK, message), shown, stalled=True)


def _how_it_goes(choice: Choice, progress: Rollout, failure: FailureStatus | None) -> str:
    if choice.turns_back or progress.settled:
        return ""
    if failure is not None:
        return f" But that does not get ready either: {failure.message}"
    return " Its replicas are not all ready yet."


def _goes_back(webservice: Webservice, choice: Choice) -> bool:
    """It is wanted, and there is another image to go back to."""
    options, good = webservice.spec.rollout, choice.last_good
    wanted = options is not None and options.auto_rollback
    return wanted and good is not None and good.image not in ("", choice.target.image)


def _overdue(live: ChildEvidence, since: datetime) -> bool:
    """Kubernetes has given up on what is wanted now, and not on what was wanted before."""
    progressing = live.condition("Progressing")
    seen = live.status.get("observedGeneration", 0) >= live.metadata.get("generation", 1)
    said = progressing.get("lastTransitionTime")
    late = progressing.get("reason") == "ProgressDeadlineExceeded"
    return bool(late and seen and said and datetime.fromisoformat(said) > since)


def _unexplained(webservice: Webservice, progress: Rollout, now: datetime) -> FailureStatus:
    says = f" A pod says: {progress.says}" if progress.says else ""
    return FailureStatus(
        reason=Reason.ROLLOUT_STUCK,
        class_=FailureClass.UNKNOWN,
        message=f"No new replica got ready, and none says why.{says}",
        remedy=f"See `kubectl get events --namespace {webservice.namespace}`.",
        since=now,
    )
