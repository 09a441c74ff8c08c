"""What a reconcile needs: the client of the cluster, the runner, the settings."""

from dataclasses import dataclass, field

from fairlead.cluster import Cluster
from fairlead.observe.config_maps import ConfigMaps
from fairlead.runners.base import Runner
from fairlead.settings import Settings


@dataclass(frozen=True)
class ReconcileContext:
    cluster: Cluster
    runner: Runner
    settings: Settings
    instance: str
    """Names this operator in its Events."""
    config_maps: ConfigMaps = field(default_factory=ConfigMaps)
