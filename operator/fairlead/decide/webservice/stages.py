"""Webservice: serve the image it refers to, keep what serves, and say why if it does not."""

from datetime import datetime

from fairlead.api.conditions import true, unknown
from fairlead.api.objects import InferenceImage, Webservice
from fairlead.api.reasons import Reason
from fairlead.api.status import FailureStatus
from fairlead.api.webservice import (
    ReplicaCounts,
    State,
    WebserviceDisplay,
    WebserviceStatus,
)
from fairlead.decide.decision import (
    ON_RESYNC_S,
    REQUEUE_SLOW_S,
    REQUEUE_SOON_S,
    Action,
    Decision,
    StageResult,
    not_reached,
)
from fairlead.decide.image.stages import image_reference
from fairlead.decide.missing import missing, not_found
from fairlead.decide.platform import on_platform
from fairlead.decide.webservice.address import SCORE, SWAGGER, base_uri, pending_address
from fairlead.decide.webservice.availability import available, deployed
from fairlead.decide.webservice.capacity import capacity
from fairlead.decide.webservice.children import Plan, plan, wanted_kinds, withdrawn
from fairlead.decide.webservice.exposure import (
    Exposure,
    exposed_uri,
    exposure,
    exposure_stage,
)
from fairlead.decide.webservice.front import front_settings, front_stage
from fairlead.decide.webservice.key_secret import create_keys, keys_stage
from fairlead.decide.webservice.ownership import (
    Ownership,
    name_taken,
    ownership,
    waiting_for_deletion,
)
from fairlead.decide.webservice.placement import tells_front
from fairlead.decide.webservice.pull_secrets import own_pull_secret, pull_secrets
from fairlead.decide.webservice.rollback import (
    Choice,
    Release,
    choose,
    judge,
    kept_stage,
    rolled_back_stage,
)
from fairlead.decide.webservice.rollout import (
    Rollout,
    failure_of,
    live_revision,
    rolled_out,
    rollout,
)
from fairlead.decide.webservice.scaling import scaling
from fairlead.decide.webservice.settled import settled_stage
from fairlead.decide.webservice.virtual_nodes import placed
from fairlead.desired.child_kinds import AUTOSCALER, DEPLOYMENT, SERVICE, Known
from fairlead.desired.deployment import (
    authenticated,
    liveness_window_s,
    longest_startup_s,
    revision_of,
    startup_budget_s,
)
from fairlead.desired.keys import keys_name
from fairlead.desired.metadata import selector
from fairlead.diagnosis.pod_events import may_soon_need_events
from fairlead.evidence import PodContext, WebserviceEvidence
from fairlead.settings import pairs

AT_ONCE_S = 0.3  # what has failed is in the status: now the children follow


def decide_webservice(evidence: WebserviceEvidence, now: datetime) -> Decision[WebserviceStatus]:
    """Serve the image that is wanted; while there is none, or where it has failed and is to be
    rolled back, what was served before."""
    webservice = evidence.webservice
    image, image_stage = _image(evidence, now)
    asked = placed(webservice, pairs(evidence.settings.virtual_nodes))
    asked = on_platform(asked, evidence.image)
    target = Release(
        image or _served_last(evidence), own_pull_secret(evidence), pull_secrets(evidence)
    )
    got = exposure(evidence, now)
    owned = ownership(webservice, evidence.children, wanted_kinds(webservice, got.granted))
    serves_now = rolled_out(owned.ours.get(DEPLOYMENT.key))
    choice = choose(asked, target, evidence.settings.registry_secret, now, serves_now)
    serve = choice.serve
    fronts = front_settings(evidence, owned)
    known = Known(
        serve.image,
        serve.pull_secrets,
        fronts,
        evidence.scaling,
        got.granted,
        unplaced=tells_front(evidence, owned),
    )
    planned = _plan(asked, known, owned, now)
    progress = _progress(evidence, owned, choice.serve, planned)
    failure = failure_of(progress, webservice.status.failure, now)
    choice = judge(asked, choice, owned.ours.get(DEPLOYMENT.key), progress, failure, now)
    scales = scaling(owned.ours.get(AUTOSCALER.key), evidence, now)
    deploys, serves = _stages(evidence, owned, progress, choice, failure, now)
    stages = (
        image_stage,
        deploys,
        *front_stage(evidence, owned, now),
        serves,
        *exposure_stage(evidence, owned, got, now),
        scales,
        *keys_stage(webservice),
        *(settled_stage(webservice, planned, owned, now) if planned else ()),
    )
    if planned is not None:
        keys = create_keys(evidence, now)
        actions: tuple[Action, ...] = (*planned.first, *keys, *planned.actions)
    else:
        actions = tuple(withdrawn(asked, owned, got.granted))
    return Decision(
        _exposed(evidence, owned, got, _status(evidence, owned, progress, choice, planned)),
        stages,
        actions=actions,
        changes=planned.changes if planned else (),
        requeue_after=AT_ONCE_S if choice.turns_back else _requeue_after(evidence, progress, now),
    )


def _plan(asked: Webservice, known: Known, owned: Ownership, now: datetime) -> Plan | None:
    """What to do with the children; None where nothing may be touched, or there is no image."""
    if owned.taken or not known.image:
        return None
    return plan(asked, known, owned, now)


