"""The Secret with a Webservice's keys: created, mounted by the kubelet, never read by us.

So nobody can watch it. It is asked for by a create that changes nothing where it exists: whenever
the resync is due, and at once where a pod says that it is missing.
"""

from datetime import datetime

from fairlead.api.conditions import Condition, true
from fairlead.api.objects import Webservice
from fairlead.api.reasons import Reason
from fairlead.api.status import ConditionStatus
from fairlead.decide.decision import KEYS_READY, Create, StageResult
from fairlead.desired.deployment import authenticated
from fairlead.desired.keys import keys, keys_name
from fairlead.diagnosis.pod_events import names_keys
from fairlead.evidence import WebserviceEvidence


def create_keys(evidence: WebserviceEvidence, now: datetime) -> tuple[Create, ...]:
    """Make the Secret before the pods that mount it, and again if it is missed."""
    webservice = evidence.webservice
    if not authenticated(webservice):
        return ()
    name, known = keys_name(webservice), _known(webservice)
    missing = any(names_keys(event, name) for pod in evidence.pods for event in pod.events)
    created = _created(webservice)
    create = Create(
        keys(webservice, *evidence.fresh_keys),
        missing=missing,
        news=_made_again(webservice, now) if known else created,
        found=None if known else created,
    )
    return (create,)


def keys_stage(webservice: Webservice) -> tuple[StageResult, ...]:
    """``KeysReady`` as it was said last: nothing is said before the Secret is there.

    What comes of asking for it takes its place.
    """
    known = _known(webservice)
    if known is None or not authenticated(webservice):
        return ()
    if known.reason == Reason.KEYS_RECREATED:
        condition = true(KEYS_READY, Reason.KEYS_RECREATED, known.message)
    else:
        condition = _created(webservice)
    return (StageResult(condition, informs=True),)


def _made_again(webservice: Webservice, now: datetime) -> Condition:
    message = (
        f"Secret '{keys_name(webservice)}' was missing and was made again at "
        f"{now:%Y-%m-%dT%H:%M:%SZ}. The keys are new: whoever calls the service needs them."
    )
    return true(KEYS_READY, Reason.KEYS_RECREATED, message)


def _created(webservice: Webservice) -> Condition:
    message = f"Secret '{keys_name(webservice)}' has the two keys."
    return true(KEYS_READY, Reason.KEYS_CREATED, message)


def _known(webservice: Webservice) -> ConditionStatus | None:
    conditions = webservice.status.conditions
    return next((condition for condition in conditions if condition.type == KEYS_READY), None)
