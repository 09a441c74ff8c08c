"""A deployment configuration of v1 as the spec of a Webservice."""

from collections.abc import Iterator, Mapping
from typing import Any

from fairlead.v1files.deployment import Deployment
from fairlead.v1files.fields import Said
from fairlead.v1files.knobs import ComputeType
from fairlead.v1files.notes import Notes

MIB_OF_GIB, MILLI = 1024, 1000
DEFAULT_MAX_REPLICAS = 10
DEFAULT_REQUESTS = (("cpu_cores", "cpu", 0.1), ("memory_gb", "memory", 0.5))
_KEYS = "primary_key", "secondary_key"
_PROBES = {
    "initial_delay_seconds": "initialDelaySeconds",
    "period_seconds": "periodSeconds",
    "timeout_seconds": "timeoutSeconds",
    "success_threshold": "successThreshold",
    "failure_threshold": "failureThreshold",
}
_SCALER = {
    "autoscale_min_replicas": "minReplicas",
    "autoscale_max_replicas": "maxReplicas",
    "autoscale_target_utilization": "targetUtilization",
}
_CONCURRENCY = {
    "replica_max_concurrent_requests": "maxConcurrentRequests",
    "max_request_wait_time": "maxQueueWaitMilliseconds",
}
_TLS = (
    "Put the certificate into a Secret of type kubernetes.io/tls, and name it in spec.expose.tls, "
    "with type Ingress (docs/exposure.md)."
)
_LOG = "The runtime logs a line for each request: collect it as any pod's (docs/scoring.md)."
_NETWORK = "It belongs to the cluster's network: see to it there."
_NO_COUNTERPART = {
    "autoscale_refresh_seconds": "Kubernetes looks every 15 s: remove it.",
    "collect_model_data": _LOG,
    "enable_app_insights": _LOG,
    "token_auth_enabled": "Requests need one of two keys; for tokens of Entra ID put a proxy such "
    "as oauth2-proxy before the Service.",
    "compute_target_name": "It is deployed to the cluster that kubectl talks to.",
    "version_name": "Make a Webservice for each version.",
    "traffic_percentile": "Share the traffic out at the cluster's Ingress or gateway.",
    "location": "It runs where the cluster is.",
    "ssl_enabled": _TLS,
    "ssl_cert_pem_file": _TLS,
    "ssl_key_pem_file": _TLS,
    "ssl_cname": "It is spec.expose.host, with type Ingress.",
    "dns_name_label": "Set spec.expose.host with type Ingress, or type LoadBalancer.",
    "cmk_vault_base_url": "Encrypt the registry and the nodes' disks where they are kept.",
    "cmk_key_name": "Encrypt the registry and the nodes' disks where they are kept.",
    "cmk_key_version": "Encrypt the registry and the nodes' disks where they are kept.",
    "vnet_name": _NETWORK,
    "subnet_name": _NETWORK,
}
FIELDS = {
    **{name: ("probes", field) for name, field in _PROBES.items()},
    **{name: ("autoscale", field) for name, field in _SCALER.items()},
    **{name: ("concurrency", field) for name, field in _CONCURRENCY.items()},
    "cpu_cores": ("resources", "cpu"),
    "memory_gb": ("resources", "memory"),
    "cpu_cores_limit": ("resources", "limits", "cpu"),
    "memory_gb_limit": ("resources", "limits", "memory"),
    "gpu_cores": ("resources", "gpu"),
    "num_replicas": ("replicas",),
    "scoring_timeout_ms": ("scoringTimeoutMilliseconds",),
}
"""Where each parameter goes: for messages about what the spec does not allow."""


def webservice_spec(name: str, deployment: Deployment, notes: Notes) -> dict[str, Any]:
    """The spec but for tags and description; ``name`` is also the InferenceImage's."""
    kind = deployment.compute_type.value if deployment.compute_type else ComputeType.AKS
    spec: dict[str, Any] = {"imageRef": {"name": name}}
    if kind is ComputeType.ACI:
        spec["computeType"] = "ACI"
    else:
        spec |= _scaling(deployment)
    spec |= _block("resources", _resources(deployment))
    spec |= _block("concurrency", _whole(deployment, _CONCURRENCY))
    timeout = deployment.number("scoring_timeout_ms")
    if timeout is not None:
        spec["scoringTimeoutMilliseconds"] = int(timeout)
    spec |= _auth(deployment)
    spec |= _block("probes", _whole(deployment, _PROBES))
    _tell(name, kind, deployment, notes)
    return spec


