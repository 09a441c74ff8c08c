"""The only client of the Kubernetes API. Everything else speaks plain manifests."""

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

from aiohttp import ClientError, ClientTimeout
from kubernetes.aio.client import ApiClient
from kubernetes.aio.dynamic import DynamicClient
from kubernetes.aio.dynamic.exceptions import ConflictError, DynamicApiError, NotFoundError
from kubernetes.aio.utils import retry_after_seconds

from fairlead.api.meta import FIELD_MANAGER
from fairlead.api.reasons import Reason
from fairlead.api.refs import Manifest, Ref, ref_of
from fairlead.credentials.access import Credentials
from fairlead.credentials.client import renewing_client
from fairlead.deep_json import read_json
from fairlead.errors import ExpiredError, OperatorError, ReplacedError, StalledError, WaitingError
from fairlead.watch_stream import WatchEvent, watch_events

UNREACHABLE = (ClientError, OSError)  # a time-out is an OSError
TRANSIENT_STATUSES = {408, 409, 429}  # and every 5xx
REASONS = {
    401: Reason.UNAUTHORIZED,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    422: Reason.INVALID,
}
MAX_MESSAGE_CHARS = 1000  # what stands behind the API may answer with a whole page
MAX_CAUSES = 8
REQUEST_TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 10.0
SILENCE_TIMEOUT_S = 90.0  # of a watch: bookmarks come about once a minute
CONNECTIONS = 64
PAGE_ITEMS = 500
MAX_EVENTS = 100
MAX_EVENTS_BYTES = 1024 * 1024  # an event has about 1 KB
APPLY_CONTENT_TYPE = "application/apply-patch+yaml"
MERGE_CONTENT_TYPE = "application/merge-patch+json"
JSON = "application/json"
_METADATA = "application/json;as={};g=meta.k8s.io;v=v1"
METADATA_ONLY = _METADATA.format("PartialObjectMetadata")
METADATA_LIST = _METADATA.format("PartialObjectMetadataList")


@dataclass(frozen=True)
class PodLog:
    """The end of one container's log; ``previous`` is the instance before the running one."""

    namespace: str
    pod: str
    container: str
    previous: bool
    lines: int = 60
    limit_bytes: int = 65_536


@dataclass(frozen=True)
class Collection:
    """Objects of one kind in one namespace or in all, or those that a label selector finds."""

    api_version: str
    plural: str
    selector: str = ""
    metadata_only: bool = False
    namespace: str = ""

    @property
    def path(self) -> str:
        return Ref(self.api_version, self.plural, self.namespace).path

    @property
    def query(self) -> dict[str, str]:
        return {"label_selector": self.selector} if self.selector else {}


@dataclass(frozen=True)
class Listing:
    """All objects of a collection, as of ``resource_version``."""

    items: list[Manifest]
    resource_version: str


class Cluster(Protocol):
    """The verbs this operator needs, and no more. Each raises ``OperatorError``, nothing else."""

    async def get(self, ref: Ref) -> Manifest | None: ...
    async def get_metadata(self, ref: Ref) -> Manifest | None: ...
    async def list_all(self, collection: Collection) -> Listing: ...
    def watch(
        self, collection: Collection, resource_version: str, seconds: int
    ) -> AsyncIterator[WatchEvent]: ...
    async def apply(self, manifest: Manifest, *, existing: bool, manager: str) -> Manifest: ...
    async def apply_status(self, manifest: Manifest) -> Manifest | None: ...
    async def merge(self, ref: Ref, patch: Manifest) -> Manifest | None: ...
    async def create(self, manifest: Manifest) -> bool: ...
    async def delete(self, ref: Ref, uid: str) -> None: ...
    async def log_tail(self, log: PodLog) -> str | None: ...
    def stream_log(self, log: PodLog, *, follow: bool) -> AsyncGenerator[bytes, None]: ...
    async def review(self, manifest: Manifest) -> Manifest: ...
    async def pod_events(self, namespace: str, uid: str) -> Sequence[Manifest]: ...
    async def published_schemas(self, api_version: str) -> Mapping[str, Manifest]: ...
    async def server_version(self) -> tuple[int, int]: ...


