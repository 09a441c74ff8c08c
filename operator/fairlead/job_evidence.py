"""One Job of a task as it was observed. Total: what is not as it should be is not there.

Whoever may write Jobs in a namespace can write one that looks like ours. So nothing of it counts
beyond its namespace: which task it is for follows from its namespace and annotations together. Only
in the namespace that the settings name for builds, where no tenant may write, Jobs say for whom
they work.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from fairlead import log_address
from fairlead.api.meta import (
    LOG_IF_FAILED,
    LOG_TO_KEEP,
    TASK_ATTEMPT,
    TASK_BUILD,
    TASK_ID,
    TASK_LABEL,
    TASK_LOG,
    TASK_NAMESPACE,
    TASK_OWNER,
    TASK_PROGRAM,
    TASK_REQUEST,
    TASK_TAKEN,
)
from fairlead.api.refs import Manifest
from fairlead.contract import LANES

MAX_TEXT_CHARS = 1024
NEVER = datetime.min.replace(tzinfo=UTC)
ATTEMPT = re.compile("[1-9][0-9]{0,8}")
BUILD = re.compile(rf"([a-z0-9-]{{1,63}}/[a-z0-9-]{{1,63}}/{log_address.BUILD})?")
KEPT_ANNOTATIONS = (
    *(TASK_ATTEMPT, TASK_BUILD, TASK_ID, TASK_LOG, TASK_NAMESPACE, TASK_PROGRAM, TASK_REQUEST),
    TASK_TAKEN,
)
MAX_HASH_CHARS = 16
COMPLETE, FAILED = "Complete", "Failed"
MAX_CONDITIONS = 16
MAX_OWNERS = 1000
MAX_CONTAINERS = 64
POD_METADATA = (
    *("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp"),
)
POD_STATUS = (
    *("phase", "reason", "message", "hostIP", "conditions"),
    *("containerStatuses", "initContainerStatuses"),
)


def task_hash(task: str) -> str:
    """Stands for a task's id, which is too long for a label or a name."""
    return hashlib.sha256(task.encode(errors="replace")).hexdigest()[:MAX_HASH_CHARS]


def job_name(program: str, task: str, attempt: int) -> str:
    """The same attempt at the same work has the same name: who makes it twice joins it."""
    return f"fairlead-{program}-{task_hash(task)}-{attempt}"


@dataclass(frozen=True)
class JobEvidence:
    """``job`` is the manifest or its projection."""

    job: Manifest
    builds_namespace: str = ""
    """That of the settings."""

    @property
    def name(self) -> str:
        return _text(self._metadata.get("name"))

    @property
    def namespace(self) -> str:
        return _text(self._metadata.get("namespace"))

    @property
    def uid(self) -> str:
        return _text(self._metadata.get("uid"))

    @property
    def resource_version(self) -> str:
        return _text(self._metadata.get("resourceVersion"))

    @property
    def works_for(self) -> str:
        """The namespace whose task it is."""
        return (self.is_apart and self._annotation(TASK_NAMESPACE)) or self.namespace

    @property
    def task(self) -> str:
        return self._annotation(TASK_ID)

    @property
    def program(self) -> str:
        return self._annotation(TASK_PROGRAM)

    @property
    def attempt(self) -> int:
        found = self._annotation(TASK_ATTEMPT)
        return int(found) if ATTEMPT.fullmatch(found) else 0

    @property
    def build(self) -> str:
        found = self._annotation(TASK_BUILD)
        return found if BUILD.fullmatch(found) else ""

    @property
    def request(self) -> str:
        """The digest of the request that it was made with."""
        return self._annotation(TASK_REQUEST)

    @property
    def taken(self) -> bool:
        """Its result is in a status already: it is no news any more."""
        return self._annotation(TASK_TAKEN) == "true"

    @property
    def log_to_keep(self) -> bool:
        """The operator is to keep the end of its log, and has not yet."""
        return self._annotation(TASK_LOG) in (LOG_TO_KEEP, LOG_IF_FAILED)

    @property
    def log_if_failed(self) -> bool:
        """It is to be kept only where the task failed."""
        return self._annotation(TASK_LOG) == LOG_IF_FAILED

    @property
    def is_task(self) -> bool:
        """It is what its name says: one attempt at one piece of work."""
        known = self.program in LANES and self.attempt > 0
        return known and self.name == job_name(self.program, self.task, self.attempt)

    @property
    def owners(self) -> list[Manifest]:
        """Its owner references, or what stands for them."""
        if self.is_apart:
            return _noted_owners(_map(self._metadata.get("annotations")))
        return _maps(self._metadata.get("ownerReferences"))[:MAX_OWNERS]

    @property
    def owner_uids(self) -> frozenset[str]:
        return frozenset(_text(owner.get("uid")) for owner in self.owners)

    @property
    def leaving(self) -> bool:
        return "deletionTimestamp" in self._metadata

    @property
    def created_at(self) -> datetime:
        return _time(self._metadata.get("creationTimestamp")) or NEVER

    @property
    def suspended(self) -> bool:
        return _map(self.job.get("spec")).get("suspend") is True

    @property
    def expires(self) -> bool:
        """Kubernetes removes it some time after its end."""
        return "ttlSecondsAfterFinished" in _map(self.job.get("spec"))

    @property
    def started_at(self) -> datetime | None:
        """When it was released."""
        return _time(self._status.get("startTime"))

    @property
    def complete(self) -> bool:
        return bool(self._condition(COMPLETE))

    @property
    def failed(self) -> Manifest:
        """The condition that says why it failed; empty where it has not."""
        return self._condition(FAILED)

    @property
    def finished(self) -> bool:
        return self.complete or bool(self.failed)

    @property
    def finished_at(self) -> datetime | None:
        ended = self.failed or self._condition(COMPLETE)
        return _time(ended.get("lastTransitionTime"))

    @property
    def failed_reason(self) -> str:
        return _text(self.failed.get("reason"))

    @property
    def failed_message(self) -> str:
        return _text(self.failed.get("message"))

    @property
    def is_apart(self) -> bool:
        """It works for objects of another namespace, where builds have one of their own."""
        mine = self.builds_namespace and self.namespace == self.builds_namespace
        return bool(mine and self._annotation(TASK_NAMESPACE))

    @property
    def _metadata(self) -> Manifest:
        return _map(self.job.get("metadata"))

    @property
    def _status(self) -> Manifest:
        return _map(self.job.get("status"))

    def _annotation(self, name: str) -> str:
        return _text(_map(self._metadata.get("annotations")).get(name))

    def _condition(self, type_: str) -> Manifest:
        found = _maps(self._status.get("conditions"))
        true = (one for one in found if one.get("type") == type_ and one.get("status") == "True")
        return next(true, {})