def _block(field: str, content: Mapping[str, Any]) -> dict[str, Any]:
    return {field: dict(content)} if content else {}


def _whole(deployment: Deployment, table: Mapping[str, str]) -> dict[str, int]:
    given = {field: deployment.number(name) for name, field in table.items()}
    return {field: int(value) for field, value in given.items() if value is not None}


def _scaling(deployment: Deployment) -> dict[str, Any]:
    """A fixed number, or the autoscaler's settings where v1 was told of any."""
    replicas = deployment.number("num_replicas")
    if replicas is not None:
        return {"replicas": int(replicas)}
    found = _whole(deployment, _SCALER)
    least = found.get("minReplicas", 1)
    if least > found.get("maxReplicas", DEFAULT_MAX_REPLICAS):
        found["maxReplicas"] = least  # v1 did not compare it with its own default
    return _block("autoscale", found)


def _resources(deployment: Deployment) -> dict[str, Any]:
    found: dict[str, Any] = dict(_quantities(deployment, ""))
    gpus = deployment.number("gpu_cores")
    if gpus:
        found["gpu"] = int(gpus)
    limits = dict(_quantities(deployment, "_limit"))
    for name, field, default in DEFAULT_REQUESTS:
        limit = deployment.number(f"{name}_limit")
        if limit is not None and field not in found and limit < default:
            found[field] = limits[field]  # a limit alone may lie below the default
    return found | ({"limits": limits} if limits else {})


def _quantities(deployment: Deployment, suffix: str) -> Iterator[tuple[str, str]]:
    cpu = deployment.number(f"cpu_cores{suffix}")
    memory = deployment.number(f"memory_gb{suffix}")
    if cpu is not None:
        yield "cpu", cores(cpu)
    if memory is not None:
        yield "memory", gibibytes(memory)


def cores(number: float) -> str:
    """``0.1`` is ``100m``."""
    whole = number == int(number)
    return str(int(number)) if whole else f"{max(1, round(number * MILLI))}m"


def gibibytes(number: float) -> str:
    """v1's GB, which were Kubernetes' Gi: ``0.5`` is ``512Mi``."""
    whole = number == int(number)
    return f"{int(number)}Gi" if whole else f"{max(1, round(number * MIB_OF_GIB))}Mi"


def _auth(deployment: Deployment) -> dict[str, Any]:
    """Where v1 asked for tokens, keys are asked for: nothing is open that was not."""
    enabled = deployment.flag("auth_enabled")
    if deployment.flag("token_auth_enabled"):
        enabled = True
    return {} if enabled is None else {"auth": {"enabled": enabled}}


def _tell(name: str, kind: ComputeType, deployment: Deployment, notes: Notes) -> None:
    for parameter, remedy in _NO_COUNTERPART.items():
        said = deployment.values.get(parameter)
        if said is not None and said.value is not False:
            notes.remark(said.place, f"{parameter} has no counterpart here", remedy)
    keys = [deployment.values[key] for key in _KEYS if key in deployment.values]
    if keys:
        _tell_keys(name, keys[0], notes)
    port = deployment.values.get("port")
    if kind is ComputeType.LOCAL:
        number = f" --port {int(float(port.value))}" if port else ""
        place = port.place if port else deployment.compute_type.place  # type: ignore[union-attr]
        remedy = f"Deploy the manifests here: fairlead local deploy -k FOLDER{number}."
        notes.remark(place, "computeType local is a service of this machine", remedy)


def _tell_keys(name: str, said: Said[Any], notes: Notes) -> None:
    """A Secret that is there is used, and a service without one is given new keys."""
    notes.remark(
        said.place,
        "keys stand there in clear text: they are not written into manifests, and new ones are "
        "made",
        f"To keep them, make the Secret before the service: kubectl create secret generic "
        f"{name}-fairlead-keys --from-literal=primaryKey=… --from-literal=secondaryKey=….",
    )
