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
    name = keys_name(webservice)
    missing = any(names_keys(event, name) for pod in evidence.pods for event in pod.events)
    manifest = keys(webservice, *evidence.fresh_keys)
    return (Create(manifest, missing=missing, news=_made(webservice, now)),)


def keys_stage(webservice: Webservice, *, asked: bool) -> tuple[StageResult, ...]:
    """``KeysReady``: whether the keys are still those that the service began with.

    ``asked``: the Secret is asked for now.
    """
    known = _known(webservice)
    if not authenticated(webservice) or not (asked or known):
        return ()
    if known is None or known.reason != Reason.KEYS_RECREATED:
        condition = _created(webservice)
    else:
        condition = true(KEYS_READY, Reason.KEYS_RECREATED, known.message)
    return (StageResult(condition, informs=True),)


def _made(webservice: Webservice, now: datetime) -> Condition:
    """What is to be said where the Secret was not there."""
    if _known(webservice) is None:
        return _created(webservice)
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