class ApiCluster:
    """``Cluster`` over the real API: server-side apply under our field manager."""

    def __init__(self, client: ApiClient) -> None:
        self._client = DynamicClient(client)  # unawaited: our paths need no discovery

    async def get(self, ref: Ref) -> Manifest | None:
        return await self._get(ref, JSON)

    async def get_metadata(self, ref: Ref) -> Manifest | None:
        """Only the object's metadata: enough to see whether it changed, without its content."""
        return await self._get(ref, METADATA_ONLY)

    async def list_all(self, collection: Collection) -> Listing:
        """Every object of a collection, page by page. Raises ``ExpiredError`` between pages."""
        accept = METADATA_LIST if collection.metadata_only else JSON
        items, token, version = list[Manifest](), None, ""
        with _translated(f"Listing {collection.plural}"):
            while token is None or token:
                page = await self._request(
                    "get",
                    collection.path,
                    limit=PAGE_ITEMS,
                    _continue=token,
                    header_params={"Accept": accept},
                    **collection.query,
                )
                items += page.get("items") or []
                version = page["metadata"]["resourceVersion"]
                token = page["metadata"].get("continue") or ""
        return Listing(items, version)

    async def watch(
        self, collection: Collection, resource_version: str, seconds: int
    ) -> AsyncIterator[WatchEvent]:
        """Yield what happens after ``resource_version``, for at most ``seconds``.

        Raises ``ExpiredError`` where the API server cannot go on from there.
        """
        timeout = ClientTimeout(
            total=seconds + SILENCE_TIMEOUT_S,
            sock_connect=CONNECT_TIMEOUT_S,
            sock_read=SILENCE_TIMEOUT_S,
        )
        query = [("allowWatchBookmarks", "true")]
        with _translated(f"Watching {collection.plural}"):
            response = await self._client.request(
                "get",
                collection.path,
                watch="true",
                resource_version=resource_version,
                timeout_seconds=seconds,
                query_params=query,
                header_params={"Accept": METADATA_ONLY if collection.metadata_only else JSON},
                serialize=False,
                _request_timeout=timeout,
                **collection.query,
            )
            try:
                async for event in watch_events(response.content.iter_any(), collection.plural):
                    yield event
            finally:
                response.close()

    async def apply(self, manifest: Manifest, *, existing: bool, manager: str) -> Manifest:
        """Create the object, or update the existing one whose uid the manifest carries.

        Raises ``ReplacedError`` where the existing one is gone or is another by now.
        """
        ref = ref_of(manifest)
        with _translated(f"Applying {manifest['kind']} {ref.name}", conflict=ReplacedError):
            return await self._request(
                "patch",
                ref.path,
                body=manifest,
                content_type=APPLY_CONTENT_TYPE,
                field_manager=manager,
                force_conflicts=existing,  # what appeared since it was read is not ours
            )

    async def apply_status(self, manifest: Manifest) -> Manifest | None:
        """Write the whole status and return the object; None where it is gone by now."""
        ref = ref_of(manifest)
        with _translated(f"Writing the status of {manifest['kind']} {ref.name}"):
            try:
                return await self._request(
                    "patch",
                    f"{ref.path}/status",
                    body=manifest,
                    content_type=APPLY_CONTENT_TYPE,
                    field_manager=FIELD_MANAGER,
                    force_conflicts=True,
                )
            except NotFoundError:
                return None

    async def merge(self, ref: Ref, patch: Manifest) -> Manifest | None:
        """Patch an object (JSON merge patch) and return it; None where it is gone by now."""
        with _translated(f"Patching {ref.plural} {ref.name}"):
            try:
                return await self._request(
                    "patch", ref.path, body=patch, content_type=MERGE_CONTENT_TYPE
                )
            except NotFoundError:
                return None

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
        """Delete the very object that was observed; a successor of the same name stays."""
        body = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        with _translated(f"Deleting {ref.plural} {ref.name}"):
            try:
                await self._request("delete", ref.path, body=body)
            except (NotFoundError, ConflictError):
                return

    async def log_tail(self, log: PodLog) -> str | None:
        """The last lines of a log; None where the kubelet does not have it (any more)."""
        query = {
            "limitBytes": str(log.limit_bytes),
            **({"previous": "true"} if log.previous else {}),
        }
        with _translated(f"Reading the log of pod {log.pod}"):
            response = await self._log(log, query, REQUEST_TIMEOUT_S)
            return None if response is None else str(await response.text(errors="replace"))

    async def stream_log(self, log: PodLog, *, follow: bool) -> AsyncGenerator[bytes, None]:
        """Yield a log as it comes, ``follow``: to the container's end; no faster than it is taken.

        Nothing comes where the kubelet does not have it (yet, or any more). Of ``log`` the number
        of lines counts, and not the bytes: those would be the first ones.
        """
        silence_s = None if follow else REQUEST_TIMEOUT_S
        timeout = ClientTimeout(sock_connect=CONNECT_TIMEOUT_S, sock_read=silence_s)
        with _translated(f"Reading the log of pod {log.pod}"):
            response = await self._log(log, {"follow": "true"} if follow else {}, timeout)
            if response is None:
                return
            try:
                async for content in response.content.iter_any():
                    yield content
            finally:
                response.close()

    async def _log(
        self, log: PodLog, query: Mapping[str, str], timeout: float | ClientTimeout
    ) -> Any | None:
        """Begin to read the last lines of a log; None where the kubelet does not have it."""
        wanted = {"container": log.container, "tailLines": str(log.lines), **query}
        try:
            return await self._client.request(
                "get",
                f"{Ref('v1', 'pods', log.namespace, log.pod).path}/log",
                query_params=list(wanted.items()),
                header_params={"Accept": "*/*"},
                serialize=False,
                _request_timeout=timeout,
            )
        except DynamicApiError as error:
            if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST):
                return None
            raise

    async def review(self, manifest: Manifest) -> Manifest:
        """Ask the API server about a token or a right, and return its answer: nothing is stored."""
        kind = str(manifest["kind"])
        with _translated(f"A {kind}"):
            path = Ref(manifest["apiVersion"], f"{kind.lower()}s", "").path
            return await self._request("post", path, body=manifest)

    async def pod_events(self, namespace: str, uid: str) -> Sequence[Manifest]:
        """The events about one pod, ``MAX_EVENTS`` at the most.

        None where they are more bytes than anybody needs to say it: whoever may write events
        could fill our memory else.
        """
        with _translated("Listing events"):
            response = await self._client.request(
                "get",
                Ref("v1", "events", namespace).path,
                field_selector=f"involvedObject.uid={uid}",
                limit=MAX_EVENTS,
                query_params=[],
                serialize=False,
                _request_timeout=REQUEST_TIMEOUT_S,
            )
            content = bytearray()
            async for piece in response.content.iter_any():
                content += piece
                if len(content) > MAX_EVENTS_BYTES:
                    response.close()
                    return ()
            items: Sequence[Manifest] = read_json(bytes(content))["items"]
            return items

    async def published_schemas(self, api_version: str) -> Mapping[str, Manifest]:
        """The schemas of an API version, by name, as everybody may read them; none where there is
        no such version."""
        with _translated(f"Reading the schemas of {api_version}"):
            try:
                document = await self._request(
                    "get", f"/openapi/v3/apis/{api_version}", header_params={"Accept": JSON}
                )
            except NotFoundError:
                return {}
            return dict(document["components"]["schemas"])

    async def server_version(self) -> tuple[int, int]:
        """Kubernetes' own, as everybody may read it; (0, 0) where the server names none."""
        with _translated("Reading the version"):
            found = await self._request("get", "/version", header_params={"Accept": JSON})
        numbers = [re.match("[0-9]{1,4}", str(found.get(part, ""))) for part in ("major", "minor")]
        major, minor = (int(number.group()) if number else 0 for number in numbers)
        return major, minor

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
        return dict(read_json(await response.read()))


