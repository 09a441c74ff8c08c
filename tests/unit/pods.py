"""Pods for tests, as the API would return them."""

from typing import Any

from fairlead.api.refs import Manifest
from fairlead.desired.metadata import REVISION
from fairlead.pod_evidence import PodEvidence

TIMES = {"startedAt": "2026-11-22T10:03:00Z", "finishedAt": "2026-11-22T10:03:02Z"}
BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
RUNNING = {"running": {"startedAt": "2026-11-22T10:03:10Z"}}


def pod(
    name: str = "diabetes-1",
    revision: str = "new",
    conditions: tuple[Manifest, ...] = (),
    log: str | None = None,
    **container: Any,
) -> PodEvidence:
    """A pod whose scoring container has the status given."""
    status = {"name": "scoring", "ready": False, "restartCount": 0, "state": {}, **container}
    return PodEvidence(
        {
            "metadata": {"name": name, "labels": {REVISION: revision}},
            "status": {"conditions": list(conditions), "containerStatuses": [status]},
        },
        "scoring",
        log,
    )


def crashed(
    name: str = "diabetes-1", restarts: int = 4, log: str | None = None, **ended: Any
) -> PodEvidence:
    """A pod in CrashLoopBackOff whose container ended as given."""
    last = {"terminated": {"exitCode": 1, "reason": "Error", **TIMES, **ended}}
    return pod(name, restartCount=restarts, state=BACK_OFF, lastState=last, log=log)
