"""Why a front does not get ready: its image is the operator's, so its user can mend little."""

from dataclasses import replace

from fairlead.api.reasons import Reason
from fairlead.api.status import FailureClass
from fairlead.diagnosis.containers import OUT_OF_MEMORY, exit_words
from fairlead.diagnosis.image_pull import image_cannot_be_pulled
from fairlead.diagnosis.pods import SETTING_UP
from fairlead.evidence import PodContext
from fairlead.finding import Finding
from fairlead.pod_evidence import PodEvidence

SETTING = "The image of fronts is the operator's setting FAIRLEAD_FRONT_IMAGE."
MAX_LOG_CHARS = 500


def diagnose_front(pod: PodEvidence, image: str) -> Finding | None:
    """What keeps a front from being ready; None where nothing is known to."""
    if pod.ready:
        return None
    about = PodContext("", None, image, None, startup_budget=0)
    unpulled = image_cannot_be_pulled(pod, about)
    if unpulled is not None:
        return _of_the_operator(unpulled, Reason.FRONT_IMAGE_PULL_FAILED)
    checks = (check(pod, about) for check in SETTING_UP)
    found = next((finding for finding in checks if finding), None)
    if found is not None:
        words = f"A pod of the front does not start. {found.message}"
        return replace(found, reason=Reason.FRONT_UNAVAILABLE, message=words)
    return _ended(pod)


def _of_the_operator(found: Finding, reason: Reason) -> Finding:
    """Nothing that is wrong with the image is the fault of whoever wrote the Webservice."""
    mine = found.class_ is FailureClass.USER
    return replace(
        found,
        reason=reason,
        class_=FailureClass.INFRASTRUCTURE if mine else found.class_,
        message=f"The front has no image. {found.message}",
        remedy=f"{found.remedy} {SETTING}",
    )


def _ended(pod: PodEvidence) -> Finding | None:
    front = pod.scoring
    if not front.failed:
        return None
    said = (pod.log or front.termination_message).strip()[-MAX_LOG_CHARS:]
    out_of_memory = front.end_reason == OUT_OF_MEMORY
    why = "as it ran out of memory" if out_of_memory else f"with {exit_words(front.exit_code)}"
    return Finding(
        Reason.FRONT_UNAVAILABLE,
        FailureClass.INFRASTRUCTURE,
        f"HAProxy ended {why} and is started again{f': {said}' if said else '.'}",
        f"See its log; a front may use spec.front.resources.limits.memory. {SETTING}",
        container=front.name,
    )
