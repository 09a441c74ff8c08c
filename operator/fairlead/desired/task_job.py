"""The Job that runs one attempt at a task, and the ConfigMap with its request.

Both are deterministic: who makes them twice finds them there, and joins. The Job is made suspended,
for it waits for its turn and for its ConfigMap, which it owns. It carries none of the labels by
which the children of a Webservice are watched.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairlead.api.meta import (
    API_VERSION,
    LOG_IF_FAILED,
    LOG_LABEL,
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
)
from fairlead.api.refs import Manifest
from fairlead.contract import Owner, Task
from fairlead.desired.builder_pod import with_builder
from fairlead.desired.foreign_code import without_identity
from fairlead.desired.installing_pod import installs, with_installation
from fairlead.desired.metadata import ARCHITECTURE
from fairlead.desired.pod_security import restricted_container, restricted_pod
from fairlead.desired.smoke_pod import smoke_pod, tries_image
from fairlead.desired.task_access import credential_mounts, credential_volumes, identity
from fairlead.images.hashes import file_digests
from fairlead.job_evidence import job_name, task_hash
from fairlead.job_request import (
    BUILDER_CONTAINER,
    CA_BUNDLE,
    CA_BUNDLE_KEY,
    CARD_KEY,
    CONTAINER,
    INSTALL_CONTAINER,
    MAX_REQUEST_BYTES,
    REQUEST_FOLDER,
    REQUEST_KEY,
    SOURCE_FOLDER,
    TERMINATION_LOG,
    WORK_FOLDER,
    JobCard,
    request_digest,
)
from fairlead.settings import Settings, pairs, quantities

STARTUP_ALLOWANCE_S = 900  # to be placed, to pull the image, to end
GRACE_PERIOD_S = 90  # to end the program, and to keep its log
TASK_SETTINGS = (
    *("registry", "registry_push", "insecure_hosts", "default_base_image", "package_index"),
    *("registry_secret", "conda_mirrors", "front_python"),
    *("ca_bundle", "model_max_bytes", "model_max_files", "ingest_timeout_seconds"),
    *("build_timeout_seconds", "build_logs_max"),
    *("code_max_bytes", "code_max_files", "code_timeout_seconds"),
)
"""What tasks read of the settings; a test compares it with their code."""


class RequestTooLargeError(Exception):
    """A request that no ConfigMap can hold; the text says how large it is."""


@dataclass(frozen=True)
class TaskDraft:
    """What is to be made of one attempt at a task."""

    task: str
    namespace: str
    program: str
    attempt: int
    build: str
    owner: Owner
    job: Manifest
    data: Mapping[str, str]
    """Of the request's ConfigMap."""

    @property
    def name(self) -> str:
        return job_name(self.program, self.task, self.attempt)

    @property
    def request(self) -> str:
        return request_digest(self.data)

    def config_map(self, job_uid: str) -> Manifest:
        """The request's ConfigMap, which goes with the Job."""
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": self.name, "uid": job_uid}
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": self.name,
                "namespace": self.namespace,
                "labels": dict(self.job["metadata"]["labels"]),
                "ownerReferences": [owner],
            },
            "immutable": True,
            "data": dict(self.data),
        }


def task_draft(task: Task, owner: Owner, settings: Settings, ca_bundle: str = "") -> TaskDraft:
    """Return what is to be made for ``task``. ``ca_bundle``: the content of the settings' file.

    Raises ``RequestTooLargeError``.
    """
    data = _data(task, ca_bundle)
    size = sum(len(key) + len(value.encode()) for key, value in data.items())
    if size > MAX_REQUEST_BYTES:
        raise RequestTooLargeError(
            f"{size:,} bytes are to be handed to the task, and a ConfigMap takes "
            f"{MAX_REQUEST_BYTES:,} at most"
        )
    job = _job(task, owner, settings, request_digest(data))
    return TaskDraft(
        task=task.id,
        namespace=task.apart or task.namespace,
        program=task.program,
        attempt=task.attempt,
        build=task.build,
        owner=owner,
        job=job,
        data=data,
    )


def owner_reference(owner: Owner) -> Manifest:
    """One of several: none of them controls the Job, and it goes with the last."""
    return {"apiVersion": API_VERSION, "kind": owner.kind, "name": owner.name, "uid": owner.uid}


def owner_note(owner: Owner) -> dict[str, str]:
    """The annotation in the place of a reference, where the Job is in another namespace than its
    owners: Kubernetes would remove it."""
    return {f"{TASK_OWNER}{owner.uid}": f"{owner.kind}/{owner.name}"}


def _works_for(task: Task, owner: Owner) -> dict[str, str]:
    """What a Job in another namespace than its objects' says of them."""
    return {TASK_NAMESPACE: task.namespace, **owner_note(owner)} if task.apart else {}


def _data(task: Task, ca_bundle: str) -> dict[str, str]:
    given = {} if task.config_map else task.files
    keys = {path: f"file-{number}" for number, path in enumerate(sorted(given))}
    source = dict(file_digests(task.files)) if task.config_map else None
    card = JobCard(
        program=task.program,
        timeout_s=task.timeout,
        files=keys,
        base64=True if task.apart else None,
        source=source,
    )
    write = _in_base64 if task.apart else bytes.decode
    return {
        CARD_KEY: card.model_dump_json(by_alias=True, exclude_none=True),
        REQUEST_KEY: task.request.model_dump_json(by_alias=True),
        **{keys[path]: write(content) for path, content in given.items()},
        **({CA_BUNDLE_KEY: ca_bundle} if ca_bundle else {}),
    }


