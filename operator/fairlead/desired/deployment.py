"""The Deployment: replicas of one image, each serving ``init()`` and ``run()``."""

import math
from collections.abc import Sequence
from typing import Any

from fairlead.api.expose import ROOT
from fairlead.api.meta import FRONTED
from fairlead.api.objects import Webservice
from fairlead.api.refs import Manifest
from fairlead.api.variables import SLOTS
from fairlead.api.webservice import Probes, Resources
from fairlead.desired.keys import keys_name
from fairlead.desired.metadata import (
    REVISION,
    child,
    fingerprint,
    labels,
    selector,
)
from fairlead.desired.pod_options import mounts, scheduling, volumes
from fairlead.desired.pod_security import restricted_container, restricted_pod
from fairlead.desired.request_limits import request_limits, runtime_variables
from fairlead.images.debugger import PORT as DEBUG_PORT
from fairlead.images.layout import EDITS, PORT

CONTAINER = "scoring"
KEYS_FOLDER = "/var/run/fairlead/keys"
SCRATCH = "/tmp"
TERMINATION_LOG = "/dev/termination-log"
GPU = "nvidia.com/gpu"
STARTUP_PERIOD_S = 1  # seconds between two looks at a container that starts
DRAIN_S = 5  # until every node knows that the pod takes no more requests
END_MARGIN_S = 5  # to send the last answers and to end the slots
HANDOVER_S = 5  # until the cluster's DNS, and each front, know of a new replica
DEBUG_STARTUP_S = 24 * 3600  # as long as a breakpoint may hold init()
PROGRESS_DEADLINE_MARGIN_S = 300  # seconds to pull the image, on top of the start-up budget


def deployment(
    webservice: Webservice,
    image: str,
    pull_secrets: Sequence[str] = (),
    handover_s: int = HANDOVER_S,
) -> Manifest:
    """Return the Deployment that serves ``image`` (a reference by digest, or the user's own), which
    nodes pull with ``pull_secrets``: names of Secrets. Behind a front a new replica is ready for
    ``handover_s`` before one of those that serve is ended.

    ``replicas`` is left out where an autoscaler holds it.
    """
    template = _template(webservice, image, pull_secrets)
    spec = {
        "selector": {"matchLabels": selector(webservice)},
        "template": template,
        "strategy": {
            "type": "RollingUpdate",  # the old ones serve until the new ones are ready
            "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
        },
        "revisionHistoryLimit": 3,
        "progressDeadlineSeconds": progress_deadline_s(webservice),
    }
    if webservice.spec.fronted is not None:  # the API takes no more than the deadline
        spec["minReadySeconds"] = min(handover_s, progress_deadline_s(webservice) - 1)
    if webservice.spec.fixed_replicas is not None:
        spec["replicas"] = webservice.spec.fixed_replicas
    return child(webservice, "apps/v1", "Deployment", spec, annotations=_marks(webservice))


def _marks(webservice: Webservice) -> dict[str, str]:
    """Debug mode ends: what was made for a front, and has none meanwhile, has one again then."""
    front = webservice.spec.front
    return {FRONTED: "true"} if front is not None and front.enabled else {}


def revision_of(manifest: Manifest) -> str:
    """The label that tells pods of this template from those of an earlier one."""
    return str(manifest["spec"]["template"]["metadata"]["labels"][REVISION])


def grace_period_s(webservice: Webservice) -> int:
    """How long a pod may take to end: no request that it has accepted is cut off.

    Requests arrive until the drain is over; the last one may wait in the queue, and then run.
    """
    return DRAIN_S + request_limits(webservice).longest_s + END_MARGIN_S


def longest_startup_s(webservice: Webservice) -> float:
    """Until a container that never gets ready has been ended at the latest."""
    probes = webservice.spec.probes or Probes()
    try_s = max(STARTUP_PERIOD_S, probes.timeout_seconds)
    return _startup_tries(webservice) * try_s + grace_period_s(webservice)


def progress_deadline_s(webservice: Webservice) -> int:
    """How long a rollout may stand still until Kubernetes says that it has failed."""
    options = webservice.spec.rollout
    given = options.progress_deadline_seconds if options else None
    held = webservice.spec.debugged is not None  # by a breakpoint in init()
    least = startup_budget_s(webservice) + PROGRESS_DEADLINE_MARGIN_S
    return least if held or not given else given


def startup_budget_s(webservice: Webservice) -> int:
    """How long ``init()`` may take."""
    probes = webservice.spec.probes or Probes()
    held = webservice.spec.debugged is not None
    return max(probes.initial_delay_seconds, DEBUG_STARTUP_S if held else 0)


def liveness_window_s(webservice: Webservice) -> float:
    """How long a container must fail its liveness probe before the kubelet ends it, at least."""
    probes = webservice.spec.probes or Probes()
    return (probes.failure_threshold - 1) * probes.period_seconds


def _startup_tries(webservice: Webservice) -> int:
    return math.ceil(startup_budget_s(webservice) / STARTUP_PERIOD_S)


def _template(webservice: Webservice, image: str, pull_secrets: Sequence[str]) -> Manifest:
    spec = _pod_spec(webservice, image)
    if pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in pull_secrets]
    return {"metadata": _pod_metadata(webservice, spec), "spec": spec}


