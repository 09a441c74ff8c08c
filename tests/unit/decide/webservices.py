"""Webservices with their children, and what is decided about them."""

from collections.abc import Mapping
from typing import Any

from fairlead.api.objects import InferenceImage, Webservice
from fairlead.api.refs import Manifest
from fairlead.api.webservice import WebserviceStatus
from fairlead.decide.decision import Action, Create, Decision
from fairlead.decide.webservice.stages import decide_webservice
from fairlead.desired.child_kinds import CHILD_KINDS, DEPLOYMENT, FRONT_DEPLOYMENT, Known
from fairlead.desired.front import FrontSettings
from fairlead.evidence import WebserviceEvidence
from fairlead.settings import Settings
from tests.unit.live import applied, child
from tests.unit.objects import NOW, image

PROGRESSED = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
DIGEST = f"sha256:{'1' * 64}"
BUILT = image({"imageLocation": "localhost:5000/demo/diabetes:3", "imageDigest": DIGEST})
REFERENCE = f"localhost:5000/demo/diabetes@{DIGEST}"


def evidence(
    wanted: Webservice,
    of: InferenceImage | None = BUILT,
    children: Mapping[str, Manifest] | None = None,
) -> WebserviceEvidence:
    return WebserviceEvidence(
        wanted,
        of,
        {kind: child(live) for kind, live in (children or {}).items()},
        (),
        ("one", "two"),
        Settings(external_host=""),
    )


def decided(given: WebserviceEvidence) -> Decision[WebserviceStatus]:
    return decide_webservice(given, NOW)


def said(decision: Decision[WebserviceStatus]) -> dict[str, str]:
    return {c.type: f"{c.truth}/{c.reason}" for c in decision.conditions}


def changes(decision: Decision[WebserviceStatus]) -> list[Action]:
    """The actions but the create that asks for the keys' Secret."""
    return [action for action in decision.actions if not isinstance(action, Create)]


def made(wanted: Webservice, *, front: int = 0, **status: Any) -> dict[str, Manifest]:
    """The children, by key, as they are once everything was applied; ``front``: ready fronts."""
    settings = Settings()
    known = FrontSettings(settings.front_image, settings.cluster_domain, serves=front > 0)
    built = ((kind.key, kind.wanted(wanted, Known(REFERENCE, front=known))) for kind in CHILD_KINDS)
    counts: dict[str, Manifest] = {
        DEPLOYMENT.key: {"observedGeneration": 1, **status},
        FRONT_DEPLOYMENT.key: {"observedGeneration": 1, "readyReplicas": front},
    }
    return {key: applied(m, counts.get(key), replicas=2) for key, m in built if m}


SERVING = {"replicas": 2, "readyReplicas": 2, "updatedReplicas": 2}
