"""What a look at the world needs: the door to the cluster, the runner, the settings."""

from dataclasses import dataclass, field

from fairlead.cluster import Cluster
from fairlead.observe.config_maps import ConfigMaps
from fairlead.runners.base import Runner
from fairlead.settings import Settings


@dataclass(frozen=True)
class World:
    cluster: Cluster
    runner: Runner
    settings: Settings
    instance: str
    """Names this operator in its Events."""
    config_maps: ConfigMaps = field(default_factory=ConfigMaps)
