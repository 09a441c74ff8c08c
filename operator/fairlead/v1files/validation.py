"""What v1 refuses in a deployment configuration, all of it at once, in v1's words."""

import re
from collections.abc import Iterator

from fairlead.v1files.deployment import Deployment
from fairlead.v1files.notes import Notes

NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
MAX_PORT = 65_535
_ABOVE_ZERO = (
    *("period_seconds", "initial_delay_seconds", "timeout_seconds", "success_threshold"),
    *("failure_threshold", "scoring_timeout_ms", "replica_max_concurrent_requests"),
    *("max_request_wait_time", "num_replicas"),
)
_SCALER = (
    *("autoscale_min_replicas", "autoscale_max_replicas", "autoscale_refresh_seconds"),
    "autoscale_target_utilization",
)
_GROUPS = (
    ("vnet_name", "subnet_name"),
    ("cmk_vault_base_url", "cmk_key_name", "cmk_key_version"),
)
Wrong = tuple[str, str]
"""The parameter, and what is wrong."""


def validate(deployment: Deployment, place: str, notes: Notes) -> None:
    """``place``: where the configuration is, for what no single key is to blame for."""
    for name, what in _wrong(deployment):
        said = deployment.values.get(name)
        where = said.place if said else place
        notes.problem(where, f"Invalid configuration, {what}", "Correct the value.")


def _wrong(deployment: Deployment) -> Iterator[Wrong]:
    yield from _room(deployment)
    yield from _not_above_zero(deployment, _ABOVE_ZERO)
    namespace = deployment.text("namespace")
    if namespace is not None and not NAMESPACE.fullmatch(namespace):
        yield "namespace", f"namespace must be a valid Kubernetes namespace, not '{namespace}'."
    yield from _scaling(deployment)
    if deployment.flag("auth_enabled") and deployment.flag("token_auth_enabled"):
        yield (
            "token_auth_enabled",
            "auth_enabled and token_auth_enabled cannot both be true.",
        )
    yield from _others(deployment)


def _room(deployment: Deployment) -> Iterator[Wrong]:
    for name in ("cpu_cores", "memory_gb"):
        yield from _not_above_zero(deployment, (name,))
        given, limit = deployment.number(name), deployment.number(f"{name}_limit")
        if limit is not None and (limit <= 0 or (given is not None and limit < given)):
            yield f"{name}_limit", f"{name}_limit must be greater than or equal to {name}."
    gpus = deployment.number("gpu_cores")
    if gpus is not None and gpus < 0:
        yield "gpu_cores", "gpu_cores must be greater than or equal to zero."


def _not_above_zero(deployment: Deployment, names: tuple[str, ...]) -> Iterator[Wrong]:
    for name in names:
        value = deployment.number(name)
        if value is not None and value <= 0:
            yield name, f"{name} must be greater than zero."


def _scaling(deployment: Deployment) -> Iterator[Wrong]:
    enabled, replicas = deployment.flag("autoscale_enabled"), deployment.number("num_replicas")
    if not enabled:
        for name in _SCALER:
            if name in deployment.values:
                yield name, f"{name} provided without enabling autoscaling."
        if enabled is False and replicas is None:
            yield "autoscale_enabled", "autoscale disabled but num_replicas not provided."
        return
    if replicas is not None:
        yield "num_replicas", "autoscale enabled and num_replicas provided."
    yield from _not_above_zero(deployment, _SCALER)
    least, most = (deployment.number(name) for name in _SCALER[:2])
    if least is not None and most is not None and least > most:
        words = "autoscale_min_replicas cannot be greater than autoscale_max_replicas."
        yield "autoscale_min_replicas", words


def _others(deployment: Deployment) -> Iterator[Wrong]:
    port = deployment.number("port")
    if port is not None and not 1 <= port <= MAX_PORT:
        yield "port", "port must be an integer in range [1, 65535]"
    share = deployment.number("traffic_percentile")
    if share is not None and not 0 <= share <= 100:  # noqa: PLR2004  (percent)
        yield "traffic_percentile", "traffic_percentile cannot be negative or greater than 100."
    for group in _GROUPS:
        given = [name for name in group if name in deployment.values]
        if given and len(given) < len(group):
            yield given[0], f"{' and '.join(group)} must all have values or none of them."
    certificate = ("ssl_cert_pem_file", "ssl_key_pem_file", "ssl_cname")
    if deployment.flag("ssl_enabled") and not all(one in deployment.values for one in certificate):
        yield "ssl_enabled", "SSL is enabled, you must provide a SSL certificate, key, and cname."
