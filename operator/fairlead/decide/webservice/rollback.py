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
from fairlead.decide.webservice.rollout import Rollout, live_revision, observed
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
    kept: str = ""
    """Why the target is not given up though Kubernetes has; empty where that is no question."""

    @property
    def turns_back(self) -> bool:
        """The target is given up just now: the children follow once the status says so."""
        return self.given_up is not None and self.serve == self.target

    def revision(self, active: str | None, progress: Rollout, *, applied: bool) -> Revision:
        """What the status says; ``active`` is the image that serves, ``applied``: the Deployment
        is what ``progress`` is of."""
        good = self.last_good
        if applied and progress.proven:
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


def choose(
    webservice: Webservice,
    target: Release,
    shared_secret: str,
    now: datetime,
    rolled_out: str = "",
) -> Choice:
    """Return what to serve, by what the status says of the target.

    ``shared_secret`` is the name of the one that is looked for in every namespace, empty where
    there is none. ``rolled_out`` is the label of the pods that serve: a target that has got ready
    after all, before it was replaced, is given up no more.
    """
    known = webservice.status.revision or Revision()
    good = known.last_good
    if not target.image:
        return Choice(target, target, None, now, good)
    pods = revision_of(deployment(webservice, target.image, target.pull_secrets))
    if known.pods != pods:
        return Choice(target, target, pods, now, good)
    choice = Choice(target, target, pods, known.since or now, good)
    if known.rolled_back is None:
        return choice
    if good is None or rolled_out == pods or not (_asked(webservice) and _other_image(choice)):
        return replace(choice, since=now)  # it is tried again, for as long as any other
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
    """The same choice, with the target given up where it has failed for too long, or with the
    reason why it is not.

    ``failure`` is what keeps its replicas from being ready, if anything is known to.
    """
    if choice.given_up or live is None or not _asked(webservice):
        return choice
    if progress.settled or live_revision(live) != choice.pods or not _overdue(live):
        return choice
    if kept := _why_kept(choice, live, progress):
        return replace(choice, kept=f"It is not rolled back (spec.rollout.autoRollback): {kept}")
    why = failure or _unexplained(webservice, progress, now)
    return replace(choice, given_up=RolledBack(at=now, failure=why))


def kept_stage(told: StageResult, choice: Choice) -> StageResult:
    """``Deployed`` of a target that is not given up, with the reason why, if there is one."""
    if not choice.kept:
        return told
    message = f"{told.condition.message} {choice.kept}"
    failure = _with(told.failure, message=message) if told.failure else None
    return replace(told, condition=replace(told.condition, message=message), failure=failure)


def rolled_back_stage(
    webservice: Webservice,
    choice: Choice,
    record: RolledBack,
    progress: Rollout,
    failure: FailureStatus | None,
) -> StageResult:
    """``Deployed`` where the target was given up, as ``record`` says; ``failure`` is of what is
    served instead, and goes before the record where nothing serves, or where it came later."""
    cause = record.failure
    at = f"{record.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    good = choice.last_good.image if choice.last_good else ""
    message = (
        f"{choice.target.image} was given up at {at}, after {progress_deadline_s(webservice)} s "
        f"without progress, and {good} is served again.{_how_it_goes(choice, progress, failure)} "
        f"The cause, {cause.reason}: {cause.message}"
    )
    remedy = (
        f"{_without_promises(cause.remedy or '')} The next image, or a change of what the "
        "Webservice says of its pods, is rolled out at once; spec.rollout.autoRollback false "
        "tries the same again."
    )
    told = {"reason": Reason.ROLLED_BACK, "message": message, "remedy": remedy.strip()}
    shown = _with(cause, **told, since=record.at, next_retry_at=None)
    if failure and not choice.turns_back and (progress.settled or not progress.replicas.ready):
        shown = failure
    return StageResult(false("Deployed", Reason.ROLLED_BACK, message), shown, stalled=True)


def _how_it_goes(choice: Choice, progress: Rollout, failure: FailureStatus | None) -> str:
    if choice.turns_back:
        return ""
    if failure is not None:
        verb = "is not well now" if progress.settled else "does not get ready either"
        return f" But that {verb}: {failure.message}"
    if not progress.settled:
        return " Its replicas are not all ready yet."
    return "" if progress.replicas.ready else " But none of its replicas is ready now."


def _asked(webservice: Webservice) -> bool:
    options = webservice.spec.rollout
    return options is not None and options.auto_rollback


def _other_image(choice: Choice) -> bool:
    good = choice.last_good
    return good is not None and good.image not in ("", choice.target.image)


def _overdue(live: ChildEvidence) -> bool:
    """Kubernetes has given up on what the Deployment is made of now."""
    late = live.condition("Progressing").get("reason") == "ProgressDeadlineExceeded"
    return late and observed(live)


def _why_kept(choice: Choice, live: ChildEvidence, progress: Rollout) -> str:
    """Why what Kubernetes has given up is not; empty where nothing speaks against it."""
    if not _other_image(choice):
        return "no other image is known that served with all its replicas ready."
    said = live.condition("Progressing").get("lastTransitionTime")
    if not said or datetime.fromisoformat(said) <= choice.since:
        wanted = f"{choice.since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        return f"it had failed by {wanted} already, and is not known to be wanted for longer."
    if progress.finding is not None and not progress.stalled:
        return "waiting may cure it."
    return ""


def _with(failure: FailureStatus, **changed: object) -> FailureStatus:
    """The same with other words, which are cut where they are too long for the schema."""
    return FailureStatus.model_validate({**dict(failure), **changed})


def _without_promises(remedy: str) -> str:
    """A remedy without what it says of another try: what was given up gets none."""
    parts = remedy.replace("; ", ";\n").replace(". ", ".\n").splitlines()
    kept = " ".join(part for part in parts if "by itself" not in part)
    return f"{kept[:-1]}." if kept.endswith(";") else kept


def _unexplained(webservice: Webservice, progress: Rollout, now: datetime) -> FailureStatus:
    says = f" A pod says: {progress.says}" if progress.says else ""
    return FailureStatus(
        reason=Reason.ROLLOUT_STUCK,
        class_=FailureClass.UNKNOWN,
        message=f"No new replica got ready, and none says why.{says}",
        remedy=f"See `kubectl get events --namespace {webservice.namespace}`.",
        since=now,
    )
