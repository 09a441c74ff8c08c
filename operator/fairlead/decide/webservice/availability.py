"""``Deployed``, ``Available`` and ``Scaling``: what a rollout and an autoscaler mean."""

from datetime import datetime, timedelta

from fairlead.api.conditions import Condition, false, true, unknown
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.api.status import FailureStatus
from fairlead.api.webservice import ReplicaCounts, WebserviceSpec
from fairlead.decide.decision import StageResult
from fairlead.decide.display import count
from fairlead.decide.webservice.rollout import Rollout
from fairlead.evidence import ChildEvidence


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


METRICS_GRACE = timedelta(minutes=2)  # a new replica has no CPU metrics for its first minute
SCALING = "Scaling"


def scaling(autoscaler: ChildEvidence | None, spec: WebserviceSpec, now: datetime) -> Condition:
    """Return the condition for an autoscaler as it is, or for a fixed number of replicas."""
    wanted = spec.autoscaled
    if wanted is None:
        words = f"spec.replicas is {spec.replicas}; nothing scales."
        return true(SCALING, Reason.FIXED_REPLICAS, words)
    if autoscaler is None or not autoscaler.status:
        return unknown(SCALING, Reason.PENDING, "The autoscaler has not looked yet.")
    active = autoscaler.condition("ScalingActive")
    if active.get("status") == "False":
        return _blind(active, now)
    if autoscaler.condition("ScalingLimited").get("reason") == "TooManyReplicas":
        words = (
            f"All {wanted.max_replicas} replicas of maxReplicas are in use: raise it if requests "
            "are refused."
        )
        return true(SCALING, Reason.AT_MAX_REPLICAS, words)
    words = (
        f"Between {wanted.min_replicas} and {wanted.max_replicas} replicas, at "
        f"{wanted.target_utilization} % of their CPU."
    )
    return true(SCALING, Reason.SCALING, words)


def _blind(active: Manifest, now: datetime) -> Condition:
    message = (
        f"The autoscaler has no CPU metrics, so the number of replicas stays as it is: "
        f"{active.get('message', 'no reason given')} (Is metrics-server running?)"
    )
    since = active.get("lastTransitionTime")
    if since and now - datetime.fromisoformat(str(since)) > METRICS_GRACE:
        return false(SCALING, Reason.METRICS_UNAVAILABLE, message)
    return unknown(SCALING, Reason.METRICS_UNAVAILABLE, message)
