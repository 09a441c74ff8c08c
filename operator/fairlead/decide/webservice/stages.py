"""Webservice: serve the image it refers to, keep what serves, and say why if it does not."""

from collections.abc import Iterable
from datetime import datetime

from fairlead.api.conditions import false, true, unknown
from fairlead.api.objects import InferenceImage
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest
from fairlead.api.status import FailureClass, FailureStatus
from fairlead.api.webservice import (
    ExposeType,
    Probes,
    ReplicaCounts,
    Revision,
    State,
    WebserviceDisplay,
    WebserviceStatus,
)
from fairlead.decide.decision import (
    REQUEUE_SLOW_S,
    REQUEUE_SOON_S,
    Action,
    Create,
    Decision,
    StageResult,
    not_reached,
)
from fairlead.decide.image.stages import image_reference
from fairlead.decide.missing import missing
from fairlead.decide.webservice.availability import available, deployed, scaling
from fairlead.decide.webservice.children import Plan, plan
from fairlead.decide.webservice.rollout import Rollout, failure_of, live_revision, rollout
from fairlead.desired.child_kinds import AUTOSCALER, DEPLOYMENT, SERVICE
from fairlead.desired.deployment import authenticated, revision_of
from fairlead.desired.keys import keys
from fairlead.evidence import ChildEvidence, PodContext, WebserviceEvidence


def decide_webservice(evidence: WebserviceEvidence, now: datetime) -> Decision[WebserviceStatus]:
    image, image_stage = _image(evidence, now)
    if image is None and evidence.children.get(DEPLOYMENT.kind) is None:
        waiting = not_reached("Deployed", "Available", why="Waits for the image.")
        status = WebserviceStatus(state=State.TRANSITIONING)
        return Decision(status, (image_stage, *waiting), requeue_after=REQUEUE_SOON_S)
    if image is None:  # nothing is made, and nothing that serves is touched
        status, judged = _judged(evidence, _serving(evidence), None, now)
        return Decision(status, (image_stage, *judged), requeue_after=REQUEUE_SOON_S)
    planned = plan(evidence.webservice, image, evidence.children)
    if planned.taken:
        return _name_taken(evidence, image_stage, planned, now)
    status, judged = _judged(evidence, image, planned, now)
    return Decision(
        status,
        (image_stage, *judged),
        actions=(*_keys(evidence), *planned.actions),
        changes=planned.changes,
        requeue_after=_requeue_after(evidence, status),
    )


def _image(evidence: WebserviceEvidence, now: datetime) -> tuple[str | None, StageResult]:
    """The reference of the image to serve, if there is one, and what to say about it."""
    webservice, spec = evidence.webservice, evidence.webservice.spec
    if spec.image is not None:
        return spec.image, StageResult(true("ImageReady", Reason.IMAGE_READY, spec.image))
    name, known = spec.image_ref.name if spec.image_ref else "", webservice.status.failure
    if evidence.image is None:
        message = f"InferenceImage '{name}' does not exist in namespace '{webservice.namespace}'."
        remedy = "Create it, or correct spec.imageRef.name. It is looked for every few seconds."
        return None, missing("ImageReady", Reason.IMAGE_NOT_FOUND, message, remedy, known, now)
    found = image_reference(evidence.image)
    if found is None:
        return None, _no_image_yet(evidence.image, known, now)
    return found, StageResult(true("ImageReady", Reason.IMAGE_READY, found))


def _no_image_yet(image: InferenceImage, known: FailureStatus | None, now: datetime) -> StageResult:
    failure = image.status.failure
    if failure is None:
        words = f"InferenceImage '{image.name}' has no image yet; it is on its way."
        return StageResult(unknown("ImageReady", Reason.WAITING_FOR_IMAGE, words))
    message = f"InferenceImage '{image.name}' has no image: {failure.message}"
    remedy = failure.remedy or f"See `kubectl describe inferenceimage {image.name}`."
    return missing("ImageReady", Reason.WAITING_FOR_IMAGE, message, remedy, known, now)


def _judged(
    evidence: WebserviceEvidence, image: str, planned: Plan | None, now: datetime
) -> tuple[WebserviceStatus, tuple[StageResult, ...]]:
    """How what exists compares with what is wanted: the status, and the stages' words."""
    live, spec = evidence.children.get(DEPLOYMENT.kind), evidence.webservice.spec
    budget = (spec.probes or Probes()).initial_delay_seconds
    if live is None:
        progress = Rollout(ReplicaCounts(desired=spec.replicas or 1), settled=False)
    else:
        about = _circumstances(evidence, image, budget)
        revision = revision_of(planned.deployment) if planned else live_revision(live)
        progress = rollout(live, revision, evidence.pods, about)
    failure = failure_of(progress, evidence.webservice.status.failure, now)
    scales = scaling(evidence.children.get(AUTOSCALER.kind), spec, now)
    return _status(evidence, progress, image), (
        deployed(progress, failure, budget),
        available(progress, failure),
        StageResult(scales, informs=True),
    )