def _pod_metadata(webservice: Webservice, spec: Manifest) -> Manifest:
    """Whatever makes other pods makes another revision."""
    users, annotations = webservice.spec.pod_labels or {}, webservice.spec.pod_annotations or {}
    content = [spec, users, annotations] if users or annotations else spec
    metadata = {"labels": {**users, **labels(webservice), REVISION: fingerprint(content)}}
    return {**metadata, "annotations": annotations} if annotations else metadata


def _pod_spec(webservice: Webservice, image: str) -> Manifest:
    all_volumes: list[Manifest] = [{"name": "tmp", "emptyDir": {}}]
    if authenticated(webservice):
        all_volumes.append({"name": "keys", "secret": {"secretName": keys_name(webservice)}})
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,  # a Service named `fairlead` would set FAIRLEAD_PORT
        "terminationGracePeriodSeconds": grace_period_s(webservice),
        "securityContext": restricted_pod(),
        "containers": [_container(webservice, image)],
        "volumes": [*all_volumes, *volumes(webservice)],
        **scheduling(webservice),
    }


def _container(webservice: Webservice, image: str) -> Manifest:
    all_mounts: list[Manifest] = [{"name": "tmp", "mountPath": SCRATCH}]
    if authenticated(webservice):
        all_mounts.append({"name": "keys", "mountPath": KEYS_FOLDER, "readOnly": True})
    return {
        "name": CONTAINER,
        "image": image,
        "env": _environment(webservice),
        "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        "resources": _resources(webservice.spec.resources or Resources()),
        "volumeMounts": [*all_mounts, *mounts(webservice)],
        "terminationMessagePath": TERMINATION_LOG,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": restricted_container(read_only=not webservice.spec.writable_source),
        **_probes(webservice),
    }


def _environment(webservice: Webservice) -> list[Manifest]:
    """Sorted, for a mapping has no order."""
    whole = service_variables(webservice)
    return [{"name": name, "value": _literal(value)} for name, value in sorted(whole.items())]


def service_variables(webservice: Webservice) -> dict[str, str]:
    """What a container of the service has beyond its image: the user's variables and ours, which
    win.

    Ours are there whether or not they have the runtime's defaults: the runtime would take them from
    a config file in the source else.
    """
    ours = {
        "SERVICE_NAME": webservice.name,
        "FAIRLEAD_PORT": str(PORT),
        "FAIRLEAD_DRAIN_SECONDS": str(DRAIN_S),
        "FAIRLEAD_TERMINATION_LOG": TERMINATION_LOG,
        **runtime_variables(webservice),
        **_debug_variables(webservice),
    }
    if authenticated(webservice):
        ours["FAIRLEAD_KEYS_DIR"] = KEYS_FOLDER
    defaults = {} if webservice.spec.image_ref else {"HOME": SCRATCH}  # images of ours have it
    expose = webservice.spec.expose
    if expose and expose.path and expose.path != ROOT:
        defaults["SERVICE_PATH_PREFIX"] = expose.path  # Swagger names the addresses outside
    return {**defaults, **(webservice.spec.environment_variables or {}), **ours}


def _debug_variables(webservice: Webservice) -> dict[str, str]:
    """Debug mode: other pods do not reach the debugger, and one request runs at a time."""
    debug = webservice.spec.debugged
    if debug is None:
        return {}
    return {
        "FAIRLEAD_DEBUG": "true",
        "FAIRLEAD_DEBUG_EDITS": f"/{EDITS}",
        "FAIRLEAD_DEBUG_HOST": "127.0.0.1",
        "FAIRLEAD_DEBUG_PORT": str(DEBUG_PORT),
        "FAIRLEAD_DEBUG_WAIT_SECONDS": str(debug.wait_seconds),
        SLOTS: "1",
    }


def _literal(value: str) -> str:
    """Kubernetes replaces ``$(NAME)`` and ``$$`` in values: each ``$`` doubled arrives as it is."""
    return value.replace("$", "$$")


def _resources(resources: Resources) -> Manifest:
    requests: dict[str, Any] = {"cpu": resources.cpu, "memory": resources.memory}
    limits: dict[str, Any] = resources.limits.to_wire() if resources.limits else {}
    if resources.gpu:
        limits[GPU] = resources.gpu  # an extended resource's request is its limit
    return {"requests": requests, **({"limits": limits} if limits else {})}


def _probes(webservice: Webservice) -> Manifest:
    """``init()`` has its whole budget before liveness counts; v1 had liveness alone.

    Kubernetes allows a success threshold for readiness only.
    """
    probes = webservice.spec.probes or Probes()
    timeout = {"timeoutSeconds": probes.timeout_seconds}
    period = {"periodSeconds": probes.period_seconds, "failureThreshold": probes.failure_threshold}
    return {
        "startupProbe": {
            "httpGet": _get("/ready"),
            "periodSeconds": STARTUP_PERIOD_S,
            "failureThreshold": _startup_tries(webservice),
            **timeout,
        },
        "livenessProbe": {"httpGet": _get("/"), **period, **timeout},
        "readinessProbe": {
            "httpGet": _get("/ready"),
            "successThreshold": probes.success_threshold,
            **period,
            **timeout,
        },
    }


def _get(path: str) -> Manifest:
    return {"path": path, "port": "http"}


def authenticated(webservice: Webservice) -> bool:
    return webservice.spec.authenticated
