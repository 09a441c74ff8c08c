"""Jobs of tasks and their pods as the API returns them, in the words of Kubernetes 1.3x."""

from datetime import UTC, datetime, timedelta
from typing import Any

from fairlead.api.refs import Manifest
from fairlead.contract import Task, TaskResult
from fairlead.desired.task_job import TaskDraft, task_draft
from fairlead.settings import Settings
from fairlead.task_message import written_message
from tests.unit.tasks_of import OWNER, ingest_task

BEGIN = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
IMAGE = "localhost:5000/fairlead/tasks:1"
SETTINGS = Settings(runner="job", task_image=IMAGE)
TASK = ingest_task("https://models.example.com/diabetes.pkl")
DISRUPTED = "Pod demo/p-abcde has condition DisruptionTarget matching FailJob rule at index 0"
UNCHANGED = "0/2 nodes are available: 2 Insufficient memory. preemption: 0/2 nodes are available."


def at(seconds: float) -> str:
    return (BEGIN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def draft_of(task: Task = TASK) -> TaskDraft:
    return task_draft(task, task.owner or OWNER, SETTINGS)


def job_of(
    task: Task = TASK, *conditions: Manifest, suspend: bool = False, **meta: Any
) -> Manifest:
    """The Job as it is after it was released, unless it still waits."""
    made = draft_of(task).job
    metadata = {
        **made["metadata"],
        "uid": f"uid-of-job-{task.id}-{task.attempt}",
        "resourceVersion": "7",
        "creationTimestamp": at(0),
        **meta,
    }
    status: Manifest = {"conditions": list(conditions)}
    if not suspend:
        status["startTime"] = at(1)
    return {
        **made,
        "metadata": metadata,
        "spec": {**made["spec"], "suspend": suspend},
        "status": status,
    }


def condition(type_: str, reason: str = "", message: str = "", since: float = 60) -> Manifest:
    return {
        "type": type_,
        "status": "True",
        "reason": reason,
        "message": message,
        "lastTransitionTime": at(since),
    }


def ended(code: int, message: str = "", reason: str = "") -> Manifest:
    """A container's state."""
    usual = "Completed" if code == 0 else "Error"
    times = {"startedAt": at(3), "finishedAt": at(50)}
    return {
        "terminated": {"exitCode": code, "reason": reason or usual, "message": message, **times}
    }


def told(result: TaskResult) -> str:
    return written_message(result).decode()


def pod_of(
    state: Manifest | None = None,
    *others: Manifest,
    task: Task = TASK,
    phase: str = "Running",
    conditions: tuple[Manifest, ...] = (),
    **status: Any,
) -> Manifest:
    """The Job's pod; ``state`` is that of the task's container, None before the kubelet has it."""
    job = job_of(task)
    name, uid = job["metadata"]["name"], job["metadata"]["uid"]
    containers = [] if state is None else [{"name": "task", "ready": False, "state": state}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{name}-abcde",
            "namespace": task.apart or task.namespace,
            "uid": f"uid-of-pod-{task.id}-{task.attempt}",
            "resourceVersion": "8",
            "creationTimestamp": at(1),
            "labels": {
                **job["spec"]["template"]["metadata"]["labels"],
                "batch.kubernetes.io/job-name": name,
            },
            "ownerReferences": [{"kind": "Job", "name": name, "uid": uid, "controller": True}],
        },
        "spec": {"nodeName": "" if state is None else "worker"},
        "status": {
            "phase": phase if state else "Pending",
            "conditions": list(conditions),
            "containerStatuses": [*containers, *others],
            **status,
        },
    }
