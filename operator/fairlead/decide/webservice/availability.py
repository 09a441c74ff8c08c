"""``Deployed`` and ``Available``: what a rollout means."""

from fairlead.api.conditions import false, true, unknown
from fairlead.api.reasons import Reason
from fairlead.api.status import FailureStatus
from fairlead.api.webservice import ReplicaCounts
from fairlead.decide.decision import StageResult
from fairlead.decide.display import count
from fairlead.decide.webservice.rollout import Rollout


def deployed(progress: Rollout, failure: FailureStatus | None, budget: int) -> StageResult:
    """``Deployed``: the newest revision is rolled out, and no replica of another is left."""
    if progress.settled:
        return StageResult(true("Deployed", Reason.DEPLOYED, "Every replica runs this revision."))
    if failure is not None:
        return StageResult(
            false("Deployed", failure.reason, failure.message), failure, progress.stalled
        )
    counts = progress.replicas
    if progress.stuck:
        why = f"a pod says: {progress.says.rstrip('.')}." if progress.says else "no pod says why."
        message = (
            f"{counts.updated} of {count(counts.desired, 'replica')} run this revision and nothing "
            f"moves: {why} See `kubectl get pods` and `kubectl describe` of one."
        )
        return StageResult(false("Deployed", Reason.ROLLOUT_STUCK, message), stalled=True)
    message = (
        f"{_progress(progress)}; a new one is ready once init() has returned (it may take "
        f"{budget} s)."
    )
    return StageResult(unknown("Deployed", Reason.ROLLING_OUT, message))


def available(
    progress: Rollout, failure: FailureStatus | None, pending_address: str = ""
) -> StageResult:
    """``Available``: at least one replica answers requests, of whichever revision.

    What fails after the rollout, or beside what serves, has no other place to be told.
    """
    mine = failure if progress.settled else None
    why = f" {mine.message}" if mine else ""
    if progress.replicas.ready:
        message = f"{_ready(progress.replicas)}.{why}{pending_address}"
        return StageResult(true("Available", Reason.SERVING, message), mine)
    if failure is not None:
        message = f"No replica is ready.{why}"
        stalled = progress.settled and progress.stalled
        return StageResult(false("Available", failure.reason, message), mine, stalled)
    return StageResult(unknown("Available", Reason.STARTING, "No replica is ready yet."))


def _progress(progress: Rollout) -> str:
    """What serves while a revision is rolled out."""
    if not progress.old:
        return _ready(progress.replicas)
    counts = progress.replicas
    new = ReplicaCounts(desired=counts.desired, ready=max(counts.ready - progress.old, 0))
    verb = "serves" if progress.old == 1 else "serve"
    return f"{_ready(new, ' of the new revision')}, while {progress.old} of the one before {verb}"


def _ready(counts: ReplicaCounts, which: str = "") -> str:
    verb = "is" if counts.desired == 1 else "are"
    ready = min(counts.ready, counts.desired)
    return f"{ready} of {count(counts.desired, 'replica')}{which} {verb} ready"