def _in_base64(content: bytes) -> str:
    return b64encode(content).decode()


def _job(task: Task, owner: Owner, settings: Settings, request: str) -> Manifest:
    name = job_name(task.program, task.id, task.attempt)
    labels = {
        "app.kubernetes.io/name": "task",
        "app.kubernetes.io/component": task.program,
        "app.kubernetes.io/part-of": "fairlead",
        TASK_LABEL: task_hash(task.id),
    }
    metadata: Manifest = {
        "name": name,
        "namespace": task.apart or task.namespace,
        "labels": labels | ({LOG_LABEL: task.log.label} if task.log else {}),
        "annotations": {
            TASK_ID: task.id,
            TASK_PROGRAM: task.program,
            TASK_ATTEMPT: str(task.attempt),
            TASK_BUILD: task.build,
            TASK_REQUEST: request,
            **_kept_log(task),
            **_works_for(task, owner),
        },
        **({} if task.apart else {"ownerReferences": [owner_reference(owner)]}),
    }
    spec = {
        "suspend": True,
        "backoffLimit": 0,  # another attempt is another Job
        "podFailurePolicy": {  # a drain is told from a task that failed, also where the pod is gone
            "rules": [
                {
                    "action": "FailJob",
                    "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
                }
            ]
        },
        "activeDeadlineSeconds": int(task.timeout) + STARTUP_ALLOWANCE_S,
        "template": {
            "metadata": _pod_metadata(task, labels, settings),
            "spec": _pod_spec(task, settings, name, request),
        },
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def _kept_log(task: Task) -> dict[str, str]:
    """What the operator is to do about its log, where the task does not keep it itself."""
    if task.log_if_failed:
        return {TASK_LOG: LOG_IF_FAILED}
    return {TASK_LOG: LOG_TO_KEEP} if task.log_elsewhere else {}


def _pod_metadata(task: Task, labels: Mapping[str, str], settings: Settings) -> Manifest:
    """Labels that are ours, and what the settings add: to a pod that is only the user's image no
    label, for it may stand for an identity."""
    foreign = next((name for name, there in _foreign(task) if there), None)
    ours = without_identity(foreign) if foreign else {}
    annotations = {**pairs(settings.task_pod_annotations), **ours}
    added = {} if tries_image(task) else pairs(settings.task_pod_labels)
    whole = {"labels": {**added, **labels}}
    return {**whole, **({"annotations": annotations} if annotations else {})}


def _foreign(task: Task) -> tuple[tuple[str, bool], ...]:
    """The containers that run foreign code, and whether the task has them."""
    return (
        (CONTAINER, tries_image(task)),
        (INSTALL_CONTAINER, installs(task)),
        (BUILDER_CONTAINER, bool(task.apart)),
    )


def _pod_spec(task: Task, settings: Settings, name: str, request: str) -> Manifest:
    if tries_image(task):
        return smoke_pod(task, settings, name)
    volumes: list[Manifest] = [
        {"name": "request", "configMap": {"name": name}},
        {"name": "work", "emptyDir": {}},
        {"name": "tmp", "emptyDir": {}},
        *credential_volumes(task.access, settings),
    ]
    if task.config_map:
        source = {"name": task.config_map, "optional": True}  # the task says what is missing
        volumes.append({"name": "source", "configMap": source})
    spec = {
        **identity(task.access, settings),
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,  # a Service named `fairlead` would set FAIRLEAD_PORT
        "terminationGracePeriodSeconds": GRACE_PERIOD_S,
        "securityContext": restricted_pod(),
        "containers": [_container(task, settings, request)],
        "volumes": volumes,
    }
    if task.architecture:
        spec["nodeSelector"] = {ARCHITECTURE: task.architecture}
    if task.apart:
        return with_builder(spec, task, settings)
    return with_installation(spec, task, settings) if installs(task) else spec


def _container(task: Task, settings: Settings, request: str) -> Manifest:
    mounts: list[Manifest] = [
        {"name": "request", "mountPath": REQUEST_FOLDER, "readOnly": True},
        {"name": "work", "mountPath": WORK_FOLDER},
        {"name": "tmp", "mountPath": "/tmp"},
        *credential_mounts(task.access, settings),
    ]
    if task.config_map:
        mounts.append({"name": "source", "mountPath": SOURCE_FOLDER, "readOnly": True})
    variables = {**task_variables(settings), "PYTHONUNBUFFERED": "1", "HOME": WORK_FOLDER}
    return {
        "name": CONTAINER,
        "image": settings.task_image,
        "command": ["python", "-m", "fairlead.tasks.in_job"],
        "args": [request],
        "env": [{"name": name, "value": variables[name]} for name in sorted(variables)],
        "resources": {
            "requests": quantities(settings.task_requests),
            "limits": quantities(settings.task_limits),
        },
        "volumeMounts": mounts,
        "terminationMessagePath": TERMINATION_LOG,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": restricted_container(),
    }


def task_variables(settings: Settings) -> Mapping[str, str]:
    """The settings that tasks read, as their variables; a default needs none."""
    values: dict[str, Any] = {name: getattr(settings, name) for name in TASK_SETTINGS}
    fields = Settings.model_fields
    changed = {name: value for name, value in values.items() if value != fields[name].default}
    if settings.ca_bundle is not None:
        changed["ca_bundle"] = CA_BUNDLE
    return {f"FAIRLEAD_{name.upper()}": _written(value) for name, value in changed.items()}


def _written(value: object) -> str:
    return " ".join(value) if isinstance(value, tuple) else str(value)
