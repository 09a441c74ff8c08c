"""A node without a kubelet: this program says of its pods what a kubelet would say, at once.

Scheduler, Deployments, ReplicaSets and EndpointSlices are the cluster's own; only containers are
missing. A pod serves, or its script fails, as the digest of its image tells (``task.py``).
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from aiohttp import web

from fairlead.api.refs import Manifest
from tests.faults.api import Api
from tests.faults.proxy.certificate import Certificate
from tests.faults.standins.task import is_bad
from tests.faults.view import Change, ClusterView

NAME = "standin"
HEARTBEAT_S = 10.0  # seconds; the node is given up after 50
ADDRESS = "127.0.0.1"
NODES = "/api/v1/nodes"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
MERGE = {"Content-Type": "application/merge-patch+json"}
CAPACITY = {"cpu": "64", "memory": "64Gi", "pods": "500", "ephemeral-storage": "100Gi"}
RECORD = (
    '{"schema": "fairlead.dev/startup-failure/v1", "stage": "init", "exception": "ValueError", '
    '"message": "bad weights", "location": {"file": "score.py", "line": 2, "function": "init", '
    '"code": "raise ValueError"}, "elapsedSeconds": 0.1, "traceback": "Traceback ..."}'
)


class StandinNode:
    """It is the only node. The API server is on this machine, too."""

    def __init__(self, api: Api, view: ClusterView, certificate: Certificate) -> None:
        self._api, self._view, self._certificate = api, view, certificate
        self._numbers = count(1)
        self._tasks = set[asyncio.Task[Any]]()
        self._logs: web.ServerRunner | None = None
        self._log_port = 0

    async def start(self) -> None:
        await self._serve_logs()
        await self._api.ask("POST", NODES, {"metadata": {"name": NAME}})
        await self._api.ask("PATCH", f"{NODES}/{NAME}/status", self._status(), MERGE)
        await self._api.ask("POST", LEASES, _lease(), missing_ok=True)
        self._view.listen(self._pod_changed)
        self._spawn(self._beat())

    async def stop(self) -> None:
        self._view.listen(None)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._logs:
            await self._logs.cleanup()

    async def _serve_logs(self) -> None:
        """The API server asks a node's kubelet for the logs of its pods."""
        self._logs = web.ServerRunner(web.Server(_log))
        await self._logs.setup()
        context = self._certificate.server_context()
        await web.TCPSite(self._logs, ADDRESS, 0, ssl_context=context).start()
        self._log_port = self._logs.addresses[0][1]

    def _status(self) -> Manifest:
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "Standin",
            **_now("lastHeartbeatTime"),
        }
        status = {
            "addresses": [{"type": "InternalIP", "address": ADDRESS}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self._log_port}},
            "capacity": CAPACITY,
            "allocatable": CAPACITY,
            "conditions": [ready],
        }
        return {"status": status}

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            await self._api.ask("PATCH", f"{LEASES}/{NAME}", {"spec": _renewed()}, MERGE)

    def _pod_changed(self, change: Change) -> None:
        pod = change.object
        if change.kind != "Pod" or pod["spec"].get("nodeName") != NAME:
            return
        if change.type == "DELETED":
            return
        if "deletionTimestamp" in pod["metadata"]:
            self._spawn(self._end(pod))
        elif pod["status"].get("phase") == "Pending":
            self._spawn(self._begin(pod))

    async def _begin(self, pod: Manifest) -> None:
        bad = any(is_bad(container["image"]) for container in pod["spec"]["containers"])
        conditions = [_condition(type_, is_so=not bad) for type_ in ("Ready", "ContainersReady")]
        number = next(self._numbers)
        address = f"10.250.{number // 250}.{number % 250 + 1}"
        status = {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            **_now("startTime"),
            "conditions": conditions,
            "containerStatuses": [_container(c, bad=bad) for c in pod["spec"]["containers"]],
        }
        body = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status}
        await self._api.ask("PATCH", f"{_path(pod)}/status", body, MERGE, missing_ok=True)

    async def _end(self, pod: Manifest) -> None:
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
        await self._api.ask("DELETE", _path(pod), options, missing_ok=True)

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            raise AssertionError("the stand-in node failed") from task.exception()


async def _log(request: web.BaseRequest) -> web.Response:  # noqa: ARG001
    return web.Response(text="ValueError: bad weights\n")


def _container(container: Mapping[str, Any], *, bad: bool) -> Manifest:
    image = {"name": container["name"], "image": container["image"], "imageID": container["image"]}
    if not bad:
        return {**image, "ready": True, "started": True, "restartCount": 0,
                "state": {"running": _now("startedAt")}}  # fmt: skip
    ended = {"exitCode": 3, "reason": "Error", "message": RECORD}
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off"}
    return {
        **image,
        "ready": False,
        "started": False,
        "restartCount": 1,
        "state": {"waiting": waiting},
        "lastState": {"terminated": {**ended, **_now("startedAt"), **_now("finishedAt")}},
    }


def _condition(type_: str, *, is_so: bool) -> Manifest:
    return {"type": type_, "status": str(is_so), **_now("lastTransitionTime")}


def _path(pod: Manifest) -> str:
    metadata = pod["metadata"]
    return f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"


def _lease() -> Manifest:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": NAME},
        "spec": {"holderIdentity": NAME, "leaseDurationSeconds": 40, **_renewed()},
    }


def _renewed() -> Manifest:
    return {"renewTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")}


def _now(field: str) -> dict[str, str]:
    whole_second = datetime.now(UTC) - timedelta(seconds=1)
    return {field: whole_second.strftime("%Y-%m-%dT%H:%M:%SZ")}