def project_job(job: Manifest) -> Manifest:
    """Return the part of a Job that ``JobEvidence`` reads; total, whatever ``job`` holds."""
    metadata, spec, status = (_map(_map(job).get(part)) for part in ("metadata", "spec", "status"))
    annotations, labels = _map(metadata.get("annotations")), _map(metadata.get("labels"))
    names = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    kept = {name: metadata[name] for name in (*names, "deletionTimestamp") if name in metadata}
    conditions = [
        {key: _text(one.get(key)) for key in ("type", "status", "reason", "lastTransitionTime")}
        | {"message": _text(one.get("message"))}
        for one in _maps(status.get("conditions"))[:MAX_CONDITIONS]
    ]
    return {
        "metadata": {
            **kept,
            "annotations": {name: _text(annotations.get(name)) for name in KEPT_ANNOTATIONS}
            | {name: _text(annotations[name]) for name in _owner_notes(annotations)},
            "labels": {TASK_LABEL: _text(labels.get(TASK_LABEL))},
            "ownerReferences": _maps(metadata.get("ownerReferences"))[:MAX_OWNERS],
        },
        "spec": {key: spec[key] for key in ("suspend", "ttlSecondsAfterFinished") if key in spec},
        "status": {"startTime": _text(status.get("startTime")), "conditions": conditions},
    }


def _owner_notes(annotations: Manifest) -> list[str]:
    return [name for name in annotations if str(name).startswith(TASK_OWNER)][:MAX_OWNERS]


def project_task_pod(pod: Manifest) -> Manifest:
    """Return the part of a task's pod that is read of it; total, whatever ``pod`` holds."""
    metadata, spec, status = (_map(_map(pod).get(part)) for part in ("metadata", "spec", "status"))
    containers = [
        {"name": _text(one.get("name")), "restartPolicy": _text(one.get("restartPolicy"))}
        for one in _maps(spec.get("initContainers"))[:MAX_CONTAINERS]
    ]
    return {
        "metadata": {
            "creationTimestamp": "",
            **{name: metadata[name] for name in POD_METADATA if name in metadata},
            "ownerReferences": _maps(metadata.get("ownerReferences"))[:MAX_OWNERS],
        },
        "spec": {
            "nodeName": _text(spec.get("nodeName")),
            "schedulingGates": _maps(spec.get("schedulingGates")),
            "initContainers": containers,
        },
        "status": {name: status[name] for name in POD_STATUS if name in status},
    }


def _noted_owners(annotations: Manifest) -> list[Manifest]:
    """Owners in another namespace, as references."""
    noted = [
        (name.removeprefix(TASK_OWNER), *_text(value).partition("/"))
        for name, value in annotations.items()
        if name.startswith(TASK_OWNER)
    ]
    return [{"kind": kind, "name": name, "uid": uid} for uid, kind, _, name in noted]


def _map(value: object) -> Manifest:
    return value if isinstance(value, dict) else {}


def _maps(value: object) -> list[Manifest]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value[:MAX_TEXT_CHARS] if isinstance(value, str) else ""


def _time(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at and at.tzinfo else None
