"""Pods as the API returns them, with the conditions and the words of scheduler and kubelet."""

from datetime import datetime, timedelta
from typing import Any

from fairlead.api.refs import Manifest
from fairlead.desired.metadata import REVISION
from fairlead.observe.pod_projection import project_pod
from fairlead.pod_evidence import PodEvidence, read_event

BEGIN = datetime.fromisoformat("2026-11-26T10:00:00+00:00")
CREATING = {"waiting": {"reason": "ContainerCreating"}}
BACK_OFF = {
    "waiting": {
        "reason": "CrashLoopBackOff",
        "message": "back-off 10s restarting failed container=scoring pod=diabetes-7c9d-x2x8p",
    }
}


def at(seconds: float) -> str:
    """A time, ``seconds`` after the pod was made."""
    return (BEGIN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def running(since: float = 2) -> Manifest:
    return {"running": {"startedAt": at(since)}}


def terminated(code: int, begin: float = 2, end: float = 2, **more: Any) -> Manifest:
    reason = "Completed" if code == 0 else "Error"
    times = {"startedAt": at(begin), "finishedAt": at(end)}
    return {"terminated": {"exitCode": code, "reason": reason, **times, **more}}


def container(name: str = "scoring", **status: Any) -> Manifest:
    known = {"ready": False, "started": False, "restartCount": 0, "state": CREATING}
    return {"name": name, "image": "x", "imageID": "", **known, "lastState": {}, **status}


def condition(type_: str, status: str, since: float = 0, **more: Any) -> Manifest:
    return {"type": type_, "status": status, "lastTransitionTime": at(since), **more}


def unready(since: float = 0) -> list[Manifest]:
    """The conditions of a pod that is placed and whose containers are not all ready."""
    why = {"reason": "ContainersNotReady", "message": "containers with unready status: [scoring]"}
    return [
        condition("PodReadyToStartContainers", "True"),
        condition("Initialized", "True"),
        condition("Ready", "False", since, **why),
        condition("ContainersReady", "False", since, **why),
        condition("PodScheduled", "True"),
    ]


def pod(
    *containers: Manifest,
    conditions: list[Manifest] | None = None,
    init: tuple[Manifest, ...] = (),
    spec: Manifest | None = None,
    **status: Any,
) -> Manifest:
    made = containers or (container(),)
    whole = {
        "phase": "Pending",
        "conditions": unready() if conditions is None else conditions,
        "containerStatuses": list(made),
        "hostIP": "10.0.0.7",
        **({"initContainerStatuses": list(init)} if init else {}),
        **status,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "diabetes-7c9d-x2x8p",
            "namespace": "demo",
            "uid": "uid-of-the-pod",
            "labels": {REVISION: "new"},
            "creationTimestamp": at(0),
        },
        "spec": {"nodeName": "worker-2", "containers": [{"name": "scoring"}], **(spec or {})},
        "status": {key: value for key, value in whole.items() if value is not None},
    }


def crashed(
    code: int, begin: float = 2, end: float = 2, ready_since: float = 0, **ended: Any
) -> Manifest:
    """A pod whose scoring container ended and waits to be started again.

    ``ready_since``: when its readiness changed last.
    """
    last = terminated(code, begin, end, **ended)
    status = container(state=BACK_OFF, lastState=last, restartCount=1)
    return pod(status, conditions=unready(ready_since), phase="Running")


def event(reason: str, message: str, seen: float = 10, **more: Any) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "diabetes-7c9d-x2x8p.18a"},
        "involvedObject": {"kind": "Pod", "uid": "uid-of-the-pod", **_path(more)},
        "type": "Warning",
        "reason": reason,
        "message": message,
        "firstTimestamp": at(seen),
        "lastTimestamp": at(seen),
        "count": 1,
        **more,
    }


def _path(more: Manifest) -> Manifest:
    name = more.pop("container", None)
    return {"fieldPath": f"spec.containers{{{name}}}"} if name else {}


def evidence(manifest: Manifest, *events: Manifest, log: str | None = None) -> PodEvidence:
    read = tuple(read_event(event) for event in events)
    return PodEvidence(project_pod(manifest), "scoring", log, read)
