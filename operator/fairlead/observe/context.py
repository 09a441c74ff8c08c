"""What a reconcile needs: client of the cluster, cache, runner, parsers, settings."""

from dataclasses import dataclass, field

from fairlead.cluster import Cluster
from fairlead.log_address import LogKeys
from fairlead.observe.cache import Cache
from fairlead.observe.config_maps import ConfigMaps
from fairlead.observe.logs import Logs
from fairlead.observe.metrics_api import MetricsApi
from fairlead.observe.namespaces import Namespaces
from fairlead.operator_metrics import Metrics
from fairlead.parsing.base import Parsers
from fairlead.runners.base import Runner
from fairlead.settings import Settings


@dataclass(frozen=True)
class ReconcileContext:
    cluster: Cluster
    cache: Cache
    runner: Runner
    parsers: Parsers
    settings: Settings
    config_maps: ConfigMaps
    logs: Logs
    namespaces: Namespaces
    instance: str
    """Names this operator in its Events."""
    log_keys: LogKeys | None = None
    """None where logs are served without keys."""
    metrics: Metrics = field(default_factory=Metrics)
    metrics_api: MetricsApi | None = None
    """None where it is not installed."""