def _circumstances(evidence: WebserviceEvidence, image: str, budget: int) -> PodContext:
    spec = evidence.webservice.spec
    limits = spec.resources.limits if spec.resources else None
    return PodContext(
        webservice=evidence.webservice.name,
        inference_image=spec.image_ref.name if spec.image_ref else None,
        image=image,
        memory_limit=limits.memory if limits else None,
        startup_budget=budget,
    )


def _status(evidence: WebserviceEvidence, progress: Rollout, image: str) -> WebserviceStatus:
    service, known = evidence.children.get(SERVICE.kind), evidence.webservice.status
    addresses = [
        str(pod.pod["status"]["hostIP"])
        for pod in evidence.pods
        if pod.ready and pod.pod["status"].get("hostIP")
    ]
    base = base_uri(service, addresses, evidence.settings.external_host) if service else None
    before = known.revision.active if known.revision else None
    active = image if progress.complete else (before if progress.replicas.ready else None)
    replicas = progress.replicas
    return WebserviceStatus(
        state=progress.state,
        scoring_uri=base and f"{base}{SCORE}",
        swagger_uri=base and f"{base}{SWAGGER}",
        replicas=replicas,
        revision=Revision(active=active, target=image or None),
        display=WebserviceDisplay(replicas=f"{replicas.ready}/{replicas.desired}"),
    )


def _serving(evidence: WebserviceEvidence) -> str:
    revision = evidence.webservice.status.revision
    return (revision.target if revision else None) or ""


def _keys(evidence: WebserviceEvidence) -> list[Action]:
    """Make the Secret before the pods that mount it, and again if it is missed."""
    live = evidence.children.get(DEPLOYMENT.kind)
    ready = live is not None and live.status.get("readyReplicas", 0)
    if ready or not authenticated(evidence.webservice):
        return []
    return [Create(keys(evidence.webservice, *evidence.fresh_keys))]


def _name_taken(
    evidence: WebserviceEvidence, image_stage: StageResult, planned: Plan, now: datetime
) -> Decision[WebserviceStatus]:
    known, reason = evidence.webservice.status.failure, Reason.NAME_TAKEN
    message = (
        f"{' and '.join(planned.taken)} exists already and belongs to somebody else, so it was "
        "left alone, and nothing was made."
    )
    failure = FailureStatus(
        reason=reason,
        class_=FailureClass.USER,
        message=message,
        remedy="Delete or rename one of the two.",
        since=known.since if known and known.reason == reason else now,
    )
    refused = StageResult(false("Deployed", reason, message), failure, stalled=True)
    status = WebserviceStatus(state=State.FAILED)
    return Decision(status, (image_stage, refused))


def _requeue_after(evidence: WebserviceEvidence, status: WebserviceStatus) -> float:
    unread = any(pod.crashed and pod.log is None for pod in evidence.pods)
    return REQUEUE_SOON_S if unread or status.state is State.TRANSITIONING else REQUEUE_SLOW_S


SCORE, SWAGGER = "/score", "/swagger.json"


def base_uri(service: ChildEvidence, node_addresses: Iterable[str], external_host: str) -> str:
    """Return the address of ``service`` as it is in the cluster, without a path.

    A NodePort opens on ``external_host`` if that is set, else on the first of ``node_addresses``;
    where no outside address is known (yet) the Service's name inside the cluster is returned.
    """
    kind = service.spec.get("type")
    if kind == ExposeType.NODE_PORT:
        port = _first(service.spec.get("ports")).get("nodePort")
        host = external_host or next(iter(node_addresses), "")
        if host and port:
            return f"http://{_bracketed(host)}:{port}"
    if kind == ExposeType.LOAD_BALANCER:
        ingress = _first(service.status.get("loadBalancer", {}).get("ingress"))
        host = ingress.get("hostname") or ingress.get("ip") or ""
        if host:
            return f"http://{_bracketed(host)}"
    meta = service.metadata
    return f"http://{meta['name']}.{meta['namespace']}.svc"


def _first(items: list[Manifest] | None) -> Manifest:
    return items[0] if items else {}


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