def _image(evidence: WebserviceEvidence, now: datetime) -> tuple[str | None, StageResult]:
    """The reference of the image to serve, if there is one, and what to say about it."""
    webservice, spec = evidence.webservice, evidence.webservice.spec
    if spec.image is not None:
        return spec.image, StageResult(true("ImageReady", Reason.IMAGE_READY, spec.image))
    name, known = spec.image_ref.name if spec.image_ref else "", webservice.status.failure
    if evidence.image is None:
        message = f"InferenceImage '{name}' does not exist in namespace '{webservice.namespace}'."
        remedy = "Create it, or correct spec.imageRef.name. It is noticed as soon as it exists."
        return None, not_found(
            "ImageReady", Reason.IMAGE_NOT_FOUND, message, remedy, webservice, now
        )
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


def _progress(
    evidence: WebserviceEvidence, owned: Ownership, serve: Release, planned: Plan | None
) -> Rollout:
    """How far the rollout has come; only our own Deployment is read."""
    spec, live = evidence.webservice.spec, owned.ours.get(DEPLOYMENT.key)
    if live is None:
        least = spec.autoscaled.min_replicas if spec.autoscaled else spec.fixed_replicas
        return Rollout(ReplicaCounts(desired=least or 1), settled=False)
    revision = revision_of(planned.deployment) if planned else live_revision(live)
    return rollout(live, revision, evidence.pods, _circumstances(evidence, serve))


def _stages(
    evidence: WebserviceEvidence,
    owned: Ownership,
    progress: Rollout,
    choice: Choice,
    failure: FailureStatus | None,
    now: datetime,
) -> tuple[StageResult, ...]:
    """What is to be said of the children that serve."""
    webservice = evidence.webservice
    serves = available(progress, failure, pending_address(owned.ours.get(SERVICE.key)))
    if owned.taken:
        return name_taken(webservice, owned, now), serves
    if owned.leaving:
        return waiting_for_deletion(owned), serves
    if not choice.serve.image and DEPLOYMENT.key not in owned.ours:
        return not_reached("Deployed", "Available", why="Waits for the image.")
    if (record := choice.given_up) is not None:
        return rolled_back_stage(webservice, choice, record, progress, failure), serves
    told = deployed(progress, failure, startup_budget_s(webservice))
    return kept_stage(told, choice), serves


def _circumstances(evidence: WebserviceEvidence, serve: Release) -> PodContext:
    spec = evidence.webservice.spec
    limits = spec.resources.limits if spec.resources else None
    return PodContext(
        webservice=evidence.webservice.name,
        inference_image=spec.image_ref.name if spec.image_ref else None,
        image=serve.image,
        memory_limit=limits.memory if limits else None,
        startup_budget=startup_budget_s(evidence.webservice),
        longest_startup_s=longest_startup_s(evidence.webservice),
        liveness_window_s=liveness_window_s(evidence.webservice),
        pull_secrets=serve.pull_secrets,
        keys_secret=keys_name(evidence.webservice) if authenticated(evidence.webservice) else "",
    )


def _status(
    evidence: WebserviceEvidence,
    owned: Ownership,
    progress: Rollout,
    choice: Choice,
    planned: Plan | None,
) -> WebserviceStatus:
    service, known = owned.ours.get(SERVICE.key), evidence.webservice.status
    addresses = [pod.host_ip for pod in evidence.pods if pod.ready and pod.host_ip]
    base = base_uri(service, addresses, evidence.settings.external_host) if service else None
    before = known.revision.active if known.revision else None
    replicas, pod_labels = progress.replicas, selector(evidence.webservice)
    active = (choice.serve.image if progress.settled else before) if replicas.ready else None
    failed = owned.taken and not replicas.ready
    load = capacity(evidence, replicas.ready)
    return WebserviceStatus(
        state=State.FAILED if failed else progress.state,
        scoring_uri=base and f"{base}{SCORE}",
        swagger_uri=base and f"{base}{SWAGGER}",
        replicas=replicas,
        selector=",".join(f"{name}={value}" for name, value in pod_labels.items()),
        revision=choice.revision(active, progress, applied=planned is not None),
        capacity=load,
        display=WebserviceDisplay(
            replicas=f"{replicas.ready}/{replicas.desired}",
            utilization=f"{load.utilization_percent}%" if load else None,
            queued=str(load.queued) if load else None,
            refused=f"{load.refused_per_minute:g}" if load else None,
        ),
    )


def _exposed(
    evidence: WebserviceEvidence, owned: Ownership, got: Exposure, status: WebserviceStatus
) -> WebserviceStatus:
    """The status with the host's address, where that works, and with the host that is held."""
    base = exposed_uri(evidence, owned, got)
    uris = {"scoring_uri": f"{base}{SCORE}", "swagger_uri": f"{base}{SWAGGER}"} if base else {}
    return status.model_copy(update={"exposure": got.held, **uris})


def _served_last(evidence: WebserviceEvidence) -> str:
    """The image that was rolled out last: it is kept while there is no other."""
    revision = evidence.webservice.status.revision
    return (revision.target if revision else None) or ""


def _requeue_after(evidence: WebserviceEvidence, progress: Rollout, now: datetime) -> float:
    culprit = progress.culprit
    unread = culprit is not None and culprit.crashed and culprit.log is None
    pods = (*evidence.pods, *evidence.front_pods)
    if unread or any(may_soon_need_events(pod, now) for pod in pods):
        return REQUEUE_SOON_S
    waits = progress.finding is None and not progress.complete
    return REQUEUE_SLOW_S if waits else ON_RESYNC_S
