"""What a rollout means for the Webservice: the words of ``Deployed`` and ``Available``."""

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureStatus
from fairlead.api.webservice import ReplicaCounts
from fairlead.api.conditions import false, true, unknown
from fairlead.decide.decision import Verdict
from fairlead.decide.display import count
from fairlead.decide.webservice.rollout import Rollout


def deployed(progress: Rollout, failure: FailureStatus | None, budget: int) -> Verdict:
    """``Deployed``: every replica runs the newest revision, and is ready."""
    if progress.complete:
        return Verdict(true("Deployed", Reason.DEPLOYED, "Every replica runs this revision."))
    if failure is not None:
        return Verdict(
            false("Deployed", failure.reason, failure.message), failure, progress.stalled
        )
    counts = progress.replicas
    if progress.stuck:
        message = (
            f"{counts.updated} of {count(counts.desired, 'replica')} run this revision and nothing "
            "moves: no pod says why. See `kubectl get pods` and `kubectl describe` of one."
        )
        return Verdict(false("Deployed", Reason.ROLLOUT_STUCK, message), stalled=True)
    message = (
        f"{_ready(counts)}; a new one is ready once init() has returned (it may take {budget} s)."
    )
    return Verdict(unknown("Deployed", Reason.ROLLING_OUT, message))


def available(progress: Rollout, failure: FailureStatus | None) -> Verdict:
    """``Available``: at least one replica answers requests, of whichever revision."""
    if progress.replicas.ready:
        return Verdict(true("Available", Reason.SERVING, f"{_ready(progress.replicas)}."))
    if failure is not None:
        return Verdict(false("Available", failure.reason, "No replica is ready."))
    return Verdict(unknown("Available", Reason.STARTING, "No replica is ready yet."))


def _ready(counts: ReplicaCounts) -> str:
    verb = "is" if counts.desired == 1 else "are"
    return f"{counts.ready} of {count(counts.desired, 'replica')} {verb} ready"
