"""v1's ``azureml.core.container_registry``."""

from fairlead.azureml.environment import ContainerRegistry

__all__ = ["ContainerRegistry"]
