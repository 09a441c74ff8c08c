"""What a deployment configuration becomes: fields of a Webservice's spec, as they are on the wire.

Pure. What has no field is told in sentences, or refused where leaving it out would be no service.
"""

from collections.abc import Iterator
from typing import Any

from fairlead.azureml.deployment.aci import AciServiceDeploymentConfiguration
from fairlead.azureml.deployment.aks import AksServiceDeploymentConfiguration
from fairlead.azureml.exceptions import UnsupportedError

MIB_OF_GB = 1024
MILLI = 1000
PROBE_FIELDS = {
    "period_seconds": "periodSeconds",
    "initial_delay_seconds": "initialDelaySeconds",
    "timeout_seconds": "timeoutSeconds",
    "success_threshold": "successThreshold",
    "failure_threshold": "failureThreshold",
}
AUTOSCALE_FIELDS = {
    "autoscale_min_replicas": "minReplicas",
    "autoscale_max_replicas": "maxReplicas",
    "autoscale_target_utilization": "targetUtilization",
}
CONCURRENCY_FIELDS = {
    "replica_max_concurrent_requests": "maxConcurrentRequests",
    "max_request_wait_time": "maxQueueWaitMilliseconds",
}
PLAIN_FIELDS = {
    "num_replicas": "replicas",
    "scoring_timeout_ms": "scoringTimeoutMilliseconds",
    "tags": "tags",
    "description": "description",
}
Fields = dict[str, Any]
Configuration = AksServiceDeploymentConfiguration | AciServiceDeploymentConfiguration


def service_fields(config: Configuration) -> Fields:
    """Only what is set. Raises ``UnsupportedError``."""
    if isinstance(config, AciServiceDeploymentConfiguration):
        return _aci_fields(config)
    return aks_fields(config)


def aks_fields(config: Any) -> Fields:
    """``config`` has an attribute for each knob of AKS. Raises ``UnsupportedError``."""
    if config.token_auth_enabled:
        raise UnsupportedError(
            "token_auth_enabled (tokens of Entra ID)",
            "Keep key authentication (auth_enabled), and put a proxy such as oauth2-proxy before "
            "the Service.",
        )
    parts = {
        **_named(config, PLAIN_FIELDS),
        "autoscale": _autoscale(config),
        "resources": _resources(config),
        "probes": _named(config, PROBE_FIELDS),
        "concurrency": _named(config, CONCURRENCY_FIELDS),
        "auth": {} if config.auth_enabled is None else {"enabled": bool(config.auth_enabled)},
    }
    return {name: value for name, value in parts.items() if value not in ({}, None)}


def without_effect(config: Configuration) -> Iterator[str]:
    """A sentence for each thing that is set and does nothing here."""
    if getattr(config, "autoscale_refresh_seconds", None) is not None:
        yield "autoscale_refresh_seconds has no effect: Kubernetes looks every 15 seconds."
    if config.collect_model_data or config.enable_app_insights:
        yield (
            "collect_model_data and enable_app_insights have no effect: the service's log has a "
            "line for each request; collect it as that of any pod."
        )
    if getattr(config, "compute_target_name", None):
        yield "compute_target_name has no effect: the cluster is that of the workspace."
    for name in ("location", "dns_name_label", "vnet_name"):
        if getattr(config, name, None):
            yield f"{name} has no effect: the cluster's Ingress and network decide."
    if config.properties:
        yield "properties are kept as tags."


def _aci_fields(config: AciServiceDeploymentConfiguration) -> Fields:
    if config.ssl_enabled:
        raise UnsupportedError(
            "ssl_enabled",
            "Name the certificate's Secret in spec.expose.tls (docs/exposure.md).",
        )
    if config.cmk_key_name:
        raise UnsupportedError(
            "A customer-managed key (cmk_*)",
            "The cluster's disks and its etcd are encrypted there.",
        )
    parts = {
        "computeType": "ACI",
        **_named(config, {"tags": "tags", "description": "description"}),
        "resources": _resources(config),
        "auth": {} if config.auth_enabled is None else {"enabled": bool(config.auth_enabled)},
    }
    return {name: value for name, value in parts.items() if value != {}}


def _named(config: Any, names: dict[str, str]) -> Fields:
    found = {field: getattr(config, name) for name, field in names.items()}
    if "tags" in found and getattr(config, "properties", None):
        found["tags"] = {**config.properties, **(found["tags"] or {})}
    return {field: value for field, value in found.items() if value is not None}


def _autoscale(config: Any) -> Fields:
    enabled = (
        {} if config.autoscale_enabled is None else {"enabled": bool(config.autoscale_enabled)}
    )
    return {**enabled, **_named(config, AUTOSCALE_FIELDS)}


def _resources(config: Any) -> Fields:
    limits = {
        "cpu": cores(getattr(config, "cpu_cores_limit", None)),
        "memory": memory(getattr(config, "memory_gb_limit", None)),
    }
    given = {name: value for name, value in limits.items() if value is not None}
    found = {
        "cpu": cores(config.cpu_cores),
        "memory": memory(config.memory_gb),
        "gpu": getattr(config, "gpu_cores", None),
        "limits": given or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def cores(number: float | None) -> str | None:
    """A quantity of CPU, at least a thousandth."""
    if number is None:
        return None
    milli = max(1, round(number * MILLI))
    return str(milli // MILLI) if milli % MILLI == 0 else f"{milli}m"


def memory(gigabytes: float | None) -> str | None:
    """A quantity of memory; v1's GB has 1024 MiB."""
    return None if gigabytes is None else f"{max(1, round(gigabytes * MIB_OF_GB))}Mi"
