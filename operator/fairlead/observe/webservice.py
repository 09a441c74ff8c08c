"""What a decision about a Webservice looks at: its image, its children, its pods and their logs."""

import asyncio
import secrets
from collections.abc import Mapping

from fairlead.api.meta import API_VERSION, INFERENCE_IMAGE, OWNED_BY_WEBSERVICE
from fairlead.api.objects import InferenceImage, Webservice, read_image
from fairlead.api.refs import Ref
from fairlead.cluster import PodLog
from fairlead.desired.child_kinds import CHILD_KINDS
from fairlead.desired.deployment import CONTAINER
from fairlead.evidence import ChildEvidence, PodEvidence, WebserviceEvidence
from fairlead.observe.context import ReconcileContext
from fairlead.observe.projection import project

MAX_LOG_READS = 2  # pods of one service whose logs are read at one look
KEY_BYTES = 24


async def observe_webservice(
    webservice: Webservice, context: ReconcileContext
) -> WebserviceEvidence:
    image, children, pods = await asyncio.gather(
        _image(webservice, context), _children(webservice, context), _pods(webservice, context)
    )
    fresh_keys = (secrets.token_urlsafe(KEY_BYTES), secrets.token_urlsafe(KEY_BYTES))
    return WebserviceEvidence(webservice, image, children, pods, fresh_keys, context.settings)


async def _image(webservice: Webservice, context: ReconcileContext) -> InferenceImage | None:
    reference = webservice.spec.image_ref
    if reference is None:
        return None
    ref = Ref(API_VERSION, INFERENCE_IMAGE.plural, webservice.namespace, reference.name)
    body = await context.cluster.get(ref)
    return None if body is None else read_image(body)


async def _children(
    webservice: Webservice, context: ReconcileContext
) -> Mapping[str, ChildEvidence]:
    found = await asyncio.gather(
        *(context.cluster.get(kind.ref(webservice)) for kind in CHILD_KINDS)
    )
    pairs = zip(CHILD_KINDS, found, strict=True)
    return {kind.kind: project(kind, live) for kind, live in pairs if live is not None}


async def _pods(webservice: Webservice, context: ReconcileContext) -> list[PodEvidence]:
    ref = Ref("v1", "pods", webservice.namespace)
    selector = f"{OWNED_BY_WEBSERVICE}={webservice.name}"
    pods = [PodEvidence(p, CONTAINER) for p in await context.cluster.list(ref, selector)]
    crashed = [pod for pod in pods if pod.crashed and not pod.leaving][:MAX_LOG_READS]
    read = [await _with_log(pod, context) for pod in crashed]
    return [*read, *(pod for pod in pods if pod not in crashed)]


async def _with_log(pod: PodEvidence, context: ReconcileContext) -> PodEvidence:
    """The log of the instance that ended: of the previous one, if another runs already."""
    namespace = pod.pod["metadata"]["namespace"]
    log = PodLog(namespace, pod.name, pod.container, previous=pod.running)
    return PodEvidence(pod.pod, pod.container, await context.cluster.log_tail(log))