@asynccontextmanager
async def connected(
    credentials: Credentials, connections: int = CONNECTIONS
) -> AsyncIterator[ApiCluster]:
    """A client, open while the context lasts. Raises ``OperatorError`` without credentials.

    A request waits while all ``connections`` are taken: watches, and logs that are followed, hold
    theirs for as long as they last.
    """
    async with await renewing_client(credentials, connections) as client:
        yield ApiCluster(client)


def translate(
    error: Exception, what: str, conflict: type[WaitingError] = WaitingError
) -> OperatorError:
    """Return what should happen after ``error``, met while doing ``what``."""
    if not isinstance(error, DynamicApiError):
        why = str(error) or type(error).__name__
        message = f"{what}: no answer ({why:.{MAX_MESSAGE_CHARS}})."
        return WaitingError(Reason.API_UNREACHABLE, message)
    message = f"{what}: {error.summary():.{MAX_MESSAGE_CHARS}}"
    retry_after = retry_after_seconds(error) or 0.0
    if error.status == HTTPStatus.GONE:
        return ExpiredError(Reason.API_UNAVAILABLE, message)
    if error.status == HTTPStatus.CONFLICT:
        return conflict(Reason.API_UNAVAILABLE, message, retry_after)
    if error.status in TRANSIENT_STATUSES or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return WaitingError(Reason.API_UNAVAILABLE, message, retry_after)
    causes = _causes(error)
    return StalledError(
        REASONS.get(error.status, Reason.REJECTED),
        message,
        retry_after,
        fields=[str(cause["field"]) for cause in causes if cause.get("field")],
        terminating=any(cause.get("reason") == "NamespaceTerminating" for cause in causes),
    )


def _causes(error: DynamicApiError) -> list[Manifest]:
    """``details.causes`` of the API server's Status; empty where it sent something else."""
    try:
        causes = json.loads(error.body or "")["details"]["causes"]
    except (TypeError, ValueError, KeyError):
        return []
    found = causes if isinstance(causes, list) else []
    return [cause for cause in found if isinstance(cause, dict)][:MAX_CAUSES]


@contextmanager
def _translated(what: str, conflict: type[WaitingError] = WaitingError) -> Iterator[None]:
    try:
        yield
    except (DynamicApiError, *UNREACHABLE) as error:
        raise translate(error, what, conflict) from error
    except (ValueError, KeyError, TypeError) as error:  # an answer that is not the API's
        message = f"{what}: the answer cannot be read ({type(error).__name__})."
        raise WaitingError(Reason.API_UNAVAILABLE, message) from error
