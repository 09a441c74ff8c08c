"""The only client of the Kubernetes API. Everything else speaks plain manifests."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

from aiohttp import ClientError
from kubernetes.aio.client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config
from kubernetes.aio.dynamic import DynamicClient
from kubernetes.aio.dynamic.exceptions import ConflictError, DynamicApiError, NotFoundError
from kubernetes.aio.utils import retry_after_seconds

from fairlead.api.meta import FIELD_MANAGER
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest, Ref, ref_of
from fairlead.errors import OperatorError, StalledError, WaitingError

UNREACHABLE = (ClientError, OSError)  # a time-out is an OSError
TRANSIENT_STATUSES = {408, 409, 429}  # and every 5xx
REASONS = {
    401: Reason.UNAUTHORIZED,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    422: Reason.INVALID,
}
MAX_MESSAGE_CHARS = 1000  # characters; what stands behind the API may answer with a whole page
REQUEST_TIMEOUT_S = 30.0  # seconds for one request
APPLY_CONTENT_TYPE = "application/apply-patch+yaml"
METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


@dataclass(frozen=True)
class PodLog:
    """The end of one container's log; ``previous`` is the instance before the running one."""

    namespace: str
    pod: str
    container: str
    previous: bool
    lines: int = 60
    limit_bytes: int = 65_536


class Cluster(Protocol):
    """The verbs this operator needs, and no more. Each raises ``OperatorError``, nothing else."""

    async def get(self, ref: Ref) -> Manifest | None: ...
    async def get_metadata(self, ref: Ref) -> Manifest | None: ...
    async def list(self, ref: Ref, selector: str) -> list[Manifest]: ...
    async def apply(self, manifest: Manifest, *, existing: bool, manager: str) -> Manifest: ...
    async def apply_status(self, manifest: Manifest) -> None: ...
    async def create(self, manifest: Manifest) -> bool: ...
    async def delete(self, ref: Ref, uid: str) -> None: ...
    async def log_tail(self, log: PodLog) -> str | None: ...


class ApiCluster:
    """``Cluster`` over the real API: server-side apply under our field manager."""

    def __init__(self, client: ApiClient) -> None:
        self._client = DynamicClient(client)  # unawaited: our paths need no discovery

    async def get(self, ref: Ref) -> Manifest | None:
        return await self._get(ref, "application/json")

    async def get_metadata(self, ref: Ref) -> Manifest | None:
        """Only the object's metadata: enough to see whether it changed, without its content."""
        return await self._get(ref, METADATA_ONLY)

    async def list(self, ref: Ref, selector: str) -> list[Manifest]:
        with _translated(f"Listing {ref.plural}"):
            answer = await self._request("get", ref.path, label_selector=selector)
        items: list[Manifest] = answer["items"]
        return items

    async def apply(self, manifest: Manifest, *, existing: bool, manager: str) -> Manifest:
        """Create the object, or update the existing one whose uid the manifest carries."""
        ref = ref_of(manifest)
        with _translated(f"Applying {manifest['kind']} {ref.name}"):
            return await self._request(
                "patch",
                ref.path,
                body=manifest,
                content_type=APPLY_CONTENT_TYPE,
                field_manager=manager,
                force_conflicts=existing,  # what appeared since we looked is not ours
            )

    async def apply_status(self, manifest: Manifest) -> None:
        """Write the whole status; an object that is gone by now needs none."""
        ref = ref_of(manifest)
        with _translated(f"Writing the status of {manifest['kind']} {ref.name}"):
            try:
                await self._request(
                    "patch",
                    f"{ref.path}/status",
                    body=manifest,
                    content_type=APPLY_CONTENT_TYPE,
                    field_manager=FIELD_MANAGER,
                    force_conflicts=True,
                )
            except NotFoundError:
                return

    async def create(self, manifest: Manifest) -> bool:
        """Create the object and return True; False where one of that name exists already."""
        ref = ref_of(manifest)
        with _translated(f"Creating {manifest['kind']} {ref.name}"):
            try:
                path = Ref(ref.api_version, ref.plural, ref.namespace).path
                await self._request("post", path, body=manifest, field_manager=FIELD_MANAGER)
            except ConflictError:
                return False
        return True

    async def delete(self, ref: Ref, uid: str) -> None:
        """Delete the very object that was looked at; a successor of the same name stays."""
        body = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        with _translated(f"Deleting {ref.plural} {ref.name}"):
            try:
                await self._request("delete", ref.path, body=body)
            except (NotFoundError, ConflictError):
                return

    async def log_tail(self, log: PodLog) -> str | None:
        """The last lines of a log; None where the kubelet does not have it (any more)."""
        path = f"{Ref('v1', 'pods', log.namespace, log.pod).path}/log"
        query = [
            ("container", log.container),
            ("tailLines", str(log.lines)),
            ("limitBytes", str(log.limit_bytes)),
            *([("previous", "true")] if log.previous else []),
        ]
        with _translated(f"Reading the log of pod {log.pod}"):
            try:
                response = await self._client.request(
                    "get",
                    path,
                    query_params=query,
                    header_params={"Accept": "*/*"},
                    serialize=False,
                    _request_timeout=REQUEST_TIMEOUT_S,
                )
            except DynamicApiError as error:
                if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST):
                    return None
                raise
            return str(await response.text(errors="replace"))

    async def _get(self, ref: Ref, accept: str) -> Manifest | None:
        with _translated(f"Reading {ref.plural} {ref.name}"):
            try:
                return await self._request("get", ref.path, header_params={"Accept": accept})
            except NotFoundError:
                return None

    async def _request(self, method: str, path: str, **params: Any) -> Manifest:
        response = await self._client.request(
            method,
            path,
            serialize=False,
            _request_timeout=REQUEST_TIMEOUT_S,
            query_params=[],
            **params,
        )
        return dict(await response.json())


@asynccontextmanager
async def connected() -> AsyncIterator[ApiCluster]:
    """A client, open while the context lasts: a pod's ServiceAccount, else the kubeconfig."""
    configuration = Configuration()
    try:
        if "KUBERNETES_SERVICE_HOST" in os.environ:
            load_incluster_config(client_configuration=configuration)
        else:
            file = os.environ.get("KUBECONFIG")  # the client's own default is fixed at its import
            await load_kube_config(file, None, configuration, persist_config=False)
    except ConfigException as error:
        message = f"no way to the Kubernetes API is configured ({error}). Set KUBECONFIG."
        raise StalledError(Reason.UNAUTHORIZED, message) from error
    async with ApiClient(configuration) as client:
        yield ApiCluster(client)


def translate(error: Exception, what: str) -> OperatorError:
    """Return what should happen after ``error``, met while doing ``what``."""
    if not isinstance(error, DynamicApiError):
        why = str(error) or type(error).__name__
        return WaitingError(
            Reason.API_UNREACHABLE, f"{what}: no answer ({why:.{MAX_MESSAGE_CHARS}})."
        )
    message = f"{what}: {error.summary():.{MAX_MESSAGE_CHARS}}"
    retry_after = retry_after_seconds(error) or 0.0
    if error.status in TRANSIENT_STATUSES or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return WaitingError(Reason.API_UNAVAILABLE, message, retry_after)
    return StalledError(REASONS.get(error.status, Reason.REJECTED), message, retry_after)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except (DynamicApiError, *UNREACHABLE) as error:
        raise translate(error, what) from error
