"""``AksWebservice.deploy_configuration``: the knobs, and v1's check of them all at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from fairlead.azureml.exceptions import InvalidConfigurationError
from fairlead.azureml.names import NAMESPACE

AUTOSCALED = (
    "autoscale_min_replicas",
    "autoscale_max_replicas",
    "autoscale_refresh_seconds",
    "autoscale_target_utilization",
)
PROBES = (
    "period_seconds",
    "initial_delay_seconds",
    "timeout_seconds",
    "success_threshold",
    "failure_threshold",
)
REQUESTS = (
    "scoring_timeout_ms",
    "replica_max_concurrent_requests",
    "max_request_wait_time",
    "num_replicas",
)
KEYS = ("primary_key", "secondary_key")


@dataclass
class AksServiceDeploymentConfiguration:
    """What is None is v1's default, which is Fairlead's.

    Raises ``InvalidConfigurationError`` with a line for each problem.
    """

    autoscale_enabled: bool | None = None
    autoscale_min_replicas: int | None = None
    autoscale_max_replicas: int | None = None
    autoscale_refresh_seconds: int | None = None
    autoscale_target_utilization: int | None = None
    collect_model_data: bool | None = None
    auth_enabled: bool | None = None
    cpu_cores: float | None = None
    memory_gb: float | None = None
    enable_app_insights: bool | None = None
    scoring_timeout_ms: int | None = None
    replica_max_concurrent_requests: int | None = None
    max_request_wait_time: int | None = None
    num_replicas: int | None = None
    primary_key: str | None = field(default=None, repr=False)
    secondary_key: str | None = field(default=None, repr=False)
    tags: Mapping[str, Any] | None = None
    properties: Mapping[str, Any] | None = None
    description: str | None = None
    gpu_cores: int | None = None
    period_seconds: int | None = None
    initial_delay_seconds: int | None = None
    timeout_seconds: int | None = None
    success_threshold: int | None = None
    failure_threshold: int | None = None
    namespace: str | None = None
    token_auth_enabled: bool | None = None
    compute_target_name: str | None = None
    cpu_cores_limit: float | None = None
    memory_gb_limit: float | None = None
    blobfuse_enabled: bool | None = None

    def __post_init__(self) -> None:
        self.validate_configuration()

    def validate_configuration(self) -> None:
        """Again, after attributes were changed."""
        raise_all(problems_of(self), "Invalid configuration, ")

    def print_deploy_configuration(self) -> None:
        """What is set, but for the keys themselves."""
        import sys

        told = {one.name: getattr(self, one.name) for one in fields(self)}
        given = {name: value for name, value in told.items() if value is not None}
        hidden = dict.fromkeys(given.keys() & set(KEYS), "***")
        sys.stdout.write(f"{ {**given, **hidden} }\n")


def raise_all(problems: Iterator[str], prefix: str) -> None:
    """One line for each problem."""
    text = "".join(f"{prefix}{problem}\n" for problem in problems)
    if text:
        raise InvalidConfigurationError(text)


def problems_of(config: Any) -> Iterator[str]:
    """In v1's order and words. ``config`` has an attribute for each knob."""
    yield from _resources(config)
    yield from _not_positive(config, PROBES)
    if config.namespace is not None and not NAMESPACE.fullmatch(config.namespace):
        yield (
            "namespace must be a valid Kubernetes namespace. Regex for validation is "
            "^[a-z0-9]([a-z0-9-]{,61}[a-z0-9])?$"
        )
    yield from _not_positive(config, REQUESTS)
    yield from _replicas(config)
    if config.auth_enabled and config.token_auth_enabled:
        yield "auth_enabled and token_auth_enabled cannot both be true."


def _resources(config: Any) -> Iterator[str]:
    yield from _not_positive(config, ("cpu_cores",))
    yield from _limits(config, "cpu_cores")
    yield from _not_positive(config, ("memory_gb",))
    yield from _limits(config, "memory_gb")
    if config.gpu_cores is not None and config.gpu_cores < 0:
        yield "gpu_cores must be greater than or equal to zero."


def _limits(config: Any, name: str) -> Iterator[str]:
    least, most = getattr(config, name), getattr(config, f"{name}_limit")
    if most is not None and least is not None and most < least:
        yield f"{name}_limit must be greater than or equal to {name}."


def _replicas(config: Any) -> Iterator[str]:
    if not config.autoscale_enabled:
        if config.autoscale_enabled is False and config.num_replicas is None:
            yield "autoscale disabled but num_replicas not provided."
        for name in AUTOSCALED:
            if getattr(config, name) is not None:
                yield f"{name} provided without enabling autoscaling."
        return
    if config.num_replicas is not None:
        yield "autoscale enabled and num_replicas provided."
    yield from _not_positive(config, AUTOSCALED[:2])
    least, most = config.autoscale_min_replicas, config.autoscale_max_replicas
    if least is not None and most is not None and least > most:
        yield "autoscale_min_replicas cannot be greater than autoscale_max_replicas."
    yield from _not_positive(config, AUTOSCALED[2:])


def _not_positive(config: Any, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        value = getattr(config, name)
        if value is not None and value <= 0:
            yield f"{name} must be greater than zero."
