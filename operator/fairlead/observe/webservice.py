"""What a decision about a Webservice looks at: its image, its children, its pods and their logs."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from fairlead.api.meta import COMPONENT, FRONT, INFERENCE_IMAGE
from fairlead.api.objects import InferenceImage, Webservice, read_image
from fairlead.api.refs import Manifest
from fairlead.cluster import PodLog
from fairlead.decide.webservice.claims import service_called
from fairlead.decide.webservice.placement import lacks_nodes
from fairlead.desired.child_kinds import (
    CHILD_KINDS,
    DEPLOYMENT,
    HTTP_ROUTE,
    ChildKind,
    Known,
)
from fairlead.desired.deployment import CONTAINER
from fairlead.desired.front import CONTAINER as FRONT_CONTAINER
from fairlead.desired.front import with_front_by_default
from fairlead.diagnosis.pod_events import needs_events
from fairlead.evidence import (
    NO_METRICS_API,
    Answering,
    ChildEvidence,
    ExposureEvidence,
    WebserviceEvidence,
)
from fairlead.observe.context import ReconcileContext
from fairlead.observe.exposures import exposure_kinds
from fairlead.observe.projection import project
from fairlead.observe.references import Key
from fairlead.pod_evidence import PodEvidence, most_tried, read_event

MAX_LOG_READS = 2  # pods of one service whose logs are read in one reconcile
MAX_EVENT_READS = 2  # pods of one service whose events are
KEY_BYTES = 24


async def observe_webservice(
    webservice: Webservice, context: ReconcileContext
) -> WebserviceEvidence:
    image = _image(webservice, context)
    found = context.cache.pods(webservice.namespace, webservice.name)
    fronts = [PodEvidence(pod, FRONT_CONTAINER) for pod in found if _is_front(pod)]
    serving = [PodEvidence(pod, CONTAINER) for pod in found if not _is_front(pod)]
    (webservice, children), pods, front_pods = await asyncio.gather(
        _with_children(webservice, serving, context),
        _with_logs(serving, context),
        _with_logs(fronts, context),
    )
    fresh_keys = (secrets.token_urlsafe(KEY_BYTES), secrets.token_urlsafe(KEY_BYTES))
    api, name = context.metrics_api, (webservice.namespace, webservice.name)
    if api is not None:
        api.fast_lane.note(webservice, children.get(DEPLOYMENT.key), api.settings)
    return WebserviceEvidence(
        webservice,
        image,
        children,
        pods,
        fresh_keys,
        context.settings,
        front_pods,
        api.settings_of(name) if api else NO_METRICS_API,
        api.measures.of(name) if api else None,
        api.measures.answering(name) if api else Answering(),
        _exposure(webservice, context),
    )


def _exposure(webservice: Webservice, context: ReconcileContext) -> ExposureEvidence:
    expose = webservice.spec.expose
    host = expose.host if expose and expose.host else ""
    held = webservice.status.exposure
    claims = context.cache.claims(host) if host else ()
    # of a host that is held already nothing but claims decides: a look at each one costs time
    new = bool(claims) and not (held and held.host == host)
    elsewhere = new and context.cache.leads_elsewhere(host, webservice.namespace)
    service = service_called(webservice)
    return ExposureEvidence(
        claims,
        not context.cache.knows(HTTP_ROUTE),
        elsewhere,
        context.cache.namesakes(service),
        new and bool(service) and context.cache.namesake_left(service, webservice.namespace),
    )


def _is_front(pod: Manifest) -> bool:
    labels = pod["metadata"].get("labels") or {}
    return bool(labels.get(COMPONENT) == FRONT)


def _image(webservice: Webservice, context: ReconcileContext) -> InferenceImage | None:
    reference = webservice.spec.image_ref
    if reference is None:
        return None
    body = context.cache.object(Key(INFERENCE_IMAGE, webservice.namespace, reference.name))
    return None if body is None else read_image(body)


async def _with_children(
    webservice: Webservice, pods: Sequence[PodEvidence], context: ReconcileContext
) -> tuple[Webservice, Mapping[str, ChildEvidence]]:
    """The children, and with them what the Webservice means where it says nothing of a front."""
    children = await _children(webservice, pods, context)
    if not context.settings.front_default:
        return webservice, children
    meant = with_front_by_default(webservice, children.get(DEPLOYMENT.key))
    if meant is webservice:
        return webservice, children
    return meant, await _children(meant, pods, context)


async def _children(
    webservice: Webservice, pods: Sequence[PodEvidence], context: ReconcileContext
) -> Mapping[str, ChildEvidence]:
    """The children in the cache, and those of the API server that the cache does not have.

    The cache holds what carries our label. What is missing there is looked for live: an object of
    that name without the label may exist, whoever made it.
    """
    found = dict(context.cache.children(webservice.namespace, webservice.name))
    missing = [kind for kind in CHILD_KINDS if kind.key not in found]
    known = Known(unplaced=lacks_nodes(found.get(DEPLOYMENT.key), pods))
    wanted = [kind for kind in missing if kind.wanted(webservice, known)]
    wanted += [kind for kind in _ways_in(webservice, context) if kind.key not in found]
    live = await asyncio.gather(*(_live(kind, webservice, context) for kind in wanted))
    return {**found, **{key: child for key, child in live if child is not None}}


def _ways_in(webservice: Webservice, context: ReconcileContext) -> list[ChildKind]:
    """The Ingress or the HTTPRoute that it asks for, where there may be one."""
    expose, kinds = webservice.spec.expose, exposure_kinds(context.settings)
    asked = (kind for kind in kinds if expose and expose.type == kind.kind)
    return [kind for kind in asked if context.cache.knows(kind)]


async def _live(
    kind: ChildKind, webservice: Webservice, context: ReconcileContext
) -> tuple[str, ChildEvidence | None]:
    manifest = await context.cluster.get(kind.ref(webservice))
    return kind.key, None if manifest is None else project(kind, manifest)


async def _with_logs(pods: list[PodEvidence], context: ReconcileContext) -> list[PodEvidence]:
    lasting = [pod for pod in pods if pod.crashed and not pod.leaving and not pod.finished]
    crashed = sorted(lasting, key=most_tried, reverse=True)[:MAX_LOG_READS]
    read = [await _with_log(pod, context) for pod in crashed]
    return await _with_events([*read, *(pod for pod in pods if pod not in crashed)], context)


async def _with_log(pod: PodEvidence, context: ReconcileContext) -> PodEvidence:
    """The log of the instance that ended: of the previous one, if another runs already."""
    container = pod.failed or pod.scoring
    meta = pod.metadata
    ended = str(container.ended.get("containerID", ""))
    instance = (str(meta["uid"]), container.name, container.restarts, ended)
    log = PodLog(meta["namespace"], pod.name, container.name, previous=container.running)
    return replace(pod, log=await context.logs.tail(instance, log))


async def _with_events(pods: list[PodEvidence], context: ReconcileContext) -> list[PodEvidence]:
    """Read the events of the first pods that need them to be explained."""
    now, left = datetime.now(UTC), MAX_EVENT_READS
    for number, pod in enumerate(pods):
        if left and needs_events(pod, now):
            left -= 1
            meta = pod.metadata
            found = await context.cluster.pod_events(str(meta["namespace"]), str(meta["uid"]))
            pods[number] = replace(pod, events=tuple(map(read_event, found)))
    return pods
