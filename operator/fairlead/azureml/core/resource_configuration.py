"""v1's ``azureml.core.resource_configuration``."""

from fairlead.azureml.resource_configuration import ResourceConfiguration

__all__ = ["ResourceConfiguration"]
