"""What the tests themselves ask of the API server, past the proxy and with an admin's rights."""

import asyncio
import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import aiohttp

from fairlead.api.refs import Manifest
from tests.faults.proxy.event_loop import EventLoopThread
from tests.faults.proxy.upstream import Upstream
from tests.faults.proxy.watch import Lines

MANAGER = "tests"
APPLY = {"Content-Type": "application/apply-patch+yaml"}
PLURALS = {  # every kind that the tests write or look at: its path's prefix, and its plural
    "Model": ("/apis/fairlead.dev/v1alpha1", "models"),
    "InferenceImage": ("/apis/fairlead.dev/v1alpha1", "inferenceimages"),
    "Webservice": ("/apis/fairlead.dev/v1alpha1", "webservices"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "ReplicaSet": ("/apis/apps/v1", "replicasets"),
    "Service": ("/api/v1", "services"),
    "PodDisruptionBudget": ("/apis/policy/v1", "poddisruptionbudgets"),
    "HorizontalPodAutoscaler": ("/apis/autoscaling/v2", "horizontalpodautoscalers"),
    "Secret": ("/api/v1", "secrets"),
    "ConfigMap": ("/api/v1", "configmaps"),
    "Pod": ("/api/v1", "pods"),
    "EndpointSlice": ("/apis/discovery.k8s.io/v1", "endpointslices"),
}


class Api:
    """May be used from every thread; the connections live on ``loop``."""

    def __init__(self, upstream: Upstream, loop: EventLoopThread) -> None:
        self._upstream, self._loop = upstream, loop
        self._session = loop.run(_session(upstream))

    def close(self) -> None:
        self._loop.run(self._session.close())

    def create_namespace(self, name: str) -> None:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        self.ask_now("POST", "/api/v1/namespaces", body)

    def delete_namespace(self, name: str) -> None:
        self.ask_now("DELETE", f"/api/v1/namespaces/{name}")

    def apply(self, namespace: str, manifest: Manifest) -> Manifest:
        """Server-side apply, as ``kubectl apply --server-side`` does it."""
        path = _path(manifest["kind"], namespace, manifest["metadata"]["name"])
        return self.ask_now("PATCH", f"{path}?fieldManager={MANAGER}&force=true", manifest, APPLY)

    def delete(self, namespace: str, kind: str, name: str) -> None:
        self.ask_now("DELETE", _path(kind, namespace, name))

    def node_address(self) -> str:
        """Where the machine reaches a node, and through it every NodePort."""
        addresses = self.ask_now("GET", "/api/v1/nodes")["items"][0]["status"]["addresses"]
        return str(next(a["address"] for a in addresses if a["type"] == "InternalIP"))

    async def list(self, kind: str) -> tuple[list[Manifest], str]:
        """All objects of a kind, and the version of the list.

        A kind that was defined a moment ago is answered with 429 until it can be stored.
        """
        while True:
            async with self._session.get(_path(kind)) as response:
                if response.status != HTTPStatus.TOO_MANY_REQUESTS:
                    response.raise_for_status()
                    answer = await response.json()
                    return answer["items"], answer["metadata"]["resourceVersion"]
            await asyncio.sleep(0.2)  # poll; bounded by the caller

    async def watch(self, kind: str, version: str) -> AsyncIterator[Manifest]:
        """Every event after ``version``, until the API server ends the stream."""
        query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": "7200"}
        async with self._session.get(_path(kind), params=query) as response:
            response.raise_for_status()
            lines = Lines()
            async for chunk in response.content.iter_any():
                for line in lines.feed(chunk):
                    yield json.loads(line)

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        *,
        missing_ok: bool = False,
    ) -> Manifest:
        """One request, from the event loop. ``missing_ok``: 404 and 409 are as good."""
        given: dict[str, Any] = {"json": body} if body is not None else {}
        async with self._session.request(method, path, headers=headers, **given) as response:
            text = await response.text()
        fine = response.ok or (missing_ok and response.status in (404, 409))
        assert fine, f"{method} {path}: {response.status} {text}"
        return dict(json.loads(text))

    def ask_now(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Manifest:
        """The same, from any other thread."""
        return self._loop.run(self.ask(method, path, body, headers))


async def _session(upstream: Upstream) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(ssl=upstream.context or True, limit=0)
    no_limit = aiohttp.ClientTimeout(total=None)
    headers = {"Authorization": f"Bearer {upstream.token}"} if upstream.token else {}
    return aiohttp.ClientSession(
        upstream.url, connector=connector, timeout=no_limit, headers=headers
    )


def _path(kind: str, namespace: str = "", name: str = "") -> str:
    prefix, plural = PLURALS[kind]
    within = f"/namespaces/{namespace}" if namespace else ""
    return f"{prefix}{within}/{plural}" + (f"/{name}" if name else "")
