"""v1's ``azureml.core.environment``."""

from fairlead.azureml.dependencies import CondaDependencies
from fairlead.azureml.environment import (
    ContainerRegistry,
    DockerSection,
    Environment,
    PythonSection,
)

__all__ = [
    "CondaDependencies",
    "ContainerRegistry",
    "DockerSection",
    "Environment",
    "PythonSection",
]
